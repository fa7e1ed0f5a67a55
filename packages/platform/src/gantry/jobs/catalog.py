"""Every job by its name on the wire, and what does it.

Handlers may run twice, late or in parallel: arguments only say where to look, and the database
says what is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from gantry.domains.accounts import service as accounts
from gantry.domains.audit import chain, retention
from gantry.domains.identity_providers import service as identity_providers
from gantry.domains.keys import places, retire, walk
from gantry.domains.notifications import service as notifications
from gantry.domains.people import service as people
from gantry.domains.runs import (
    configuring,
    forsaken,
    leasing,
    logbook,
    logs_repo,
    takeable,
    workspaces,
)
from gantry.domains.tfstate import service as tfstate
from gantry.domains.tfstate.resealing import StatesPlace
from gantry.domains.vcs import service as vcs
from gantry.domains.webhooks import deliveries
from gantry.domains.webhooks import log as delivery_log
from gantry.kernel.tx import SYSTEM
from gantry.ports.db import Db
from gantry.ports.objects import Objects
from gantry.ports.outward import Outward
from gantry.ports.sources import Sources
from gantry.ports.vault import Keyring, Vault

Handler = Callable[..., Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outside:
    """What handlers need besides their arguments."""

    db: Db
    vault: Vault
    ring: Keyring
    tokens_last: timedelta
    objects: Objects
    sources: Sources
    log_retention: timedelta
    lease: timedelta
    forget_live_events: Callable[[], Awaitable[int]]
    retry_stalled_jobs: Callable[[], Awaitable[int]]
    forget_job_failures: Callable[[], Awaitable[int]]
    tidy_objects: Callable[[], Awaitable[int]]
    audit_retention: timedelta
    outward: Outward


def catalog(out: Outside) -> Mapping[str, Handler]:
    """The jobs, bound to this process' connections."""

    async def fetch_commit(*, commit_id: str) -> None:
        await vcs.fetch(out.db, out.sources, out.objects, configuring.READER, commit_id=commit_id)

    async def source_settled(*, commit_id: str) -> None:
        await takeable.source_settled(out.db, commit_id=commit_id)

    async def promote(*, stack_id: str) -> None:
        await takeable.promote_stack(out.db, stack_id)

    async def reconcile_runs() -> None:
        await leasing.reconcile(out.db, lasts=out.lease)

    async def archive_logs(*, run_id: str) -> None:
        async with out.db.read(SYSTEM) as tx:
            over = await logs_repo.unarchived_of(tx, run_id)
        for state_version in over:
            await logbook.archive(out.db, out.objects, run_id=run_id, state_version=state_version)

    async def archive_forgotten_logs() -> None:
        async with out.db.read(SYSTEM) as tx:
            # 200 a minute: a drain that was away for an hour catches up within minutes.
            logs = await logs_repo.unarchived(tx, 200)
        await logbook.archive_each(out.db, out.objects, logs)

    async def expire_logs() -> None:
        await logbook.expire(out.db, out.objects, after=out.log_retention)

    async def index_state(*, stack_id: str, version_id: str) -> None:
        await tfstate.index(
            out.db, out.vault, out.objects, stack_id=stack_id, version_id=version_id
        )

    async def reconcile_commits() -> None:
        async with out.db.write(SYSTEM) as tx:
            await vcs.reconcile(tx)

    async def retry_stalled() -> None:
        await out.retry_stalled_jobs()

    async def reconcile_pools() -> None:
        async with out.db.write(SYSTEM) as tx:
            await forsaken.reconcile(tx)

    async def tidy() -> None:
        await out.forget_live_events()
        await out.forget_job_failures()
        async with out.db.write(SYSTEM) as tx:
            await people.forget_old(tx)
            await identity_providers.forget_old(tx)
            await accounts.forget_old(tx)
            await delivery_log.forget_old(tx)
            await configuring.forget_old(tx)
            await notifications.forget_old(tx)

    async def forget_workspaces() -> None:
        await workspaces.forget_ended(out.db, out.objects)

    async def tidy_objects() -> None:
        await out.tidy_objects()

    async def seal_audit_trail() -> None:
        await chain.seal(out.db)
        await chain.checkpoint(out.db, out.vault, out.objects)

    sealed: list[places.Place] = [*places.columns(out.vault), StatesPlace(out.vault, out.objects)]

    async def rekey() -> None:
        await walk.step(walk.Means(out.db, out.vault, out.ring, sealed))

    async def retire_keys() -> None:
        await retire.retire(out.db, out.objects, sealed, longest=out.tokens_last)

    async def turn_audit_months() -> None:
        await retention.turn_months(out.db, out.vault, out.objects, keep=out.audit_retention)

    async def deliver(*, webhook_id: str) -> None:
        await deliveries.deliver(out.db, out.vault, out.objects, out.outward, webhook_id=webhook_id)

    async def look_for_deliveries() -> None:
        await deliveries.look(out.db)

    return {
        "vcs.fetch": fetch_commit,
        "runs.source_settled": source_settled,
        "runs.promote": promote,
        "runs.reconcile": reconcile_runs,
        "logs.archive": archive_logs,
        "logs.archive_forgotten": archive_forgotten_logs,
        "logs.expire": expire_logs,
        "tfstate.index": index_state,
        "pools.reconcile": reconcile_pools,
        "vcs.reconcile": reconcile_commits,
        "house.retry_stalled": retry_stalled,
        "house.tidy": tidy,
        "runs.forget_workspaces": forget_workspaces,
        "objects.tidy": tidy_objects,
        "audit.seal": seal_audit_trail,
        "audit.turn_months": turn_audit_months,
        "keys.rekey": rekey,
        "keys.retire": retire_keys,
        "webhooks.deliver": deliver,
        "webhooks.look": look_for_deliveries,
    }


TIMETABLE: Mapping[str, str] = {
    # Five fields and seconds last. What may come at the same second does: a drain looks once for
    # all of it, and an installation that does nothing costs its database the less.
    # A lost worker is noticed within lease (30 s) + 10 s.
    "runs.reconcile": "* * * * * */10",
    "pools.reconcile": "* * * * * */20",
    "house.retry_stalled": "* * * * * */20",
    "vcs.reconcile": "* * * * * 10",
    "logs.archive_forgotten": "* * * * * 30",
    "logs.expire": "17 * * * * 0",
    "house.tidy": "*/2 * * * * 40",
    "runs.forget_workspaces": "*/10 * * * * 20",
    # Until an entry is in the chain, a change of it would not show.
    "audit.seal": "* * * * * */30",
    "audit.turn_months": "27 3 * * * 0",
    # What the audit trail's webhook is told is looked for here, and what is to be tried again.
    "webhooks.look": "* * * * * */10",
    "objects.tidy": "47 * * * * 0",
    # Begins again soon after a step of 20 seconds, while there is one to take: see SPARED.
    "keys.rekey": "* * * * * */5",
    "keys.retire": "37 * * * * 0",
}
"""What the scheduler starts, and when."""

SPARED = "keys.rekey"
"""Started at full minutes only while the scheduler knows of no re-key. It looks every 15 seconds
anyway, and a re-key waits for each process to have looked twice before it has anything to do."""
