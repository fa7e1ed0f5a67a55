"""Alembic's entry: the connection and the metadata are handed in by infra.schema."""

from __future__ import annotations

from alembic import context

from gantry.infra.schema import FLOOR
from gantry.kernel.model import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    compare_type=True,
    # A migration that is kept lets go of its table before the next one asks for another.
    transaction_per_migration=True,
    include_name=lambda name, kind, parents: (
        not (kind == "table" and (str(name).startswith("procrastinate_") or name == FLOOR))
    ),
)
with context.begin_transaction():
    context.run_migrations()
