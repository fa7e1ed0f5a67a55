"""Root fields of the installation itself: its parts, their health, and how far its setup is."""

from __future__ import annotations

import enum

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.shared.convert import seconds
from gantry.domains.accounts import repo as parts
from gantry.domains.accounts import service as accounts
from gantry.domains.accounts.rules import is_silent
from gantry.domains.people import access
from gantry.domains.people import repo as people
from gantry.domains.pools import repo as pools
from gantry.domains.runs import repo as runs
from gantry.domains.stacks import repo as stacks
from gantry.kernel.errors import Unavailable
from gantry.ports.findings import Finding, Health


@strawberry.enum(description="Whether a part of the installation is at work.")
class ProcessState(enum.Enum):
    """The API's words."""

    WORKING = "WORKING"
    SILENT = "SILENT"


@strawberry.type(description="A part of the installation: a server, a drain or a scheduler.")
class InstallationProcess:
    """A process."""

    id: strawberry.ID
    kind: str
    host: str
    release: str
    started_at: int
    heard_at: int = strawberry.field(description="Unix seconds of its last word.")
    state: ProcessState


@strawberry.enum(description="How one thing was found.")
class CheckHealth(enum.Enum):
    """The API's words."""

    GOOD = "GOOD"
    LOOK = "LOOK"
    BAD = "BAD"


@strawberry.type(description="One thing that the installation stands on, and how it was found.")
class InstallationCheck:
    """A finding."""

    what: str
    health: CheckHealth
    says: str
    remedy: str = strawberry.field(description="What to do; empty when nothing is.")


@strawberry.type(description="What there is to do in a new installation, and what is done.")
class Launchpad:
    """Each is read from what there is; nothing is ticked off by hand."""

    account_named: bool
    worker_idle: bool = strawberry.field(description="A worker is there and not drained.")
    stack_created: bool
    run_planned: bool
    run_applied: bool
    api_key_made: bool
    finished: bool


@strawberry.type
class InstallationQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def account_is_named(self, info: Info) -> bool:
        """Whether the first setup was done; until then `name` is a word that stands for none."""
        async with info.context.read() as tx:
            return (await accounts.get(tx)).name is not None

    @query(SIGNED_IN)
    async def processes(self, info: Info) -> list[InstallationProcess]:
        """Servers, drains and schedulers that are at work, or fell silent within the hour."""
        async with info.context.read() as tx:
            access.require_admin(tx)
            found = await parts.processes(tx)
            now = tx.now
        return [
            InstallationProcess(
                id=strawberry.ID(one.id),
                kind=one.kind,
                host=one.host,
                release=one.release,
                started_at=seconds(one.started_at),
                heard_at=seconds(one.heard_at),
                state=ProcessState.SILENT if is_silent(one.heard_at, now) else ProcessState.WORKING,
            )
            for one in found
        ]

    @query(SIGNED_IN)
    async def installation_checks(self, info: Info) -> list[InstallationCheck]:
        """Tries out what the installation stands on, as `gantry admin doctor` does."""
        async with info.context.read() as tx:
            access.require_admin(tx)
        examine = info.context.house.examine
        if examine is None:
            raise Unavailable("This server cannot look at the installation.")
        return [_check(finding) for finding in await examine()]

    @query(SIGNED_IN)
    async def launchpad(self, info: Info) -> Launchpad:
        """How far the setup is, by what the caller may see."""
        async with info.context.read() as tx:
            named = (await accounts.get(tx)).name is not None
            idle = await pools.any_at_hand(tx)
            stack = await stacks.any_stack(tx)
            planned, applied = await runs.milestones(tx) if stack else (False, False)
            key = await people.any_api_key(tx)
        return Launchpad(
            account_named=named,
            worker_idle=idle,
            stack_created=stack,
            run_planned=planned,
            run_applied=applied,
            api_key_made=key,
            finished=named and idle and stack and planned and applied and key,
        )


def _check(finding: Finding) -> InstallationCheck:
    health = {
        Health.GOOD: CheckHealth.GOOD,
        Health.ODD: CheckHealth.LOOK,
        Health.BAD: CheckHealth.BAD,
    }[finding.health]
    return InstallationCheck(
        what=finding.what, health=health, says=finding.says, remedy=finding.remedy
    )
