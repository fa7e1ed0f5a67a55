"""One installation with two teams that may not know of each other, and everybody who may call.

Whatever is our team's has OURS in its name, its labels and whatever else one can write into it; the
other team's has THEIRS. So an answer can be looked through for what its reader should not know.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gantry.domains.contexts import context_service
from gantry.domains.contexts import service as contexts
from gantry.domains.contexts.context_service import Wanted, WantedElement
from gantry.domains.contexts.kinds import ElementType, OwnerKind
from gantry.domains.filters import service as filters
from gantry.domains.people import api_keys, levels
from gantry.domains.people import service as people
from gantry.domains.people.actions import Action
from gantry.domains.pools import service as pools
from gantry.domains.roles import bindings
from gantry.domains.roles import service as roles
from gantry.domains.roles.bindings import Gift
from gantry.domains.roles.model import Subject
from gantry.domains.roles.rules import ADMIN as ADMIN_ROLE
from gantry.domains.roles.rules import READER, WRITER
from gantry.domains.runs import decisions, triggers
from gantry.domains.runs.states import Kind
from gantry.domains.spaces import service as spaces
from gantry.domains.stacks import attachments
from gantry.domains.tfstate import unsaved
from gantry.infra.pool_keys import new_pool_key
from gantry.kernel.secret import Secret
from gantry.kernel.tx import SYSTEM, Actor
from gantry_protocol.calls import AUDIENCE
from gantry_protocol.words import Phase
from gantry_worker.keys import load_pool_key

from tests.integration.authz.others import hooks_of, people_of
from tests.support.core import BASE_URL, Core
from tests.support.database import SharedDatabase
from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    Hand,
    given_a_run,
    given_a_stack,
    given_a_task,
    given_a_worker,
    manifest_of,
    run_now,
    stack_now,
    write_state,
)

OURS, THEIRS = "oursmark", "theirsmark"

CALLERS = {
    "anonymous": "nobody has signed in",
    "nobody": "a key that was given nothing",
    "reader": "a key with the role Space reader in our space",
    "writer": "the same, Space writer",
    "admin": "the same, Space admin",
    "only": "a key with a role in our space of SPACE_READ and the one action",
    "without": "a key with a role in our space of every action but that one",
    "other": "a key with the role Space admin in the other team's space",
    "root": "the administrator of the installation",
    "run": "a run of ours, with its API token",
    "managing run": "the same of a stack to which the role Space admin was given in our space",
    "worker": "a worker of ours, with the proof of its pool's key",
}
"""Who calls, and what they are. The order is the order of the tables' columns."""

LEVELS = (Action.SPACE_READ, Action.SPACE_WRITE, Action.SPACE_ADMIN)

NOT_LOOKED_AT = ("audit_entry", "audit_chain", "login_failure", "session", "live_event")
"""Tables that a refused call may write: who tried is kept, and sessions are sign-ins."""


@dataclass
class Team:
    """What there is in a team's space, by a word: ids."""

    mark: str
    space: str
    ids: dict[str, str] = field(default_factory=dict)
    hand: Hand | None = None
    log: str = ""
    """The number of the state of the run at work in which its worker writes a log."""


@dataclass
class World:
    """All of it, and the way back to how it was."""

    core: Core
    ours: Team
    theirs: Team
    tokens: dict[str, str | None]
    names: dict[str, str]
    """What each caller is called in histories."""
    secrets: dict[str, str]
    """What is nobody's in particular: roles, keys, and what is for everybody."""
    database: SharedDatabase | None = None
    _look: str = ""
    _pristine: Sequence[tuple[object, ...]] = ()

    def foreign_to(self, caller: str) -> tuple[str, ...]:
        """Texts that no answer to the caller may hold; for who may see all there are none."""
        if caller == "root":
            return ()
        team = self.ours if caller == "other" else self.theirs
        return (team.mark, *sorted(set(team.ids.values())))

    def team_of(self, caller: str) -> Team:
        """Whose things the caller may know."""
        return self.theirs if caller in ("other", "rival") else self.ours

    async def headers(self, caller: str) -> dict[str, str]:
        """What the caller sends to say who it is."""
        if caller in ("worker", "rival"):
            return self.proof(self.team_of(caller))
        token = self.tokens[caller]
        return {"authorization": f"Bearer {token}"} if token else {}

    def proof(self, team: Team) -> dict[str, str]:
        """What a worker of the team's pool sends."""
        hand = team.hand
        assert hand is not None
        key = load_pool_key(self.core.keys.pool_keys[0 if team is self.ours else 1])
        proof = key.proof(worker_id=hand.id, audience=AUDIENCE, pool_id=hand.pool.id)
        return {"authorization": f"Bearer {proof}", "gantry-pool": hand.pool.id}

    async def give_only(self, actions: Sequence[Action]) -> None:
        """From now on `only` has these actions and can see; `without` has all but the first."""
        first = actions[0]
        # Whoever sees may do what that brings along: so it cannot be had without seeing.
        seeing = {Action.SPACE_READ} if first.value not in levels.READ else set()
        others = {*Action} - {*LEVELS, first} | seeing
        for name, given in (("only", {Action.SPACE_READ, *actions}), ("without", others)):
            await self.core.change(
                "update role set actions = cast(:actions as jsonb) where id = :id",
                id=self.secrets[f"role of {name}"],
                actions=json.dumps(sorted(given)),
            )

    async def fingerprint(self) -> list[tuple[object, ...]]:
        """Another one when any row that counts is another."""
        if not self._look:
            rows = await self.core.rows(
                "select relname from pg_class where relkind = 'r'"
                " and relnamespace = 'public'::regnamespace order by 1"
            )
            names = [str(row[0]) for row in rows if not str(row[0]).startswith(NOT_LOOKED_AT)]
            # A row that is written has another xmin, and one that is deleted is missing.
            self._look = " union all ".join(
                f"select '{name}', count(*), sum(xmin::text::bigint) from \"{name}\""
                for name in names
            )
        # Workers of the database may answer in another order.
        return sorted(await self.core.rows(self._look), key=str)

    async def entries(self) -> int:
        """How many entries the audit trail has."""
        ((count,),) = await self.core.rows("select count(*) from audit_entry")
        return int(str(count))

    async def pristine(self) -> Sequence[tuple[object, ...]]:
        """The fingerprint of the world as it was made."""
        if not self._pristine:
            await self._reset()
        return self._pristine

    async def put_back(self, now: Sequence[tuple[object, ...]] | None = None) -> None:
        """Every row is as it was when all was made. `now`: the fingerprint, if it is known."""
        if (now or await self.fingerprint()) != await self.pristine():
            await self._reset()

    async def put_all_back(self) -> None:
        """The same of tables that are not looked at, too."""
        await self._reset()

    async def _reset(self) -> None:
        assert self.database is not None
        await self.database.reset()
        self._pristine = await self.fingerprint()


def changed_between(
    before: Sequence[tuple[object, ...]], after: Sequence[tuple[object, ...]]
) -> list[str]:
    """The tables of which the fingerprints differ."""
    return sorted({str(row[0]) for row in {*before} ^ {*after}})


async def build(core: Core, admin_token: str) -> World:
    """The world, as `ada` and the services make it."""
    async with core.db.write(ADMIN) as tx:
        # Ours inherits from the root, as most spaces do; theirs stands for itself.
        places = [
            await spaces.create(
                tx,
                spaces.Wanted(
                    name=f"Space {mark}",
                    parent_id="root",
                    inherits=mark == OURS,
                    description=mark,
                    labels=[mark],
                ),
            )
            for mark in (OURS, THEIRS)
        ]
        inner = await spaces.create(
            tx, spaces.Wanted(name=f"Empty {OURS}", parent_id=places[0].id, inherits=True)
        )
    ours, theirs = (Team(m, s.id) for m, s in zip((OURS, THEIRS), places, strict=True))
    ours.ids["empty space"] = inner.id
    await fill(core, ours, key=0)
    await fill(core, theirs, key=1)
    await core.change(
        "update account set security_email = 'security@example.test',"
        " public_runner_image = 'public', private_runner_image = 'private'"
    )
    await core.change(
        "insert into process (id, kind, host, release, started_at, heard_at)"
        " values ('one', 'server', 'here', '0', now(), now())"
    )
    world = World(core, ours, theirs, {"anonymous": None, "root": admin_token}, {}, {})
    world.names["root"] = "admin::ada"
    await people_of(world)
    await _callers(world)
    return world


async def fill(core: Core, team: Team, *, key: int) -> None:
    """One of everything in the team's space."""
    mark, ids = team.mark, team.ids
    ids["space"] = team.space
    async with core.db.write(ADMIN) as tx:
        pool = await pools.create(
            tx,
            core.authority,
            core.reach,
            name=f"pool {mark}",
            request=core.keys.pool_requests[key],
            description=mark,
            labels=[mark],
            space_id=team.space,
        )
        idle = await pools.create(
            tx,
            core.authority,
            core.reach,
            name=f"idle {mark}",
            request=new_pool_key(None)[1],
            description=mark,
            labels=[mark],
            space_id=team.space,
        )
        element = WantedElement(ElementType.ENVIRONMENT_VARIABLE, f"V_{mark}", mark, False, mark)
        context = await context_service.create(
            tx,
            core.vault,
            Wanted(
                name=f"Context {mark}",
                description=mark,
                labels=[mark],
                space_id=team.space,
                elements=[element],
                hooks={"before_init": [f"echo {mark}"]},
            ),
        )
        loose = await context_service.create(
            tx, core.vault, Wanted(name=f"Loose {mark}", labels=[mark], space_id=team.space)
        )
    ids.update(pool=pool.id, context=context.id)
    ids["idle pool"], ids["loose context"] = idle.id, loose.id
    settings: dict[str, Any] = {"space_id": team.space, "labels": [mark], "description": mark}

    # The busy stack first: a worker is given the oldest run that waits.
    hand = team.hand = await given_a_worker(core, pool)
    ids["worker"] = hand.id
    failing = await given_a_stack(core, pool, f"Failed {mark}", **settings)
    failed = await given_a_run(core, failing, Kind.PROPOSED)
    await hand.take(failed)
    await hand.done(failed, Phase.PREPARE)
    await hand.fail(failed, Phase.INIT, mark)
    waiting = await given_a_stack(core, pool, f"Waits {mark}", **settings)
    planned = await given_a_run(core, waiting)
    await hand.plan(planned, (f"null_resource.{mark}", "create"), ONE_CHANGE)
    working = await given_a_stack(core, pool, f"Works {mark}", **settings)
    at_work = await given_a_run(core, working)
    await hand.take(at_work)
    await hand.done(at_work, Phase.PREPARE, Phase.INIT)
    team.log = str((await run_now(core, at_work)).state_version)
    await hand.log(at_work, int(team.log), 0, mark.encode())
    queued = await given_a_task(core, working)
    ids["failed stack"], ids["failed run"] = failing.id, failed.id
    ids["waiting stack"], ids["waiting run"] = waiting.id, planned.id
    ids["working stack"], ids["working run"] = working.id, at_work.id
    ids["queued run"] = queued.id
    ids.update(await _managing(core, team, pool, settings))
    ids.update(await _resting(core, team, pool, settings))
    await hooks_of(core, team)
    async with core.db.write(ADMIN) as tx:
        await decisions.review(tx, waiting.id, planned.id, approve=True, note=mark)
        await decisions.comment(tx, waiting.id, planned.id, body=mark)


async def _managing(core: Core, team: Team, pool: Any, settings: dict[str, Any]) -> dict[str, str]:
    """A stack that may do everything in the team's space, and a run of it at work."""
    stack = await given_a_stack(core, pool, f"Manages {team.mark}", **settings)
    async with core.db.write(ADMIN) as tx:
        await bindings.give(tx, [Gift(Subject.STACK, stack.id, ADMIN_ROLE.id, team.space)])
    hand = await given_a_worker(core, pool)
    run = await given_a_run(core, stack)
    await hand.take(run)
    await hand.done(run, Phase.PREPARE, Phase.INIT)
    return {"managing stack": stack.id, "managing run": run.id}


async def _resting(core: Core, team: Team, pool: Any, settings: dict[str, Any]) -> dict[str, str]:
    """A stack on which nothing runs, with what stacks have; and one whose proposal is newer."""
    mark = team.mark
    stack = await given_a_stack(core, pool, f"Rests {mark}", local_preview_enabled=True, **settings)
    newer = await given_a_stack(core, pool, f"Newer {mark}", github_action_deploy=True, **settings)
    renamed = await given_a_stack(core, pool, f"Before {mark}", **settings)
    await core.change("update stack set name = :n where id = :i", n=f"Now {mark}", i=renamed.id)
    await core.change(
        "update stack set tracked_commit_id = (select id from commit where sha = :sha limit 1)"
        " where id = :id",
        sha=core.source.first,
        id=newer.id,
    )
    await core.change(
        "update stack set vendor_config = vendor_config || '{\"external_state_access\": true}'"
        " where id = :id",
        id=stack.id,
    )
    for serial in (1, 2):
        outputs = {mark: {"value": mark, "type": "string"}}
        state = {"version": 4, "serial": serial, "lineage": mark, "outputs": outputs}
        await write_state(core, stack, json.dumps({**state, "resources": []}).encode())
    async with core.db.write(ADMIN) as tx:
        attached = await attachments.attach(tx, team.ids["context"], stack.id, 1)
        await context_service.put_element(
            tx,
            core.vault,
            team.ids["context"],
            WantedElement(ElementType.FILE_MOUNT, f"{mark}.txt", _b64(mark), False),
        )
        await contexts.put(
            tx,
            core.vault,
            owner=OwnerKind.STACK,
            owner_id=stack.id,
            element_type=ElementType.ENVIRONMENT_VARIABLE,
            element_id=f"S_{mark}",
            value=mark,
            write_only=False,
            description=mark,
        )
        ticket = await triggers.ticket_for_local_workspace(tx, stack.id)
        gift = Gift(Subject.STACK, stack.id, READER.id, team.space)
        (binding,) = await bindings.give(tx, [gift])
        await tx.session.flush()
    proposal = await given_a_run(core, newer, Kind.PROPOSED, sha=core.source.second)
    versions = await core.rows(
        "select id from state_version where stack_id = :id order by serial", id=stack.id
    )
    kept = {"version": 4, "serial": 9, "lineage": mark, "resources": []}
    left = json.dumps({**kept, "outputs": {mark: {"value": mark, "type": "string"}}}).encode()
    packed = await unsaved.read(core.vault, team.ids["failed run"], gzip.compress(left))
    async with core.db.write(SYSTEM) as tx:
        await unsaved.keep(tx, team.ids["failed stack"], team.ids["failed run"], packed)
    return {
        "stack": stack.id,
        "renamed stack": renamed.id,
        "newer stack": newer.id,
        "newer run": proposal.id,
        "attachment": str(attached.id),
        "workspace": ticket.id,
        "stack binding": binding.id,
        "state version": str(versions[0][0]),
        "newest state version": str(versions[-1][0]),
    }


async def _callers(world: World) -> None:
    """Everybody signs in; each is a key, but for the run."""
    core, ours = world.core, world.ours
    given = {
        "nobody": None,
        "reader": (READER.id, ours.space),
        "writer": (WRITER.id, ours.space),
        "admin": (ADMIN_ROLE.id, ours.space),
        "other": (ADMIN_ROLE.id, world.theirs.space),
    }
    for name in ("only", "without"):
        async with core.db.write(ADMIN) as tx:
            role = await roles.create(tx, name=name, description="", actions=["SPACE_READ"])
        given[name] = (role.id, ours.space)
        world.secrets[f"role of {name}"] = role.id
    for name, gift in given.items():
        await _key(world, name, gift)
    # Keys that are done something to, and a role that nobody has.
    for team in (ours, world.theirs):
        key, _, binding = await _made_key(core, f"key {team.mark}", (READER.id, team.space))
        team.ids["key"], team.ids["key binding"] = key, str(binding)
        owner = Actor("api_key", key, name=f"api::{key}", everywhere=ADMIN.everywhere)
        async with core.db.write(owner) as tx:
            made = await filters.create(
                tx, filters.Wanted(f"Mine {team.mark}", "stacks", False, json.dumps(team.mark))
            )
            team.ids["filter of another"] = made.id
    async with core.db.write(ADMIN) as tx:
        role = await roles.create(tx, name="Spare", description="", actions=["RUN_CONFIRM"])
        world.secrets["role"] = role.id
    owner = Actor(
        "api_key",
        world.secrets["key of admin"],
        name=world.names["admin"],
        everywhere=ADMIN.everywhere,
    )
    async with core.db.write(owner) as tx:
        made = await filters.create(tx, filters.Wanted("For all", "stacks", True, "{}"))
        world.secrets["filter"] = made.id
    for caller, word in (("managing run", "managing"), ("run", "working")):
        stack = await stack_now(core, ours.ids[f"{word} stack"])
        run = await run_now(core, ours.ids[f"{word} run"])
        manifest = await manifest_of(core, stack, run)
        token = next(v for v in manifest.environment if v.name == "SPACELIFT_API_TOKEN")
        world.tokens[caller], world.names[caller] = token.value, f"run::{run.id}"
    assert manifest.backend is not None
    world.secrets["state"] = manifest.backend.password
    world.secrets["fence"] = str(run.fence)


async def _key(world: World, name: str, gift: tuple[str, str] | None) -> None:
    core = world.core
    key, secret, _ = await _made_key(core, name, gift)
    async with core.db.write(SYSTEM) as tx:
        signed_in = await people.sign_in_api_key(
            tx,
            core.vault,
            core.passwords,
            key_id=key,
            secret=secret.reveal(),
            audience=BASE_URL,
            address="127.0.0.1",
        )
    assert signed_in is not None
    world.tokens[name], world.names[name] = signed_in.token.reveal(), signed_in.actor.name
    sessions = await core.rows("select id from session where api_key_id = :key", key=key)
    world.secrets[f"session of {name}"] = str(sessions[0][0])
    world.secrets[f"key of {name}"], world.secrets[f"secret of {name}"] = key, secret.reveal()


async def _made_key(
    core: Core, name: str, gift: tuple[str, str] | None
) -> tuple[str, Secret, str | None]:
    async with core.db.write(SYSTEM) as tx:
        key, secret = await api_keys.create(tx, core.passwords, api_keys.Wanted(name))
        await tx.session.flush()
        given = []
        if gift is not None:
            given = await bindings.give(tx, [Gift(Subject.API_KEY, key.id, *gift)])
        return key.id, secret, given[0].id if given else None


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


Before = Callable[[World, str], Awaitable[None]]


def locked_by_caller(word: str) -> Before:
    """The stack is locked by whoever calls."""

    async def lock(world: World, caller: str) -> None:
        await world.core.change(
            "update stack set locked_by = :name, locked_at = now() where id = :id",
            name=world.names.get(caller, "nobody"),
            id=world.ours.ids[word],
        )

    return lock


async def uploaded_by_caller(world: World, caller: str) -> None:
    """The local workspace was uploaded by whoever calls."""
    await world.core.change(
        "update local_workspace set created_by = :name where id = :id",
        name=world.names.get(caller, "nobody"),
        id=world.ours.ids["workspace"],
    )


async def asked_to_stop(world: World, caller: str) -> None:
    """Somebody has asked the worker to stop, a while ago."""
    await world.core.change(
        "update run set stop_requested_at = now() where id = :id",
        id=world.ours.ids["working run"],
    )


async def disabled(world: World, caller: str) -> None:
    """The stack takes no runs."""
    await world.core.change(
        "update stack set disabled = true where id = :id", id=world.ours.ids["stack"]
    )
