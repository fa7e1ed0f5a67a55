"""`gantry admin audit`: whether the audit trail is as it was written."""

from __future__ import annotations

import typer
from rich.console import Console

from gantry.apps import embedded, process, wiring
from gantry.domains.audit import chain

audit = typer.Typer(help="The audit trail: verify.", no_args_is_help=True)


@audit.command("verify")
def verify() -> None:
    """Prove that no entry was changed, left out or slipped in, or name the first. Exit code 1 then.

    Reads the whole trail, every signed checkpoint in the object storage, and what was signed of
    the months that retention dropped; changes nothing but putting what is new into the chain.
    """

    found: list[chain.Verdict] = []

    async def main() -> None:
        async with embedded.settings_here() as settings, wiring.core(settings) as core:
            await chain.seal(core.db)
            found.append(await chain.verify(core.db, core.vault, core.objects))

    process.configure_logging("warning")
    process.run(main)
    (verdict,) = found
    Console().print(_words(verdict), soft_wrap=True)
    if verdict.broken_at is not None:
        raise typer.Exit(1)


def _words(verdict: chain.Verdict) -> str:
    if verdict.broken_at is not None:
        return (
            f"[bold red]Broken[/] at entry {verdict.broken_at}: {verdict.reason}."
            f" {verdict.entries} entries before it are as they were written."
        )
    if not verdict.last:
        return "There are no entries yet."
    before = " Those before went for their age, as is signed." if verdict.first > 1 else ""
    return (
        f"[bold green]Proven[/]: {verdict.entries} entries, {verdict.first} to {verdict.last}, are"
        f" as they were written; {verdict.checkpoints} signed checkpoints agree.{before}"
    )
