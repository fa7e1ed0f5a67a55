"""What was used, as rows of CSV: for spreadsheets, and for the command line's `usage-csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime, time
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from gantry.api.doors import Access, door, house
from gantry.domains.runs import usage
from gantry.domains.runs.usage import Aspect, GroupBy
from gantry.kernel.errors import UserError

PATH = "/usageanalytics/csv"
Choice = TypeVar("Choice", Aspect, GroupBy)
_OLDEST, _NEWEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)


async def download(request: Request) -> Response:
    """`GET /usageanalytics/csv?since=…&until=…&aspect=…&groupBy=…`: days as YYYY-MM-DD in UTC, the
    last one left out (contract notes, "Saved filters, metrics, other").
    """
    there, given = house(request), request.query_params
    until, since = (_day(given.get(name), name) for name in ("until", "since"))
    aspect = _one_of(Aspect, given.get("aspect") or Aspect.RUN_MINUTES, "aspect")
    group_by = _one_of(GroupBy, given.get("groupBy") or GroupBy.RUN_STATE, "groupBy")
    rows = usage.table(there.db, request.state.actor, aspect, group_by, since=since, until=until)
    # What can be refused is refused before the answer begins.
    first = await anext(rows)
    return StreamingResponse(
        _lines(first, rows),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": f'attachment; filename="{aspect.value}.csv"'},
    )


async def _lines(
    first: Sequence[usage.Row], rest: AsyncIterator[Sequence[usage.Row]]
) -> AsyncIterator[bytes]:
    yield _text(first)
    async for rows in rest:
        yield _text(rows)


def _text(rows: Sequence[usage.Row]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def _day(given: str | None, name: str) -> datetime | None:
    if not given:
        return None
    try:
        day = datetime.combine(date.fromisoformat(given), time(), UTC)
    except ValueError:
        day = _OLDEST
    # What lies before everything would only be refused with other words, or lead out of the years.
    if not _OLDEST < day < _NEWEST:
        raise UserError(f"`{name}` is a day, as 2026-03-01.")
    return day


def _one_of(kind: type[Choice], given: str, name: str) -> Choice:
    try:
        return kind(given)
    except ValueError:
        raise UserError(f"`{name}` is {' or '.join(one.value for one in kind)}.") from None


def routes() -> list[Route]:
    """The door of what was used."""
    return [door(PATH, download, access=Access.SESSION, methods=["GET"])]
