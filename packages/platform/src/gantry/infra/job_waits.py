"""How long jobs wait from when they are due until a drain begins them."""

from __future__ import annotations

import time

import procrastinate
import structlog
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

log = structlog.get_logger()

_BETWEEN = (
    "select extract(epoch from max(at) filter (where type = 'started')"
    " - max(at) filter (where type in ('deferred', 'scheduled', 'deferred_for_retry', 'retried')))"
    "::float8 as seconds from procrastinate_events where job_id = %(job_id)s"
)
"""Both moments by the database's clock. A try after another is due when its pause is over."""


async def waited(app: procrastinate.App, job: Job, tick: int | None) -> float | None:
    """Seconds, never fewer than none, that a job which was begun just now had been due; None if
    that cannot be known. `tick` is when a periodic one was due (seconds since 1970): it costs no
    question, and is as right as the clocks of scheduler and drain are.
    """
    if tick is not None:
        return max(time.time() - tick, 0.0)
    try:
        row = await app.connector.execute_query_one_async(_BETWEEN, job_id=job.id)
    except ConnectorException as error:
        # The job itself will find out whether the database is away.
        log.debug("wait of a job not read", job_id=job.id, reason=repr(error.__cause__ or error))
        return None
    seconds = row["seconds"]
    return None if seconds is None else max(float(seconds), 0.0)
