"""`gantry admin`: what an operator does beside the API."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from gantry.apps import process, wiring
from gantry.domains.people import service as people
from gantry.infra import queue_admin
from gantry.infra.passwords import Argon2Passwords
from gantry.kernel.tx import SYSTEM

admin = typer.Typer(help="What an operator does beside the API.", no_args_is_help=True)
jobs = typer.Typer(help="Jobs that failed three times: list, retry, drop.", no_args_is_help=True)
keys = typer.Typer(help="API keys.", no_args_is_help=True)
admin.add_typer(jobs, name="jobs")
admin.add_typer(keys, name="api-keys")


@jobs.command("list")
def list_jobs(
    state: Annotated[str, typer.Option(help="failed, todo or doing.")] = "failed",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
) -> None:
    """List jobs, the newest first. Failed ones have used all their attempts."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core:
            rows = await queue_admin.jobs(core.db.engine, state, limit)
        table = Table("id", "job", "arguments", "attempts", "last seen")
        for row in rows:
            table.add_row(str(row.id), row.name, row.arguments, str(row.attempts), row.at or "")
        Console().print(table if rows else f"No job is {state}.")

    process.run(main)


@jobs.command("retry")
def retry_jobs(ids: Annotated[list[int], typer.Argument(help="Ids as `list` shows them.")]) -> None:
    """Put failed jobs back in line."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core:
            done = await queue_admin.retry(core.db.engine, ids)
        Console().print(f"{len(done)} of {len(ids)} put back in line.")
        if len(done) != len(ids):
            missing = ", ".join(str(i) for i in ids if i not in done)
            Console().print(f"Not failed, or not there: {missing}")
            raise typer.Exit(1)

    process.run(main)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    admin_rights: Annotated[bool, typer.Option("--admin", help="May do everything.")] = False,
) -> None:
    """Make an API key; its secret is shown this once."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core, core.db.write(SYSTEM) as tx:
            key, secret = await people.create_api_key(
                tx, Argon2Passwords(), name=name, admin=admin_rights
            )
        out = Console()
        out.print(f"id      {key.id}")
        out.print(f"secret  {secret.reveal()}")

    process.run(main)
