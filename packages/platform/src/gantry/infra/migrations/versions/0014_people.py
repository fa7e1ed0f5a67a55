"""people, groups, and what API keys trust"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('app_user', sa.Column('email', sa.Text(), nullable=True))
    op.add_column('app_user', sa.Column('name', sa.Text(), nullable=True))
    op.add_column('app_user', sa.Column('groups', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('app_user', sa.Column('last_sign_in_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('app_user', sa.Column('inactive_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('app_user', sa.Column('invited_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('app_user', sa.Column('invited_by', sa.Text(), nullable=True))
    op.add_column('app_user', sa.Column('invitation_email', sa.Text(), nullable=True))
    op.add_column('app_user', sa.Column('invitation_expires_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('app_user', sa.Column('slack_member_id', sa.Text(), nullable=True))
    # A table of its own, because a rule on one that older code writes would bind that code too.
    op.create_table('user_identity',
    sa.Column('user_id', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('subject', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['user_id'], ['app_user.id'], name=op.f('fk_user_identity_user_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('user_id', name=op.f('pk_user_identity'))
    )
    op.create_index('user_identity_subject', 'user_identity', ['source', 'subject'], unique=True)
    op.create_table('user_group',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('description', sa.Text(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_user_group')),
    sa.UniqueConstraint('name', name=op.f('uq_user_group_name'))
    )
    op.create_table('chat_channel',
    sa.Column('id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Enum('SLACK', name='channelkind', native_enum=False, length=32), nullable=False),
    sa.Column('slack_channel_id', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('created_by', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_chat_channel')),
    sa.UniqueConstraint('slack_channel_id', name=op.f('uq_chat_channel_slack_channel_id'))
    )
    op.create_table('management',
    sa.Column('id', sa.BigInteger(), nullable=False),
    sa.Column('scheme', sa.Enum('USER_MANAGEMENT', 'LOGIN_POLICY', name='scheme', native_enum=False, length=32), nullable=False),
    sa.Column('space_admins_manage_keys', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_management'))
    )
    op.execute("insert into management (id, scheme, space_admins_manage_keys) values (1, 'USER_MANAGEMENT', false)")
    # Of keys that older code makes there is no row: they are what keys were before.
    op.create_table('api_key_traits',
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('created_by_id', sa.Text(), nullable=False),
    sa.Column('teams', postgresql.ARRAY(sa.Text()), server_default='{}', nullable=False),
    sa.Column('issuer', sa.Text(), nullable=True),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('subject_expression', sa.Text(), nullable=True),
    sa.Column('claim_mapping', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['key_id'], ['api_key.id'], name=op.f('fk_api_key_traits_key_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('key_id', name=op.f('pk_api_key_traits'))
    )
    op.create_index(op.f('ix_api_key_traits_created_by_id'), 'api_key_traits', ['created_by_id'], unique=False)
    op.create_table('session_groups',
    sa.Column('session_id', sa.Text(), nullable=False),
    sa.Column('groups', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['session_id'], ['session.id'], name=op.f('fk_session_groups_session_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('session_id', name=op.f('pk_session_groups'))
    )
