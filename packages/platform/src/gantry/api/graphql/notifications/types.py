"""Notifications as the API shows them."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.api.graphql.shared.types import PageInfo
from gantry.domains.notifications.kinds import Severity
from gantry.domains.notifications.model import Notification as Model
from gantry.domains.stacks import repo as stacks

strawberry.enum(Severity, name="NotificationSeverity", description="How grave it is.")


@strawberry.type(description="Something that administrators should know of.")
class Notification:
    """One notification."""

    model: strawberry.Private[Model]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """Its id."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def title(self) -> str:
        """What has happened."""
        return self.model.title

    @strawberry.field(description="Why, and what can be done about it.")
    def body(self) -> str:
        """Sentences."""
        return self.model.body

    @strawberry.field
    def severity(self) -> Severity:
        """How grave it is."""
        return self.model.severity

    @strawberry.field(description="What dismissNotificationGroup takes: the sort of its cause.")
    def group(self) -> strawberry.ID | None:
        """A word."""
        return strawberry.ID(self.model.group_key.value)

    @strawberry.field(description="The id of what it is about, if that is one thing.")
    def about(self) -> strawberry.ID | None:
        """A webhook, a worker pool, a run, or a stack, as the group says."""
        return strawberry.ID(self.model.about) if self.model.about else None

    @strawberry.field(description="The stack it is about; none for what concerns no single one.")
    def stack(self) -> strawberry.ID | None:
        """An id."""
        return strawberry.ID(self.model.stack_id) if self.model.stack_id else None

    @strawberry.field(description="What that stack is called.")
    async def stack_name(self, info: Info) -> str | None:
        """A name; none with no stack."""
        if self.model.stack_id is None:
            return None
        found = await info.context.load(stacks.by_ids, self.model.stack_id)
        return None if found is None else found.name

    @strawberry.field(description="How often it has happened; within a minute, once.")
    def times(self) -> int:
        """1 or more."""
        return self.model.times

    @strawberry.field
    def dismissed(self) -> bool:
        """Whether it is not open any more."""
        return self.model.closed_at is not None

    @strawberry.field(description="Who dismissed it; none when it closed by itself.")
    def dismissed_by(self) -> str | None:
        """A name."""
        return self.model.dismissed_by

    @strawberry.field(description="Unix seconds; none while it is open.")
    def dismissed_at(self) -> int | None:
        """Since when it is not open."""
        return seconds_or_none(self.model.closed_at)

    @strawberry.field(description="Unix seconds of the first time.")
    def created_at(self) -> int:
        """When it was told first."""
        return seconds(self.model.created_at)

    @strawberry.field(description="Unix seconds of the newest time.")
    def last_at(self) -> int:
        """When it was told last."""
        return seconds(self.model.last_at)


@strawberry.type
class SearchNotificationsOutputEdge:
    """A notification on a page."""

    cursor: str
    node: Notification


@strawberry.type
class SearchNotificationsOutput:
    """A page of notifications."""

    edges: list[SearchNotificationsOutputEdge]
    page_info: PageInfo
