"""the tree of spaces"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('space', sa.Column('path', sa.ARRAY(sa.Text()), server_default='{}', nullable=False))
    op.add_column('space', sa.Column('inherits', sa.ARRAY(sa.Text()), server_default='{}', nullable=False))
    # There was no way to make another space than the root.
    op.execute("update space set path = array[id] where parent_id is null")
