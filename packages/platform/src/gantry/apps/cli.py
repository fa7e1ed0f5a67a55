"""`gantry up`: the whole platform in one process, and a worker."""

from __future__ import annotations

import asyncio

from rich.console import Console

from gantry.apps import embedded, process
from gantry.apps.settings import environment


def up_command() -> None:
    """Run the whole platform here: database, server, drain, scheduler and one worker.

    Everything is kept in GANTRY_DATA_DIR (default: your user's data directory); a second start
    finds it again. Set DATABASE_URL to use a PostgreSQL of your own.
    """
    # A level that does not exist is told of when the settings are read.
    asked = environment().get("GANTRY_LOG_LEVEL", "")
    process.configure_logging(asked if asked in process.LEVELS else "info")
    process.run(_up)


async def _up() -> None:
    out = Console()
    async with embedded.platform() as running:
        greet(out, running)
        await asyncio.Event().wait()


def greet(out: Console, running: embedded.Running) -> None:
    """Say where the platform is and, once, how to sign in."""
    kept = running.installation.data_dir
    out.print(f"\n[bold green]Gantry is up[/] at [link={running.url}]{running.url}[/link]")
    out.print(f"  user      {embedded.ADMIN}")
    if running.installation.fresh:
        out.print(f"  password  [bold]{running.installation.admin_password}[/] (shown this once)")
    out.print(f"  kept in   {kept}  (password: admin.password there)")
    out.print("  Ctrl-C ends it.\n")
