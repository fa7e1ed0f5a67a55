"""`gantry admin`: what an operator does beside the API."""

from __future__ import annotations

import enum
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gantry.apps import doctor, embedded, process, wiring
from gantry.apps.admin_audit import audit
from gantry.apps.admin_rekey import rekey
from gantry.domains.audit import service as audit_trail
from gantry.domains.audit.kinds import Resource
from gantry.domains.people import api_keys
from gantry.domains.people.api_keys import Wanted
from gantry.domains.roles import bindings
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import READER
from gantry.domains.spaces import service as spaces
from gantry.domains.spaces.model import LEGACY, ROOT
from gantry.domains.tfstate import unsaved as unsaved_states
from gantry.infra import queue_admin
from gantry.infra.passwords import Argon2Passwords
from gantry.kernel.tx import SYSTEM

admin = typer.Typer(
    help="What an operator does beside the API. Uses DATABASE_URL and the other settings of the"
    " environment, or the installation in GANTRY_DATA_DIR.",
    no_args_is_help=True,
)
jobs = typer.Typer(help="Jobs that failed three times: list, retry.", no_args_is_help=True)
keys = typer.Typer(help="API keys: create, list, delete.", no_args_is_help=True)
unsaved = typer.Typer(
    help="States that runs left and object storage did not take: list, export, delete.",
    no_args_is_help=True,
)
admin.add_typer(unsaved, name="unsaved-states")
admin.add_typer(jobs, name="jobs")
admin.add_typer(keys, name="api-keys")
admin.add_typer(audit, name="audit")
admin.add_typer(rekey, name="rekey")


class JobState(enum.StrEnum):
    """What a job may be found in."""

    FAILED = "failed"
    TODO = "todo"
    DOING = "doing"


@asynccontextmanager
async def _core() -> AsyncIterator[wiring.Core]:
    async with embedded.settings_here() as settings, wiring.core(settings) as core:
        yield core


@admin.command("doctor")
def doctor_command() -> None:
    """Try out what the installation stands on, and say what to do. Exit code 1 if it is bad.

    Database, encryption key, every bucket (also by signed URL), server, broker, clock, and
    whether somebody does the work. Changes nothing.
    """
    health = []

    async def main() -> None:
        out = Console()
        async with embedded.settings_here() as settings:
            async for finding in doctor.examine(settings):
                health.append(finding.health)
                line = f"{_MARKS[finding.health]} {escape(f'{finding.what}: {finding.says}')}"
                out.print(line, soft_wrap=True)
                if finding.remedy:
                    out.print(f"        {escape(finding.remedy)}", soft_wrap=True)

    _run(main)
    if doctor.Health.BAD in health:
        raise typer.Exit(1)


@admin.command("broker-ca")
def broker_ca() -> None:
    """Print the certificate by which an external broker recognises workers and servers (PEM).

    It is no secret. Name it as the authority of clients, and require their certificates.
    """

    async def main() -> None:
        async with _core() as core:
            authority = await core.authority()
        typer.echo(authority.certificate, nl=False)

    _run(main)


@admin.command("legacy-space")
def legacy_space() -> None:
    """Make the space `legacy`, for code from elsewhere that names it or no space at all.

    It hangs on the root space and inherits from it. What is made without a space being named is in
    it from then on; what exists stays where it is. It cannot be deleted again.
    """

    async def main() -> None:
        async with _core() as core, core.db.write(SYSTEM) as tx:
            made = await spaces.make_legacy(tx)
            if made:
                audit_trail.record(tx, "space.create", Resource.SPACE, LEGACY)
        Console().print("The space legacy is there now." if made else "It is there already.")

    _run(main)


_MARKS = {
    doctor.Health.GOOD: "[green]good[/]   ",
    doctor.Health.ODD: "[yellow]look[/]   ",
    doctor.Health.BAD: "[bold red]bad[/]    ",
}


@jobs.command("list")
def list_jobs(
    state: Annotated[JobState, typer.Option(help="Which jobs.")] = JobState.FAILED,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many at most.")] = 50,
) -> None:
    """List jobs, the newest first. Failed ones have used all their attempts."""

    async def main() -> None:
        async with _core() as core:
            rows = await queue_admin.jobs(core.db.engine, state.value, limit)
        table = Table("id", "job", "arguments", "attempts", "last seen", "why it failed")
        for row in rows:
            seen = row.at or ""
            table.add_row(
                *(str(row.id), row.name, row.arguments, str(row.attempts), seen, row.reason)
            )
        Console().print(table if rows else f"No job is {state.value}.")

    _run(main)


@jobs.command("retry")
def retry_jobs(ids: Annotated[list[int], typer.Argument(help="Ids as `list` shows them.")]) -> None:
    """Put failed jobs back in line. Exit code 1 when one of them was not failed, or not there."""
    missing: list[int] = []

    async def main() -> None:
        async with _core() as core:
            done = await queue_admin.retry(core.db.engine, ids)
        Console().print(f"{len(done)} of {len(ids)} put back in line.")
        missing.extend(i for i in ids if i not in done)

    _run(main)
    if missing:
        numbers = ", ".join(map(str, missing))
        Console().print(f"Not failed, not there, or another one like it waits: {numbers}")
        raise typer.Exit(1)


@keys.command("create")
def create_key(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    admin_rights: Annotated[bool, typer.Option("--admin", help="May do everything.")] = False,
) -> None:
    """Make an API key; its secret is shown this once. Without --admin it reads, in every space."""

    async def main() -> None:
        async with _core() as core, core.db.write(SYSTEM) as tx:
            wanted = Wanted(name, admin=admin_rights)
            key, secret = await api_keys.create(tx, Argon2Passwords(), wanted)
            if not admin_rights:
                await bindings.give(tx, [Gift(Subject.API_KEY, key.id, READER.id, ROOT)])
        out = Console()
        out.print(f"id      {key.id}")
        out.print(f"secret  {secret.reveal()}")

    _run(main)


@keys.command("list")
def list_keys() -> None:
    """List API keys; secrets are not kept, only their hashes."""

    async def main() -> None:
        async with _core() as core, core.db.read(SYSTEM) as tx:
            found = await api_keys.listed(tx)
        table = Table("name", "admin", "created", "last used")
        # Ids are there to be copied: whole, whatever the terminal's width.
        table.add_column("id", no_wrap=True)
        for key in found:
            used = f"{key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never"
            table.add_row(
                key.name, "yes" if key.admin else "", f"{key.created_at:%Y-%m-%d}", used, key.id
            )
        Console().print(table if found else "There are no API keys.")

    _run(main)


@keys.command("delete")
def delete_key(key_id: Annotated[str, typer.Argument(help="The key's id.")]) -> None:
    """Delete an API key and end every session opened with it."""

    async def main() -> None:
        async with _core() as core, core.db.write(SYSTEM) as tx:
            key = await bindings.delete_key(tx, key_id)
        Console().print(f"API key {key.name} is deleted.")

    _run(main)


@unsaved.command("list")
def list_unsaved() -> None:
    """List states that are kept because their runs could not save them, the newest first."""

    async def main() -> None:
        async with _core() as core, core.db.read(SYSTEM) as tx:
            rows = await unsaved_states.listed(tx)
        table = Table("stack", "serial", "bytes", "kept since")
        table.add_column("run", no_wrap=True)
        for row in rows:
            since = f"{row.kept_at:%Y-%m-%d %H:%M}"
            table.add_row(row.stack_id, str(row.serial), str(row.size), since, row.run_id)
        Console().print(table if rows else "No state is kept apart.")

    _run(main)


@unsaved.command("export")
def export_unsaved(
    run_id: Annotated[str, typer.Argument(help="The run, as `list` shows it.")],
    to: Annotated[Path, typer.Argument(help="A file that is not there yet.")],
) -> None:
    """Write the state that a run left to a file. It holds secrets.

    Compare it with the stack's state, then import it: lock the stack, stackManagedStateImport.
    """

    async def main() -> None:
        async with _core() as core, core.db.read(SYSTEM) as tx:
            pieces = await unsaved_states.export(tx, core.vault, run_id)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(to, flags, 0o600), "wb") as file:
            file.writelines(pieces)
        Console().print(f"The state of run {run_id} is in {to}.")

    _run(main)


@unsaved.command("delete")
def delete_unsaved(
    run_id: Annotated[str, typer.Argument(help="The run, as `list` shows it.")],
) -> None:
    """Delete the state that a run left, once the stack's state is right again."""

    async def main() -> None:
        async with _core() as core, core.db.write(SYSTEM) as tx:
            await unsaved_states.forget(tx, run_id)
        Console().print(f"The state of run {run_id} is no longer kept apart.")

    _run(main)


def _run(main: process.Main) -> None:
    process.configure_logging("warning")
    process.run(main)
