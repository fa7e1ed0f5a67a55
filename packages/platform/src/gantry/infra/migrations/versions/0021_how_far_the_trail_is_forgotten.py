"""how far the trail is forgotten"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('audit_chain', sa.Column('floor_seq', sa.BigInteger(), server_default=sa.text('0'), nullable=False))
