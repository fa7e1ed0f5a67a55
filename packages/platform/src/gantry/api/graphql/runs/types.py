"""A run in the API."""

from __future__ import annotations

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.runs.conditions import (
    RunChoice,
    RunCondition,
    choice_view,
    condition_view,
)
from gantry.api.graphql.runs.configuration import RunConfiguration, configuration_view
from gantry.api.graphql.runs.plain import (
    RunChangeMetadata,
    RunChangeResource,
    RunChanges,
    RunChangesInput,
    RunDelta,
    RunLogMessage,
    RunLogs,
    RunReviewDecision,
)
from gantry.api.graphql.shared.commits import commit_view
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.shared.types import Commit
from gantry.domains.runs import (
    choices,
    configuration_repo,
    logbook,
    logs_repo,
    repo,
    triggers,
    waiting,
)
from gantry.domains.runs.model import Comment, Review, Transition
from gantry.domains.runs.model import Run as RunModel
from gantry.domains.runs.states import TERMINAL, Kind, Signal, State, can, has_logs
from gantry.domains.vcs import repo as vcs
from gantry.kernel.errors import NotFound

strawberry.enum(State, name="RunState")
strawberry.enum(Kind, name="RunType")


@strawberry.type(description="What a person wrote on a run.")
class RunComment:
    """A comment."""

    body: str
    created_at: int
    username: str


@strawberry.type(description="An approval or a rejection of a run in the state it was in.")
class RunReview:
    """A review."""

    id: strawberry.ID
    author: str
    decision: RunReviewDecision
    note: str | None
    state: State
    timestamp: int


@strawberry.type(description="One step in the life of a run; newest first in lists.")
class RunStateTransition:
    """A transition."""

    state: State
    state_version: int
    timestamp: int
    terminal: bool
    has_logs: bool
    note: str | None
    username: str | None
    worker_id: strawberry.ID | None = strawberry.field(
        description="The worker that held the run, or let it go, at this step."
    )


@strawberry.type(description="One job that may touch a stack's infrastructure.")
class Run:
    """A run: `model` is the row; everything shown is read from it or loaded by its id."""

    model: strawberry.Private[RunModel]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """The run's ULID."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def type(self) -> Kind:
        """What the run is for."""
        return self.model.kind

    @strawberry.field
    def state(self) -> State:
        """Where it is in its life."""
        return self.model.state

    @strawberry.field
    def finished(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.model.finished

    @strawberry.field
    def title(self) -> str:
        """The commit's first line, or the task's command."""
        return self.model.title

    @strawberry.field
    def branch(self) -> str | None:
        """The branch the commit was taken from."""
        return self.model.branch

    @strawberry.field
    async def commit(self, info: Info) -> Commit | None:
        """The commit it runs; none for a local preview."""
        if self.model.commit_id is None:
            return None
        return commit_view(await info.context.load(vcs.by_ids, self.model.commit_id))

    @strawberry.field
    def command(self) -> str | None:
        """The command of a task."""
        return self.model.command

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def updated_at(self) -> int:
        """Unix seconds of the last transition."""
        return seconds(self.model.updated_at)

    @strawberry.field
    def triggered_by(self) -> str | None:
        """Who started it; none for a push."""
        return self.model.triggered_by

    @strawberry.field
    def can_retry(self) -> bool:
        """Whether a run like it can be started."""
        return triggers.can_retry(self.model)

    @strawberry.field
    def can_confirm(self) -> bool:
        """Whether it waits to be confirmed. Rights are checked when it is."""
        return can(self.model.state, Signal.CONFIRM, self.model.kind)

    @strawberry.field
    def can_discard(self) -> bool:
        """Whether it can be discarded in the state it is in."""
        return can(self.model.state, Signal.DISCARD, self.model.kind)

    @strawberry.field
    async def choices(self, info: Info) -> list[RunChoice]:
        """Each decision about it, and why not, as the caller would be answered now."""
        return [
            choice_view(c) for c in await info.context.load(choices.choices, self.model.id) or []
        ]

    @strawberry.field
    def state_version(self) -> int:
        """Counts its transitions; whatever belongs to a state of it is new when this is."""
        return self.model.state_version

    @strawberry.field
    def targets(self) -> list[str]:
        """The addresses that the newest plan is limited to; none when it is for all."""
        return self.model.targets

    @strawberry.field
    def user_metadata(self) -> list[str]:
        """What the client said of itself when it started or confirmed the run."""
        return self.model.user_metadata

    @strawberry.field
    def trigger_kind(self) -> str:
        """How it was started: by a user, an API key or a push."""
        return self.model.trigger_kind

    @strawberry.field
    def retry_of(self) -> strawberry.ID | None:
        """The run that this one repeats."""
        return strawberry.ID(self.model.retry_of) if self.model.retry_of else None

    @strawberry.field
    def tool_version(self) -> str | None:
        """The version of Terraform or OpenTofu that it used."""
        return self.model.tool_version

    @strawberry.field
    async def configuration(self, info: Info) -> RunConfiguration | None:
        """What it was made with, settled when it started; none before that, and of runs that
        earlier releases started.
        """
        taken = await info.context.load(configuration_repo.of_runs, self.model.id)
        return None if taken is None else configuration_view(taken)

    @strawberry.field
    def plan_serial(self) -> int | None:
        """The serial of the state that the plan was made for."""
        return self.model.plan_serial

    @strawberry.field
    async def comments(self, info: Info) -> list[RunComment]:
        """Oldest first."""
        return [_comment(c) for c in await info.context.load(repo.comments, self.model.id) or []]

    @strawberry.field
    async def reviews(self, info: Info) -> list[RunReview]:
        """Oldest first."""
        return [review_view(r) for r in await info.context.load(repo.reviews, self.model.id) or []]

    @strawberry.field
    def delta(self) -> RunDelta | None:
        """How many resources the newest plan adds, changes and so on."""
        found = self.model.delta
        if found is None:
            return None
        return RunDelta(
            add_count=found.get("add", 0),
            change_count=found.get("change", 0),
            delete_count=found.get("delete", 0),
            resources=found.get("resources", 0),
            import_count=found.get("import", 0),
            move_count=found.get("move", 0),
            forget_count=found.get("forget", 0),
            # Ansible's counts: this release runs no playbooks.
            ok_count=0,
            skip_count=0,
            rescue_count=0,
            ignore_count=0,
            unreachable_count=0,
            failed_count=0,
        )

    @strawberry.field
    def drift_detection(self) -> bool:
        """Whether it only looks for drift."""
        return self.model.drift

    @strawberry.field
    async def expired(self, info: Info) -> bool:
        """Whether its logs are past their retention."""
        found = await info.context.load(logs_repo.streams, self.model.id) or {}
        return bool(found) and all(stream.expired for stream in found.values())

    @strawberry.field
    async def is_most_recent(self, info: Info) -> bool:
        """Whether no newer run of its type was started on the stack."""
        newest = await info.context.load(repo.newest_ids, self.model.stack_id) or set()
        return self.model.id in newest

    @strawberry.field
    def needs_approval(self) -> bool:
        """Whether it waits for a review."""
        return self.model.state is State.PENDING_REVIEW

    @strawberry.field
    def priority(self) -> int:
        """Above zero: before runs of other stacks on the same worker pool."""
        return self.model.priority

    @strawberry.field
    def outcome_unknown(self) -> bool:
        """Whether the worker was lost while it changed things: nobody knows how far it came."""
        return self.model.outcome_unknown

    @strawberry.field
    def failure_reason(self) -> str | None:
        """Why it failed, as a sentence."""
        return self.model.failure

    @strawberry.field
    async def waits_for(self, info: Info) -> str | None:
        """What it waits for, as a sentence; none when it does not wait."""
        return await info.context.load(waiting.explanations, self.model.id)

    @strawberry.field
    async def condition(self, info: Info) -> RunCondition | None:
        """Who has to do something next, and what; none when it has ended."""
        found = await info.context.load(waiting.conditions, self.model.id)
        return None if found is None else condition_view(found)

    @strawberry.field
    async def history(self, info: Info) -> list[RunStateTransition]:
        """Newest first."""
        moves = await info.context.load(repo.transitions, self.model.id) or []
        return [_transition(move) for move in moves]

    @strawberry.field
    async def logs(
        self, info: Info, state: State, state_version: int | None = None, token: str | None = None
    ) -> RunLogs | None:
        """The next lines of one state's log; pass `nextToken` back until `finished`."""
        context = info.context
        try:
            async with context.read() as tx:
                version = await logbook.version_of(tx, self.model.id, state.value, state_version)
        except NotFound:
            return _no_log(over=self.model.finished)
        async with context.turn():
            lines = await logbook.lines(
                context.house.db, context.house.objects, self.model.id, version, token
            )
        if lines is None:
            return _no_log(over=True)
        return RunLogs(
            exists=lines.exists,
            expired=lines.expired,
            finished=lines.finished,
            has_more=lines.has_more,
            messages=[RunLogMessage(message=m, timestamp=t) for m, t in lines.messages],
            next_token=lines.next_token,
        )

    @strawberry.field(name="changesV3")
    async def changes(self, info: Info, input: RunChangesInput) -> list[RunChanges]:
        """What the newest plan does, resource by resource."""
        found = await info.context.load(repo.changes, self.model.id) or []
        resources = [
            RunChangeResource(
                address=change.address,
                previous_address=change.previous_address,
                metadata=RunChangeMetadata(
                    type=change.action,
                    resource_type=change.type,
                    before=change.values.get("before"),
                    after=change.values.get("after"),
                ),
            )
            for change in found
        ]
        return [RunChanges(resources=resources)] if resources else []


@strawberry.type(description="What discarding all of a stack's runs did.")
class RunDiscardAllResult:
    """The runs that are gone, and those that could not be discarded."""

    discarded_runs: list[Run]
    failed_discarding: list[strawberry.ID]


def _no_log(*, over: bool) -> RunLogs:
    return RunLogs(
        exists=False, expired=False, finished=over, has_more=False, messages=[], next_token=None
    )


def _comment(comment: Comment) -> RunComment:
    return RunComment(body=comment.body, created_at=seconds(comment.at), username=comment.author)


def review_view(review: Review) -> RunReview:
    """A review as the API shows it."""
    return RunReview(
        id=strawberry.ID(review.id),
        author=review.author,
        decision=RunReviewDecision[review.decision],
        note=review.note,
        state=review.state,
        timestamp=seconds(review.at),
    )


def _transition(move: Transition) -> RunStateTransition:
    return RunStateTransition(
        state=move.after,
        state_version=move.version,
        timestamp=seconds(move.at),
        terminal=move.after in TERMINAL,
        has_logs=has_logs(move.after),
        note=move.note,
        username=move.actor or None,
        worker_id=strawberry.ID(move.worker_id) if move.worker_id else None,
    )
