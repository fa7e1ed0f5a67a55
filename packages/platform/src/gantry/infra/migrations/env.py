"""Alembic's entry: the connection and the metadata are handed in by infra.schema."""

from __future__ import annotations

from alembic import context

from gantry.kernel.model import Model

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Model.metadata,
    compare_type=True,
    include_name=lambda name, kind, parents: (
        not (kind == "table" and str(name).startswith("procrastinate_"))
    ),
)
with context.begin_transaction():
    context.run_migrations()
