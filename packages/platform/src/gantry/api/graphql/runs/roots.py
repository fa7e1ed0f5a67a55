"""Root fields of runs."""

from __future__ import annotations

import asyncio
from typing import Any

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation
from gantry.api.graphql.runs.config import NotYet, runtime_config, says_something
from gantry.api.graphql.runs.plain import (
    EnvironmentVariable,
    ForceApplyMode,
    LocalWorkspace,
    RunExternalDependencyMarkAsCompletedResult,
    RunExternalDependencyStatus,
    RunPriorityPreset,
    RunReviewDecision,
    RunSummary,
    RuntimeConfigInput,
)
from gantry.api.graphql.runs.types import (
    Run,
    RunComment,
    RunDiscardAllResult,
    RunReview,
    review_view,
)
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.shared.types import StringMap
from gantry.domains.people.actions import Action
from gantry.domains.runs import access, configuring, decisions, triggers
from gantry.domains.runs.manifests import URL_LASTS
from gantry.domains.runs.model import Run as RunModel
from gantry.domains.runs.states import Kind
from gantry.domains.stacks import heads
from gantry.domains.stacks import repo as stacks
from gantry.kernel.errors import NotFound
from gantry.ports.objects import Bucket


@strawberry.type
class RunMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def run_trigger(
        self,
        info: Info,
        stack: strawberry.ID,
        commit_sha: str | None = None,
        run_type: Kind | None = None,
        runtime_config: RuntimeConfigInput | None = None,
        force_apply: ForceApplyMode | None = None,
    ) -> Run:
        """Start a run: of this commit, else of the tip of the stack's branch."""
        return Run(
            model=await _trigger(
                info,
                str(stack),
                run_type or Kind.TRACKED,
                sha=commit_sha,
                config=runtime_config,
                force=force_apply is not None,
            )
        )

    @mutation(SIGNED_IN)
    async def run_confirm(
        self,
        info: Info,
        stack: strawberry.ID,
        run: strawberry.ID | None = None,
        note: str | None = None,
    ) -> Run:
        """Accept a plan; without a run, that of the run that holds the stack."""
        async with info.context.write() as tx:
            moved = await decisions.confirm(
                tx, str(stack), _id(run), note=note, user_metadata=info.context.user_metadata
            )
        return Run(model=moved)

    @mutation(SIGNED_IN)
    async def run_discard(
        self,
        info: Info,
        stack: strawberry.ID,
        run: strawberry.ID | None = None,
        note: str | None = None,
    ) -> Run:
        """Reject a plan, or a run that has not started."""
        async with info.context.write() as tx:
            return Run(model=await decisions.discard(tx, str(stack), _id(run), note=note))

    @mutation(SIGNED_IN)
    async def run_discard_all(
        self, info: Info, stack: strawberry.ID, note: str | None = None
    ) -> RunDiscardAllResult:
        """Discard every run of the stack that waits. A run's token, which reaches no runs, is told
        only which could not be discarded.
        """
        async with info.context.write() as tx:
            done = await decisions.discard_all(tx, str(stack), note=note)
        return RunDiscardAllResult(
            discarded_runs=[Run(model=run) for run in done.runs],
            failed_discarding=[strawberry.ID(run_id) for run_id in done.failed],
        )

    @mutation(SIGNED_IN)
    async def run_review(
        self,
        info: Info,
        stack: strawberry.ID,
        decision: RunReviewDecision,
        run: strawberry.ID | None = None,
        note: str | None = None,
    ) -> RunReview:
        """Say yes or no to a run as it is now."""
        async with info.context.write() as tx:
            written = await decisions.review(
                tx,
                str(stack),
                _id(run),
                approve=decision is RunReviewDecision.APPROVE,
                note=note,
            )
        return review_view(written)

    @mutation(SIGNED_IN)
    async def run_cancel(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, note: str | None = None
    ) -> Run:
        """Take back a run that no worker has touched."""
        async with info.context.write() as tx:
            return Run(model=await decisions.cancel(tx, str(stack), str(run), note=note))

    @mutation(SIGNED_IN)
    async def run_stop(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, note: str | None = None
    ) -> Run:
        """Stop a run, by asking its worker if it has one."""
        async with info.context.write() as tx:
            return Run(model=await decisions.stop(tx, str(stack), str(run), note=note))

    @mutation(SIGNED_IN)
    async def run_kill(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, note: str | None = None
    ) -> Run:
        """Take a run from a worker that does not heed a stop."""
        async with info.context.write() as tx:
            return Run(model=await decisions.kill(tx, str(stack), str(run), note=note))

    @mutation(SIGNED_IN)
    async def run_retry(self, info: Info, stack: strawberry.ID, run: strawberry.ID) -> Run:
        """Start a run like one that has ended."""
        async with info.context.write() as tx:
            vault = info.context.house.vault
            return Run(model=await triggers.retry(tx, vault, str(stack), str(run)))

    @mutation(SIGNED_IN)
    async def run_promote(self, info: Info, stack: strawberry.ID, run: strawberry.ID) -> Run:
        """Start a tracked run of a proposed run's commit."""
        async with info.context.write() as tx:
            vault = info.context.house.vault
            return Run(model=await triggers.promote(tx, vault, str(stack), str(run)))

    @mutation(SIGNED_IN)
    async def run_targeted_replan(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, targets: list[str]
    ) -> Run:
        """Plan again, for these resource addresses only."""
        async with info.context.write() as tx:
            return Run(model=await decisions.replan(tx, str(stack), str(run), targets=targets))

    @mutation(SIGNED_IN)
    async def run_prioritize_set(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, prioritize: bool
    ) -> Run:
        """Move a run before other stacks' runs of its pool, or back."""
        async with info.context.write() as tx:
            moved = await decisions.prioritise(
                tx, str(stack), str(run), priority=1 if prioritize else 0
            )
        return Run(model=moved)

    @mutation(SIGNED_IN)
    async def run_priority_set(
        self,
        info: Info,
        stack: strawberry.ID,
        run: strawberry.ID,
        preset: RunPriorityPreset,
    ) -> Run:
        """Give a run a priority among other stacks' runs of its pool."""
        async with info.context.write() as tx:
            moved = await decisions.prioritise(
                tx, str(stack), str(run), priority=decisions.PRIORITIES[preset.value]
            )
        return Run(model=moved)

    @mutation(SIGNED_IN)
    async def run_comment(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, body: str
    ) -> RunComment:
        """Write something on a run."""
        async with info.context.write() as tx:
            written = await decisions.comment(tx, str(stack), str(run), body=body)
        return RunComment(
            body=written.body, created_at=seconds(written.at), username=written.author
        )

    @mutation(SIGNED_IN)
    async def run_resource_create(
        self,
        info: Info,
        stack: strawberry.ID,
        commit_sha: str | None = None,
        proposed: bool | None = None,
    ) -> strawberry.ID:
        """Start a run and answer its id, for tools that wait for it."""
        kind = Kind.PROPOSED if proposed else Kind.TRACKED
        run = await _trigger(info, str(stack), kind, sha=commit_sha)
        return strawberry.ID(run.id)

    @mutation(SIGNED_IN)
    async def run_external_dependency_mark_as_completed(
        self, info: Info, dependency: strawberry.ID, status: RunExternalDependencyStatus
    ) -> RunExternalDependencyMarkAsCompletedResult:
        """No run waits for anything outside in this release; the mark is taken as a phantom."""
        async with info.context.write() as tx:
            decisions.mark_external_dependency(tx)
        return RunExternalDependencyMarkAsCompletedResult(phantom=True, status=status)

    @mutation(SIGNED_IN)
    async def task_create(
        self,
        info: Info,
        stack: strawberry.ID,
        command: str,
        skip_initialization: bool | None = None,
    ) -> Run:
        """Run one command in the stack's workspace."""
        async with info.context.write() as tx:
            run = await triggers.task(
                tx,
                info.context.house.vault,
                str(stack),
                command=command,
                skip_init=bool(skip_initialization),
                user_metadata=info.context.user_metadata,
            )
            info.context.about(run.id)
        return Run(model=run)

    @mutation(SIGNED_IN)
    async def upload_local_workspace(self, info: Info, stack: strawberry.ID) -> LocalWorkspace:
        """Where to PUT a gzipped tar of a local tree."""
        async with info.context.write() as tx:
            workspace = await triggers.ticket_for_local_workspace(tx, str(stack))
        objects = info.context.house.objects
        url = await objects.upload_url(
            Bucket.USER_UPLOADED_WORKSPACES, workspace.object_key, lasts=URL_LASTS
        )
        return LocalWorkspace(
            id=strawberry.ID(workspace.id),
            upload_url=url,
            upload_headers=StringMap.of(objects.upload_headers),
        )

    @mutation(SIGNED_IN)
    async def run_propose_local_workspace(
        self,
        info: Info,
        stack: strawberry.ID,
        workspace: strawberry.ID,
        environment_vars_overrides: list[EnvironmentVariable] | None = None,
    ) -> Run:
        """Preview an uploaded tree."""
        async with info.context.read() as tx:
            upload = await triggers.local_workspace(tx, str(stack), str(workspace))
        house = info.context.house
        async with house.searching:
            file = await configuring.of_upload(house.objects, upload.object_key)
        async with info.context.write() as tx:
            run = await triggers.propose_local(
                tx,
                house.vault,
                str(stack),
                workspace_id=str(workspace),
                file=file,
                overrides=[(v.key, v.value) for v in environment_vars_overrides or []],
                user_metadata=info.context.user_metadata,
            )
            info.context.about(run.id)
        return Run(model=run)

    @mutation(SIGNED_IN)
    async def propose_with_overrides(
        self,
        info: Info,
        stack: strawberry.ID,
        commit_sha: str | None = None,
        environment_vars_overrides: list[EnvironmentVariable] | None = None,
    ) -> Run:
        """Preview a commit with other values of variables."""
        overrides = [(v.key, v.value) for v in environment_vars_overrides or []]
        return Run(
            model=await _trigger(
                info, str(stack), Kind.PROPOSED, sha=commit_sha, overrides=overrides
            )
        )

    @mutation(SIGNED_IN)
    async def summarize_run(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID
    ) -> RunSummary:
        """Not offered: there is no language model in this release."""
        raise NotYet("Run summaries are not offered by this release.")

    @mutation(SIGNED_IN)
    async def delete_run_summary(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID
    ) -> RunSummary:
        """There is none to delete."""
        raise NotFound("run summary not found")

    @mutation(SIGNED_IN)
    async def summarize_run_state(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, state_version: int
    ) -> RunSummary:
        """Not offered: there is no language model in this release."""
        raise NotYet("Run summaries are not offered by this release.")

    @mutation(SIGNED_IN)
    async def delete_run_state_summary(
        self, info: Info, stack: strawberry.ID, run: strawberry.ID, state_version: int
    ) -> RunSummary:
        """There is none to delete."""
        raise NotFound("run summary not found")


async def _trigger(
    info: Info,
    stack_id: str,
    kind: Kind,
    *,
    sha: str | None = None,
    config: RuntimeConfigInput | None = None,
    overrides: list[tuple[str, str]] | None = None,
    force: bool = False,
) -> RunModel:
    context = info.context
    if force:
        raise NotYet("Forced application along dependencies is not offered by this release.")
    given: dict[str, Any] = {}
    if says_something(config):
        # Whether they may send one is asked before it is read: reading takes time.
        async with context.read() as tx:
            stack = await stacks.find(tx, stack_id)
            access.require(tx, Action.RUN_TRIGGER, stack)
            access.require(tx, Action.RUN_TRIGGER_WITH_CUSTOM_RUNTIME_CONFIG, stack)
        given = await asyncio.to_thread(runtime_config, config)
    head = None
    if not sha:
        # Raw Git sends no pushes: the branch is looked up when somebody asks for a run of it.
        head = await heads.look_up(context.house.db, context.actor, context.house.sources, stack_id)
    async with context.write() as tx:
        run = await triggers.trigger(
            tx,
            context.house.vault,
            stack_id,
            kind=kind,
            sha=sha or None,
            head=head,
            runtime_config=given,
            overrides=overrides or [],
            user_metadata=context.user_metadata,
        )
        context.about(run.id)
    return run


def _id(given: strawberry.ID | None) -> str | None:
    return str(given) if given else None
