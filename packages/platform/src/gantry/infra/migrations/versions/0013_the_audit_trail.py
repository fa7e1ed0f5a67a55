"""the audit trail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0013'
down_revision = '0012'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('audit_entry',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('action', sa.Text(), nullable=False),
    sa.Column('actor', sa.Text(), nullable=False),
    sa.Column('actor_kind', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.Text(), nullable=False),
    sa.Column('address', sa.Text(), nullable=False),
    sa.Column('resource', sa.String(length=32), nullable=False),
    sa.Column('resource_id', sa.Text(), nullable=True),
    sa.Column('related', sa.String(length=32), nullable=True),
    sa.Column('related_id', sa.Text(), nullable=True),
    sa.Column('body', sa.Text(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=True),
    sa.Column('digest', sa.LargeBinary(), nullable=True),
    sa.PrimaryKeyConstraint('id', 'at', name=op.f('pk_audit_entry')),
    postgresql_partition_by='RANGE (at)'
    )
    op.create_index('audit_entry_newest', 'audit_entry', ['at', 'id'], unique=False)
    op.create_index('audit_entry_actor', 'audit_entry', ['actor', 'at'], unique=False)
    op.create_index('audit_entry_action', 'audit_entry', ['action', 'at'], unique=False)
    op.create_index('audit_entry_resource', 'audit_entry', ['resource', 'resource_id', 'at'], unique=False)
    op.create_index('audit_entry_seq', 'audit_entry', ['seq'], unique=False)
    op.create_table('audit_chain',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('seq', sa.BigInteger(), nullable=False),
    sa.Column('digest', sa.LargeBinary(), nullable=False),
    sa.Column('checkpoint_seq', sa.BigInteger(), nullable=False),
    sa.Column('checkpoint_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_audit_chain'))
    )
    # Where an entry goes whose month has no table: nothing that is done may fail for it.
    op.execute("create table audit_entry_other partition of audit_entry default")
