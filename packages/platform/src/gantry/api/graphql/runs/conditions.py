"""Where a run stands, in the API."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.domains.runs.waiting import Condition, Owner, Reason

strawberry.enum(Owner, name="RunOwner", description="Who has to do something next.")
strawberry.enum(Reason, name="RunConditionReason", description="What has to happen next.")


@strawberry.type(description="Where a run stands that has not ended: who has to do what next.")
class RunCondition:
    """A condition."""

    reason: Reason
    message: str = strawberry.field(description='As a sentence that goes on from "it".')
    owner: Owner
    since: int
    deadline: int | None = strawberry.field(
        description="When a silent owner loses it; none for those who may take their time."
    )
    worker_id: strawberry.ID | None = strawberry.field(description="The worker that holds it.")
    blocked_by: strawberry.ID | None = strawberry.field(
        description="The run of the same stack that has to end first."
    )
    runs_ahead: int | None = strawberry.field(
        description="How many runs its worker pool gives out before it."
    )


def condition_view(found: Condition) -> RunCondition:
    """A condition as the API shows it."""
    return RunCondition(
        reason=found.reason,
        message=found.words,
        owner=found.owner,
        since=seconds(found.since),
        deadline=seconds_or_none(found.deadline),
        worker_id=strawberry.ID(found.worker_id) if found.worker_id else None,
        blocked_by=strawberry.ID(found.blocked_by) if found.blocked_by else None,
        runs_ahead=found.ahead,
    )
