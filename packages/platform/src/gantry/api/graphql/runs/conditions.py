"""Where a run stands and what may be decided about it, in the API."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.domains.runs.choices import Choice, Decision
from gantry.domains.runs.waiting import Condition, Owner, Reason, Until

strawberry.enum(Owner, name="RunOwner", description="Who has to do something next.")
strawberry.enum(Decision, name="RunDecision", description="What people decide about a run.")
strawberry.enum(Reason, name="RunConditionReason", description="What has to happen next.")
strawberry.enum(
    Until,
    name="RunConditionEnd",
    description="What ends a condition: its deadline, the end of the run in its way, a worker that"
    " is there and free, or a person's decision. Only the first is bounded by time.",
)


@strawberry.type(description="Where a run stands that has not ended: who has to do what next.")
class RunCondition:
    """A condition."""

    reason: Reason
    message: str = strawberry.field(description='As a sentence that goes on from "it".')
    owner: Owner
    since: int
    until: Until
    deadline: int | None = strawberry.field(
        description="When a silent worker loses it, or the platform has looked at it again or given"
        " it up; none where nothing bounds the wait."
    )
    worker_id: strawberry.ID | None = strawberry.field(description="The worker that holds it.")
    held_since: int | None = strawberry.field(description="When that worker took it.")
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
        until=found.until,
        deadline=seconds_or_none(found.deadline),
        worker_id=strawberry.ID(found.worker_id) if found.worker_id else None,
        held_since=seconds_or_none(found.held_since),
        blocked_by=strawberry.ID(found.blocked_by) if found.blocked_by else None,
        runs_ahead=found.ahead,
    )


@strawberry.type(description="A decision about a run, as it would be answered now.")
class RunChoice:
    """A choice."""

    decision: Decision
    possible: bool
    refusal: str | None = strawberry.field(description="Why it would be refused, as a sentence.")
    code: str | None = strawberry.field(description="The code of the refusal.")


def choice_view(choice: Choice) -> RunChoice:
    """A choice as the API shows it."""
    refusal = choice.refusal
    return RunChoice(
        decision=choice.decision,
        possible=refusal is None,
        refusal=None if refusal is None else refusal.message,
        code=None if refusal is None else refusal.code,
    )
