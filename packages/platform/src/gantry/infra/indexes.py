"""Indexes on tables that are in use, for migrations."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op


def build_index(name: str, table: str, columns: Sequence[str], *, where: str | None = None) -> None:
    """Build an index while others go on reading and writing. In a migration of its own.

    It waits for transactions that are under way, as long as those take. What an attempt that was
    cut off has left is removed first.
    """
    with op.get_context().autocommit_block():
        op.execute("set lock_timeout = 0")
        op.drop_index(name, if_exists=True, postgresql_concurrently=True)
        op.create_index(
            name,
            table,
            list(columns),
            postgresql_concurrently=True,
            postgresql_where=None if where is None else sa.text(where),
        )
