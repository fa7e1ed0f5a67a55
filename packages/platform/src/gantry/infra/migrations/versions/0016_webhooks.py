"""webhooks"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('webhook',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('space_id', sa.Text(), nullable=True),
    sa.Column('stack_id', sa.Text(), nullable=True),
    sa.Column('endpoint', sa.Text(), nullable=False),
    sa.Column('enabled', sa.Boolean(), nullable=False),
    sa.Column('include_runs', sa.Boolean(), nullable=False),
    sa.Column('retry_on_failure', sa.Boolean(), nullable=True),
    sa.Column('labels', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('secret_sealed', sa.LargeBinary(), nullable=True),
    sa.Column('failures', sa.BigInteger(), nullable=False),
    sa.Column('disabled_reason', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('position', sa.BigInteger(), nullable=False),
    sa.Column('since', sa.DateTime(timezone=True), nullable=True),
    sa.Column('until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('leaving', sa.Boolean(), nullable=False),
    # The release before deletes stacks and spaces without knowing of these rows: a stack's row
    # stays then, under another id, and the space's does not go.
    sa.ForeignKeyConstraint(['space_id'], ['space.id'], name=op.f('fk_webhook_space_id')),
    sa.ForeignKeyConstraint(['stack_id'], ['stack.id'], name=op.f('fk_webhook_stack_id'), onupdate='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook'))
    )
    op.create_index(op.f('ix_webhook_space_id'), 'webhook', ['space_id'], unique=False)
    op.create_index('webhook_once_per_stack', 'webhook', ['stack_id', 'endpoint'], unique=True)
    op.create_index('webhook_one_audit', 'webhook', ['kind'], unique=True, postgresql_where=sa.text("kind = 'AUDIT' and not leaving"))
    op.create_table('webhook_header',
    sa.Column('webhook_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('value_sealed', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], name=op.f('fk_webhook_header_webhook_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('webhook_id', 'name', name=op.f('pk_webhook_header'))
    )
    op.create_table('webhook_delivery',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('number', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('webhook_id', sa.Text(), nullable=False),
    sa.Column('event', sa.Text(), nullable=False),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=32), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempts', sa.BigInteger(), nullable=False),
    sa.Column('next_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('attempted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('status', sa.BigInteger(), nullable=True),
    sa.Column('took_ms', sa.BigInteger(), nullable=True),
    sa.Column('error', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['webhook_id'], ['webhook.id'], name=op.f('fk_webhook_delivery_webhook_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_webhook_delivery')),
    sa.UniqueConstraint('number', name=op.f('uq_webhook_delivery_number'))
    )
    op.create_index('webhook_delivery_log', 'webhook_delivery', ['webhook_id', 'number'], unique=False)
    op.create_index('webhook_delivery_waiting', 'webhook_delivery', ['webhook_id', 'number'], unique=False, postgresql_where=sa.text("state = 'WAITING'"))
    op.create_index('webhook_delivery_created', 'webhook_delivery', ['created_at'], unique=False)
