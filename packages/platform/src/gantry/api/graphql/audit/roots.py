"""Root fields of the audit trail."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, query
from gantry.api.graphql.shared.convert import edges, page_info, search, seconds
from gantry.api.graphql.shared.types import PageInfo, SearchInput
from gantry.domains.audit.kinds import Resource
from gantry.domains.audit.model import AuditEntry
from gantry.domains.people import audit_trail
from gantry.domains.runs import repo as runs

strawberry.enum(Resource, name="AuditTrailResourceType")


@strawberry.type
class AuditTrailActorRun:
    """The run that did it, by its token."""

    id: strawberry.ID

    @strawberry.field
    async def stack_id(self, info: Info) -> strawberry.ID:
        """The run's stack, whatever was done to which; empty when the run is not kept any more."""
        run = await info.context.load(runs.by_ids, str(self.id))
        return strawberry.ID(run.stack_id if run is not None else "")


@strawberry.type
class AuditTrailActor:
    """Who did it."""

    username: str
    run: AuditTrailActorRun | None


@strawberry.type
class AuditTrailResource:
    """What it was done to."""

    resource_id: strawberry.ID | None
    resource_type: Resource


@strawberry.type
class AuditTrailEntry:
    """One thing that somebody did."""

    id: strawberry.ID
    action: str
    actor: AuditTrailActor
    affected_resource: AuditTrailResource
    related_resource: AuditTrailResource | None
    body: str | None
    event_type: str
    created_at: int
    updated_at: int
    remote_address: str = strawberry.field(name="remoteIP")
    """Where the request came from; empty for what came from no client."""
    sequence: int | None = None
    """Its place in the chain; none until it is sealed, which takes a moment."""


@strawberry.type
class SearchAuditTrailEntriesOutputEdge:
    """An entry on a page."""

    cursor: str
    node: AuditTrailEntry


@strawberry.type
class SearchAuditTrailEntriesOutput:
    """A page of entries."""

    edges: list[SearchAuditTrailEntriesOutputEdge]
    page_info: PageInfo


def _view(entry: AuditEntry) -> AuditTrailEntry:
    related = None
    if entry.related is not None:
        related = AuditTrailResource(resource_id=_id(entry.related_id), resource_type=entry.related)
    run = None
    if entry.actor_kind == "run":
        run = AuditTrailActorRun(id=strawberry.ID(entry.actor_id))
    return AuditTrailEntry(
        id=strawberry.ID(entry.id),
        action=entry.action,
        actor=AuditTrailActor(username=entry.actor, run=run),
        affected_resource=AuditTrailResource(
            resource_id=_id(entry.resource_id), resource_type=entry.resource
        ),
        related_resource=related,
        body=entry.body or None,
        event_type=entry.action,
        created_at=seconds(entry.at),
        updated_at=seconds(entry.at),
        remote_address=entry.address,
        sequence=entry.seq,
    )


def _id(given: str | None) -> strawberry.ID | None:
    return None if given is None else strawberry.ID(given)


@strawberry.type
class AuditQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def search_audit_trail_entries(
        self, info: Info, input: SearchInput
    ) -> SearchAuditTrailEntriesOutput:
        """Entries by predicates and words, in pages, the newest first. For root admins."""
        async with info.context.read() as tx:
            found = await audit_trail.search(tx, search(input))
        shown = found.shown(_view)
        return SearchAuditTrailEntriesOutput(
            edges=edges(shown, SearchAuditTrailEntriesOutputEdge), page_info=page_info(shown)
        )
