"""who manages spaces"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('account', sa.Column('space_admins_manage_spaces', sa.Boolean(), server_default=sa.text('false'), nullable=False))
