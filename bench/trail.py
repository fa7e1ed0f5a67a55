"""An audit trail of a million entries: searched while retention drops months, sealed and verified.

Entries are written behind the product's back, spread over the months of two years, and sealed by
the product's own job. Searches are asked over HTTP as the administrator's. What retention drops
meanwhile are older months, beside the million: it is there whole until the last search.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import timedelta

from gantry.domains.audit import chain, repo, retention
from gantry.kernel.tx import SYSTEM
from sqlalchemy import text

from bench.report import Figure, percentile
from bench.site import Site, site

ENTRIES = 1_000_000
MONTHS = 24
OLDER = 40
"""Months before those, for retention to drop: about as many as the searches last seconds."""
IN_AN_OLDER = 500
"""Entries in each of them."""
MONTH = timedelta(days=31)
"""At most: so many of them are never less than the months of the calendar."""
ROUNDS = 40
"""Of each question, while retention drops a month every PAUSE."""
PAUSE = 1.0
AIM_SEARCH = 0.3
AIM_VERIFY = 50_000

_MONTHS = text(
    "select to_char(m, 'YYYY_MM'), to_char(m, 'YYYY-MM-DD'),"
    " to_char(m + interval '1 month', 'YYYY-MM-DD')"
    " from generate_series(date_trunc('month', now() - :months * interval '1 month'),"
    " now(), interval '1 month') m"
)
_ENTRIES = """
insert into audit_entry (id, at, action, actor, actor_kind, actor_id, address, resource,
                         resource_id, body)
select :prefix || lpad(n::text, 19, '0'),
       now() - :after * interval '30 days'
           - (:entries - n) * (:months * interval '30 days' / :entries),
       (array['run.trigger', 'run.confirm', 'stack.update', 'session.begin', 'context.attach',
              'stack.lock', 'role_binding.create', 'api_key.create'])[1 + n % 8],
       'saml::user' || n % 2000 || '@example.test', 'user', 'user-' || n % 2000, '192.0.2.7',
       (array['RUN', 'RUN', 'STACK', 'SESSION', 'CONTEXT', 'STACK', 'STACK', 'API_KEY'])[1 + n % 8],
       case n % 8 when 0 then 'run-' || n when 1 then 'run-' || n else 'thing-' || n % 5000 end,
       '{"arguments": {"id": "thing-' || n % 5000 || '"}, "mutation": "stackUpdate"}'
from generate_series(1, :entries) n
"""
_FIELDS = """{ edges { node { id action createdAt actor { username } body remoteIP
    affectedResource { resourceId resourceType } } } pageInfo { hasNextPage endCursor } }"""


def _search(*predicates: tuple[str, str], words: str | None = None) -> str:
    wanted = ", ".join(
        f'{{field: "{field}", constraint: {{stringMatches: ["{value}"]}}}}'
        for field, value in predicates
    )
    also = f', fullTextSearch: "{words}"' if words else ""
    order = 'orderBy: [{field: "createdAt", direction: DESC}]'
    asked = f"{{first: 50, predicates: [{wanted}], {order}{also}}}"
    return f"{{ searchAuditTrailEntries(input: {asked}) {_FIELDS} }}"


QUESTIONS = {
    "newest 50": _search(),
    "of a person": _search(("actor", "saml::user77@example.test")),
    "of an action": _search(("action", "api_key.create")),
    "of a thing": _search(("affectedResourceType", "STACK"), ("affectedResourceId", "thing-77")),
    "by words of a person": _search(words="user77@"),
    "by words that nothing has": _search(words="nowhere to be found"),
}


async def measure(entries: int = ENTRIES) -> list[Figure]:
    """Write, seal and verify them; then search while months go."""
    async with site(worker=False) as there:
        await _write(there, entries)
        core = there.up.core
        began = time.perf_counter()
        sealed = await chain.seal(core.db)
        sealing = time.perf_counter() - began
        began = time.perf_counter()
        verdict = await chain.verify(core.db, core.vault, core.objects)
        verifying = time.perf_counter() - began
        assert verdict.broken_at is None, verdict
        took, dropped = await _search_while_months_go(there)
    about = f"{entries} entries over {MONTHS} months, and {OLDER * IN_AN_OLDER} older ones"
    name = "audit trail"
    return [
        Figure(
            name,
            "verified",
            verdict.entries / verifying,
            "entries/s",
            AIM_VERIFY,
            f"the whole chain and its checkpoints, as `gantry admin audit verify` does: {about}",
            more_is_better=True,
        ),
        Figure(name, "sealed", sealed / sealing, "entries/s", None, about, more_is_better=True),
        *[
            Figure(
                f"audit trail: {question}",
                "p95",
                percentile(times, 0.95),
                "s",
                AIM_SEARCH,
                f"{about}; {ROUNDS} searches of each kind in turns, while retention drops"
                f" {dropped} older months of {IN_AN_OLDER} entries each",
            )
            for question, times in took.items()
        ],
    ]


async def _write(there: Site, entries: int) -> None:
    every = {"months": MONTHS + 2 + OLDER}
    async with there.up.core.db.engine.begin() as connection:
        for name, begin, end in (await connection.execute(_MONTHS, every)).tuples():
            await connection.execute(
                text(
                    f"create table if not exists audit_entry_{name} partition of audit_entry"
                    f" for values from ('{begin} 00:00+00') to ('{end} 00:00+00')"
                )
            )
        for prefix, after, months, count in (
            ("01BENCG", MONTHS + 2, OLDER, OLDER * IN_AN_OLDER),
            ("01BENCH", 0, MONTHS, entries),
        ):
            values = {"prefix": prefix, "after": after, "months": months, "entries": count}
            await connection.execute(text(_ENTRIES), values)
    async with there.up.core.db.engine.connect() as connection:
        free = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await free.execute(text("vacuum analyze audit_entry"))


async def _search_while_months_go(there: Site) -> tuple[dict[str, list[float]], int]:
    dropped: list[str] = []
    forgetting = asyncio.create_task(_forget(there, dropped))
    took: dict[str, list[float]] = {question: [] for question in QUESTIONS}
    for number in range(ROUNDS + 2):  # two of warm-up
        for question, words in QUESTIONS.items():
            began = time.perf_counter()
            await there.client.ask(words)
            if number >= 2:
                took[question].append(time.perf_counter() - began)
    forgetting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await forgetting
    return took, len(dropped)


async def _forget(there: Site, dropped: list[str]) -> None:
    """Retention, over and over; each time what is kept is a month less, down to the million."""
    core = there.up.core
    for month in range(MONTHS + OLDER, MONTHS, -1):
        dropped += await retention.turn_months(
            core.db, core.vault, core.objects, keep=month * MONTH
        )
        async with core.db.read(SYSTEM) as tx:
            await repo.months(tx)
        await asyncio.sleep(PAUSE)
