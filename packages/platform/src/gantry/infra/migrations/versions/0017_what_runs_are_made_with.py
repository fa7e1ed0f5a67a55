"""what runs are made with"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('tree_config',
    sa.Column('tree', sa.Text(), nullable=False),
    sa.Column('found', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('tree', name=op.f('pk_tree_config'))
    )
    op.create_table('run_configuration',
    sa.Column('run_id', sa.Text(), nullable=False),
    sa.Column('taken', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['run.id'], name=op.f('fk_run_configuration_run_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_run_configuration'))
    )
    # Values of variables that lay there in the open until they were sealed elsewhere. Nothing has
    # read them since.
    op.execute("update run set runtime_config = runtime_config - 'environment' where runtime_config ? 'environment'")
