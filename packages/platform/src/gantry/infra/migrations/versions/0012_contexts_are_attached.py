"""contexts are attached"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('context_attachment',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('context_id', sa.Text(), nullable=False),
    sa.Column('stack_id', sa.Text(), nullable=False),
    sa.Column('priority', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['context_id'], ['context.id'], name=op.f('fk_context_attachment_context_id')),
    sa.ForeignKeyConstraint(['stack_id'], ['stack.id'], name=op.f('fk_context_attachment_stack_id'), onupdate='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_context_attachment'))
    )
    op.create_index(op.f('ix_context_attachment_context_id'), 'context_attachment', ['context_id'], unique=False)
    op.create_index('context_attached_once', 'context_attachment', ['stack_id', 'context_id'], unique=True)
