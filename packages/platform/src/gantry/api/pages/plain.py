"""The plain pages: what runs here and where the API is, a stack, a run.

They stand until the web application does, and keep the links that clients print working.
"""

from __future__ import annotations

from datetime import datetime
from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gantry.api.doors import Access, door, house
from gantry.api.pages.html import page, table
from gantry.domains.accounts import service as accounts
from gantry.domains.runs import repo as runs
from gantry.domains.runs import waiting
from gantry.domains.runs.states import LOCKING, Kind
from gantry.domains.stacks import repo as stacks
from gantry.kernel.search import Order, Search
from gantry.kernel.tx import SYSTEM


async def home(request: Request) -> Response:
    """`/`: what this installation is, and its newest stacks."""
    there, actor = house(request), request.state.actor
    if actor.kind == "anonymous":
        return RedirectResponse("/admin-login", status_code=303)
    async with there.db.read(actor) as tx:
        account = await accounts.get(tx.acting_as(SYSTEM))
        # Twenty: one screen; the API gives the rest.
        found = await stacks.search(
            tx, Search(first=20, orders=[Order("createdAt", descending=True)])
        )
    rows = [
        [_link(f"/stack/{stack.id}", stack.name), escape(stack.state), escape(stack.branch)]
        for stack in found.items
    ]
    listed = (
        table(["Stack", "State", "Branch"], rows)
        if rows
        else "<p class='card'>There is no stack yet. Create one with the API's"
        " <code>stackCreate</code>, or run <code>make demo</code> to see one at work.</p>"
    )
    setup = "" if account.name else _setup_form()
    body = (
        f"{setup}<p>The API is at <a href='/graphql'><code>{escape(there.base_url)}/graphql</code>"
        f"</a>. You are signed in as <code>{escape(actor.name)}</code>.</p>"
        f"<h2>Newest stacks</h2>{listed}"
        "<form method='post' action='/logout'><button>Sign out</button></form>"
    )
    return page("Gantry", body, aside=f"{account.name or 'not named yet'} · {there.version}")


def _setup_form() -> str:
    return (
        "<div class='card'><h2>First setup</h2><p>Give this installation a name. It becomes part of"
        " external ids and registry addresses, and cannot be changed later.</p>"
        "<form method='post' action='/setup'><label>Account name"
        "<input name='name' required minlength='2' maxlength='38'"
        " pattern='[A-Za-z0-9][A-Za-z0-9_\\-]*' autofocus></label>"
        "<button>Name the account</button></form></div>"
    )


async def stack(request: Request) -> Response:
    """`/stack/<id>`: a stack and its newest runs."""
    there, stack_id = house(request), request.path_params["stack"]
    if request.state.actor.kind == "anonymous":
        return RedirectResponse("/admin-login", status_code=303)
    async with there.db.read(request.state.actor) as tx:
        found = await stacks.find(tx, stack_id)
        newest = await runs.page_of_stack(tx, stack_id, (*LOCKING, Kind.PROPOSED), None)
        waits = await waiting.explanations(tx, [run.id for run in newest])
    lock = (
        f"<p class='warn'>Locked by {escape(found.locked_by or 'system')}"
        f" since {_when(found.locked_at)}. {escape(found.lock_note or '')}</p>"
        if found.locked_at
        else ""
    )
    rows = [
        [
            _link(f"/stack/{stack_id}/run/{run.id}", run.title or run.id),
            escape(run.kind.value.lower()),
            escape(run.state.value),
            escape(run.failure or waits.get(run.id, "")),
            _when(run.created_at),
        ]
        for run in newest
    ]
    listed = (
        table(["Run", "Type", "State", "Why", "Created"], rows)
        if rows
        else "<p class='card'>No run yet. Trigger one with the API's <code>runTrigger</code>.</p>"
    )
    body = f"{lock}<p>{_link('/', 'All stacks')}</p><h2>Runs</h2>{listed}"
    return page(found.name, body, aside=f"{found.state} · {found.branch}")


async def run(request: Request) -> Response:
    """`/stack/<id>/run/<id>`: a run's history."""
    there, stack_id = house(request), request.path_params["stack"]
    if request.state.actor.kind == "anonymous":
        return RedirectResponse("/admin-login", status_code=303)
    async with there.db.read(request.state.actor) as tx:
        found = await runs.find(tx, request.path_params["run"], stack_id=stack_id)
        history = (await runs.transitions(tx, [found.id]))[found.id]
        condition = (await waiting.conditions(tx, [found.id])).get(found.id)
    rows = [
        [
            escape(move.after.value),
            _when(move.at),
            escape(move.actor or ""),
            escape(move.note or ""),
        ]
        for move in history
    ]
    unknown = (
        "<p class='warn'><strong>The outcome is unknown.</strong> The worker was lost while it was"
        " changing things. Compare the state with the infrastructure, then unlock the stack.</p>"
        if found.outcome_unknown
        else ""
    )
    now = f"<p>It {escape(condition.words)}.</p>" if condition else ""
    body = f"{unknown}{now}<p>{_link(f'/stack/{stack_id}', 'Back to the stack')}</p>" + table(
        ["State", "Since", "Who", "Why"], rows
    )
    return page(found.title or found.id, body, aside=f"{found.kind.value.lower()} · {found.state}")


def _link(path: str, words: str) -> str:
    return f"<a href='{escape(path)}'>{escape(words)}</a>"


def _when(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def routes() -> list[Route]:
    """The doors of the plain pages."""
    return [
        door("/", home, access=Access.ANYONE, methods=["GET"]),
        door("/stack/{stack}", stack, access=Access.ANYONE, methods=["GET"]),
        door("/stack/{stack}/run/{run}", run, access=Access.ANYONE, methods=["GET"]),
    ]
