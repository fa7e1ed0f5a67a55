"""`gantry admin rekey`: another data key, another type of key, while the platform runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gantry.apps import embedded, process, wiring
from gantry.apps.rekey_words import words
from gantry.domains.keys import service
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.model import Rekey
from gantry.domains.keys.service import Standing
from gantry.infra.data_keys import new_data_key
from gantry.kernel.tx import SYSTEM, Tx

rekey = typer.Typer(
    help="Seal everything with a new data key, while the platform runs: start, status, pause,"
    " resume, cancel.",
    no_args_is_help=True,
)


@rekey.command("start")
def start() -> None:
    """Make a new data key, wrapped by the key of ENCRYPTION_TYPE, and seal everything with it.

    The drains do the work; `status` shows how far they are. The old data key stays until nothing
    needs it any more. Exit code 1 while another re-key is under way.
    """

    async def main() -> None:
        async with embedded.settings_here() as settings, wiring.core(settings) as core:
            ring, key = core.keeper.ring, new_data_key()
            wrapped = await ring.wrap(key)
            if await ring.unwrap(wrapped) != key:
                raise RuntimeError("a data key was not wrapped as it was given")
            async with core.db.write(SYSTEM) as tx:
                made = await service.start(tx, wrapped)
        Console().print(
            f"Re-key to data key version {made.version} has begun. The drains do it;"
            " `gantry admin rekey status` shows how far they are.",
            soft_wrap=True,
        )

    _run(main)


@rekey.command("status")
def status() -> None:
    """Show how far the re-key is. Exit code 1 if it ended with values that cannot be read."""
    found: list[Standing | None] = []

    async def main() -> None:
        async with (
            embedded.settings_here() as settings,
            wiring.core(settings) as core,
            core.db.read(SYSTEM) as tx,
        ):
            found.append(await service.standing(tx))

    _run(main)
    (standing,) = found
    out = Console()
    if standing is None:
        out.print("There was no re-key yet. `gantry admin rekey start` begins one.")
        return
    out.print(words(standing), soft_wrap=True)
    if standing.places:
        table = Table("where", "done", "of", "cannot be read")
        for place in standing.places:
            unreadable = str(place.unreadable) if place.unreadable else ""
            table.add_row(place.name, str(place.done), str(place.total), unreadable)
        out.print(table)
    for place in standing.places:
        for example in place.examples:
            out.print(f"  cannot be read: {place.name}: {escape(example)}", soft_wrap=True)
    if standing.rekey.phase is Phase.UNFINISHED:
        raise typer.Exit(1)


@rekey.command("pause")
def pause() -> None:
    """Stop after the rows in hand. Everything stays readable, for as long as you like."""
    _ask(service.pause, "Re-key to version {} is paused.")


@rekey.command("resume")
def resume() -> None:
    """Go on after a pause, or try again what could not be read."""
    _ask(service.resume, "Re-key to version {} goes on.")


@rekey.command("cancel")
def cancel() -> None:
    """Give the new data key up, as long as nothing is sealed with it."""
    _ask(service.cancel, "Re-key to version {} is cancelled; nothing was sealed with it.")


def _ask(what: Callable[[Tx], Awaitable[Rekey]], answer: str) -> None:
    async def main() -> None:
        async with (
            embedded.settings_here() as settings,
            wiring.core(settings) as core,
            core.db.write(SYSTEM) as tx,
        ):
            found = await what(tx)
            version = found.version
        Console().print(answer.format(version))

    _run(main)


def _run(main: process.Main) -> None:
    process.configure_logging("warning")
    process.run(main)
