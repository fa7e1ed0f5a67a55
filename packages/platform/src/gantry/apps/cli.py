"""The control plane's part of the `gantry` command."""

from __future__ import annotations

import asyncio
import sys

import typer
from rich.console import Console

from gantry.apps import embedded, process, wiring
from gantry.apps.admin import admin
from gantry.apps.demo import demo_command
from gantry.apps.server import serve

__all__ = ["admin", "backend", "demo_command", "scheduler_command", "up_command"]

backend = typer.Typer(
    help="The processes of an installation: `server` and `drain`.", no_args_is_help=True
)


def up_command() -> None:
    """Run the whole platform here: database, server, drain, scheduler and one worker.

    Everything is kept in GANTRY_DATA_DIR (default: your user's data directory); a second start
    finds it again. Set DATABASE_URL to use a PostgreSQL of your own.
    """
    process.configure_logging("info")
    process.run(_up)


async def _up() -> None:
    out = Console()
    try:
        async with embedded.platform() as running:
            greet(out, running)
            await asyncio.Event().wait()
    except OSError as error:
        sys.exit(f"gantry: {error}")


def greet(out: Console, running: embedded.Running) -> None:
    """Say where the platform is and, once, how to sign in."""
    kept = running.installation.data_dir
    out.print(f"\n[bold green]Gantry is up[/] at [link={running.url}]{running.url}[/link]")
    out.print(f"  user      {embedded.ADMIN}")
    if running.installation.fresh:
        out.print(f"  password  [bold]{running.installation.admin_password}[/] (shown this once)")
    out.print(f"  kept in   {kept}  (password: admin.password there)")
    out.print("  Ctrl-C ends it.\n")


@backend.command("server")
def server_command() -> None:
    """Serve the UI, the API, webhooks, and the built-in MQTT broker."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core:
            await serve(core)

    process.run(main)


@backend.command("drain")
def drain_command() -> None:
    """Work off jobs: fetch sources, start queued runs, archive logs."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core:
            await wiring.drain(core)

    process.run(main)


# The name under which existing deployments start the same process.
backend.command("drain-local", hidden=True)(drain_command)


def scheduler_command() -> None:
    """Start periodic work when it is due. Any number may run; each tick fires once."""
    settings = process.settings_or_exit()

    async def main() -> None:
        async with wiring.core(settings) as core:
            await wiring.schedule(core)

    process.run(main)
