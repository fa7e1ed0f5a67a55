"""notifications"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('notification',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('group_key', sa.String(length=32), nullable=False),
    sa.Column('about', sa.Text(), nullable=False),
    sa.Column('severity', sa.String(length=32), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('space_id', sa.Text(), nullable=True),
    sa.Column('stack_id', sa.Text(), nullable=True),
    sa.Column('times', sa.BigInteger(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('dismissed_by', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['space_id'], ['space.id'], name=op.f('fk_notification_space_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['stack_id'], ['stack.id'], name=op.f('fk_notification_stack_id'), onupdate='CASCADE', ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification'))
    )
    op.create_index(op.f('ix_notification_last_at'), 'notification', ['last_at'], unique=False)
    op.create_index(op.f('ix_notification_space_id'), 'notification', ['space_id'], unique=False)
    op.create_index(op.f('ix_notification_stack_id'), 'notification', ['stack_id'], unique=False)
    op.create_index('notification_once', 'notification', ['group_key', 'about'], unique=True, postgresql_where=sa.text('dismissed_by is null'))
