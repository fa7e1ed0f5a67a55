"""`gantry demo`: the main job, seen from outside, in one command.

Starts the embedded platform, makes a repository of the example, and goes through the public API
as anybody's client would: stack, tracked run, live states and logs, confirm, outputs.
"""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from rich.console import Console
from rich.markup import escape

from gantry.apps import embedded, process

STACK = "demo"
TERMINAL = ("FINISHED", "FAILED", "STOPPED", "CANCELED", "DISCARDED", "SKIPPED")


_OVERRIDES = {
    # The example's repository is a folder; nothing else of this machine is asked for.
    "GANTRY_GIT_ALLOW_FILE_URLS": "true",
    "GANTRY_LOG_LEVEL": "warning",
}


class DemoFailed(Exception):
    """The demo did not come to its end; the message says where."""


def demo_command(
    exit_after: Annotated[
        bool, typer.Option("--exit", help="End after the run; exit code 0 only if it FINISHED.")
    ] = False,
) -> None:
    """Take an example through plan, confirm and apply, and leave the platform running."""
    process.configure_logging("warning")
    outcome = {"state": "NONE"}

    async def main() -> None:
        out = Console()
        try:
            async with embedded.platform(overrides=_OVERRIDES) as up:
                outcome["state"] = await _show(out, up)
                if exit_after:
                    return
                out.print("\nThe platform runs on. Ctrl-C ends it.")
                await asyncio.Event().wait()
        except (DemoFailed, OSError) as error:
            sys.exit(f"gantry demo: {error}")

    process.run(main)
    if exit_after and outcome["state"] != "FINISHED":
        sys.exit(1)


async def _show(out: Console, up: embedded.Running) -> str:
    out.print(f"[bold]Gantry[/] is up at {up.url}, data in {up.installation.data_dir}")
    repository = await asyncio.to_thread(_repository, up.installation.data_dir)
    out.print(f"Example repository at {repository}")
    async with httpx2.AsyncClient(base_url=up.url, timeout=60, trust_env=False) as http:
        client = Client(http, await sign_in(http, up))
        stack_id = await _stack(client, repository)
        out.print(f"Stack [bold]{stack_id}[/]: {up.url}/stack/{stack_id}")
        run = (await client.ask(_TRIGGER, stack=stack_id))["runTrigger"]
        out.print(f"Run [bold]{run['id']}[/]: {up.url}/stack/{stack_id}/run/{run['id']}\n")
        state = await _follow(out, client, stack_id, str(run["id"]))
        await _ending(out, client, stack_id, str(run["id"]), state, up)
    return state


def _repository(data_dir: Path) -> Path:
    """The example as a Git repository below the data directory; made once, then kept."""
    place = data_dir / "example"
    if (place / ".git").is_dir():
        return place
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(
        Path(__file__).parent / "example", place, ignore=shutil.ignore_patterns("__pycache__")
    )
    identity = ["-c", "user.name=Gantry", "-c", "user.email=demo@gantry.invalid"]
    for arguments in (
        ["init", "--quiet", "--initial-branch=main"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message", "An example that needs no cloud"],
    ):
        subprocess.run(["git", "-C", str(place), *arguments], check=True, capture_output=True)
    return place


class Client:
    """The public API, as any client speaks it."""

    def __init__(self, http: httpx2.AsyncClient, token: str) -> None:
        self.http, self._headers = http, {"authorization": f"Bearer {token}"}

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of one operation. Raises DemoFailed with the server's sentence."""
        response = await self.http.post(
            "/graphql", json={"query": document, "variables": variables}, headers=self._headers
        )
        answer = response.json()
        if answer.get("errors"):
            raise DemoFailed(answer["errors"][0]["message"])
        data: dict[str, Any] = answer["data"]
        return data

    async def events(self, path: str, **query: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
        """Server-sent events of a path: (event, data)."""
        async with self.http.stream(
            "GET", path, params=query, headers=self._headers, timeout=None
        ) as response:
            kind = "message"
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    kind = line[7:]
                elif line.startswith("data: "):
                    yield kind, json.loads(line[6:])
                    kind = "message"


async def sign_in(http: httpx2.AsyncClient, up: embedded.Running) -> str:
    """The administrator's token; the account gets a name if it has none. Raises DemoFailed."""
    settings = up.core.settings
    password = settings.admin_password
    response = await http.post(
        "/admin-login",
        json={
            "username": settings.admin_username,
            "password": password.get_secret_value() if password else "",
        },
    )
    if response.status_code != 200:
        raise DemoFailed(f"signing in failed: {response.text}")
    token = str(response.json()["jwt"])
    headers = {"authorization": f"Bearer {token}"}
    setup = await http.post("/setup", json={"name": "demo"}, headers=headers)
    if setup.status_code not in (200, 409):  # 409: it has its name already
        raise DemoFailed(f"naming the account failed: {setup.text}")
    return token


async def _stack(client: Client, repository: Path) -> str:
    if (await client.ask(_STACK, id=STACK))["stack"] is not None:
        return STACK
    made = await client.ask(
        _CREATE,
        input={
            "name": STACK,
            "description": "The example of the first minutes",
            "administrative": False,
            "branch": "main",
            "repository": "example",
            "provider": "GIT",
            "repositoryURL": repository.as_uri(),
            "labels": ["example"],
        },
    )
    return str(made["stackCreate"]["id"])


async def _follow(out: Console, client: Client, stack_id: str, run_id: str) -> str:
    """Show states and logs as they come, confirming when the run asks; the last state."""
    shown = -1
    while True:
        run = (await client.ask(_RUN, stack=stack_id, run=run_id))["stack"]["run"]
        history = [move for move in reversed(run["history"]) if move["stateVersion"] > shown]
        for move in history:
            shown = move["stateVersion"]
            note = f" [dim]{escape(move['note'])}[/]" if move["note"] else ""
            out.print(f"[bold cyan]● {move['state']}[/]{note}")
            if move["hasLogs"]:
                await _log(out, client, run_id, shown)
        if run["state"] in TERMINAL:
            return str(run["state"])
        if run["state"] == "UNCONFIRMED" and not history:
            delta = run["delta"] or {}
            out.print(
                f"  [green]+{delta.get('addCount')}[/] [yellow]~{delta.get('changeCount')}[/]"
                f" [red]-{delta.get('deleteCount')}[/], confirming it now"
            )
            await client.ask(_CONFIRM, stack=stack_id, run=run_id)
        elif not history:
            await _news(client, run_id)


async def _log(out: Console, client: Client, run_id: str, version: int) -> None:
    async for kind, data in client.events(f"/logs/{run_id}/{version}"):
        if kind != "message":
            return
        out.out(base64.b64decode(data["b"]).decode("utf-8", "replace"), end="", highlight=False)


async def _news(client: Client, run_id: str) -> None:
    """Wait until something happens to the run, two seconds at most."""
    try:
        async with asyncio.timeout(2):
            async for _ in client.events("/events", topic=f"run:{run_id}"):
                return
    except TimeoutError:
        return


async def _ending(
    out: Console, client: Client, stack_id: str, run_id: str, state: str, up: embedded.Running
) -> None:
    colour = "green" if state == "FINISHED" else "red"
    out.print(f"\nThe run is [bold {colour}]{state}[/]")
    if state == "FINISHED":
        for output in (await client.ask(_OUTPUTS, id=stack_id))["stack"]["outputs"]:
            out.print(f"  {output['id']} = {output['value']}")
    else:
        run = (await client.ask(_RUN, stack=stack_id, run=run_id))["stack"]["run"]
        out.print(f"  {run['failureReason']}")
    out.print(f"\nOpen {up.url} and sign in:")
    out.print(f"  user      {up.core.settings.admin_username}")
    if up.installation.fresh:
        out.print(f"  password  [bold]{up.installation.admin_password}[/] (shown this once)")
    else:
        out.print(f"  password  in {up.installation.data_dir / 'admin.password'}")


_STACK = "query ($id: ID!) { stack(id: $id) { id } }"
_CREATE = "mutation ($input: StackInput!) { stackCreate(input: $input, manageState: true) { id } }"
_TRIGGER = "mutation ($stack: ID!) { runTrigger(stack: $stack) { id } }"
_CONFIRM = "mutation ($stack: ID!, $run: ID!) { runConfirm(stack: $stack, run: $run) { id } }"
_RUN = """
query ($stack: ID!, $run: ID!) { stack(id: $stack) { run(id: $run) {
  state failureReason delta { addCount changeCount deleteCount }
  history { state stateVersion hasLogs note }
} } }
"""
_OUTPUTS = "query ($id: ID!) { stack(id: $id) { outputs { id value } } }"
