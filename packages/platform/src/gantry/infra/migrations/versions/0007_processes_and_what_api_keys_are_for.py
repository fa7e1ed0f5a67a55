"""processes, and what API keys are for"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('process',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('host', sa.Text(), nullable=False),
    sa.Column('release', sa.Text(), nullable=False),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('heard_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_process'))
    )
    # A release that knows no expiry takes an expired key for a good one while it still runs.
    op.add_column('api_key', sa.Column('description', sa.Text(), nullable=True))
    op.add_column('api_key', sa.Column('expires_at', sa.DateTime(timezone=True), nullable=True))
