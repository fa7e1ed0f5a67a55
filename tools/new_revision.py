"""Write an Alembic revision from the difference between the models and a fresh database.

Run as `python tools/new_revision.py 0002 "what it does"`.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

from alembic import command
from gantry.apps import wiring  # noqa: F401 - imports every mapped class
from gantry.infra.db import sqlalchemy_url
from gantry.infra.embedded_postgres import EmbeddedPostgres
from gantry.infra.schema import alembic_config
from sqlalchemy import create_engine


async def main(number: str, words: str) -> None:
    with tempfile.TemporaryDirectory(prefix="gantry-revision-") as place:
        postgres = EmbeddedPostgres(Path(place))
        url = await postgres.start()
        try:
            engine = create_engine(sqlalchemy_url(url))
            with engine.connect() as connection:
                config = alembic_config(connection)
                command.upgrade(config, "head")
                connection.commit()
                command.revision(config, message=words, rev_id=number, autogenerate=True)
            engine.dispose()
        finally:
            await postgres.stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
