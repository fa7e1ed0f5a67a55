"""the tree has a version"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None
fires = 'it writes one row that nothing else writes, after the statement, and refuses nothing'


def upgrade() -> None:
    op.create_table('space_tree',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('version', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_space_tree'))
    )
    op.execute("insert into space_tree (id, version) values (1, gen_random_uuid()::text)")
    # The database does it, as code of the release before changes the tree as well.
    op.execute("""
create function space_tree_changes() returns trigger language plpgsql as $$
begin
  update space_tree set version = gen_random_uuid()::text;
  return null;
end $$
""")
    op.execute("""
create trigger space_tree_changes
after insert or delete or update of id, parent_id, inherit_entities, path, inherits on space
for each statement execute function space_tree_changes()
""")
