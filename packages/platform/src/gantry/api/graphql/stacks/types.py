"""A stack in the API."""

from __future__ import annotations

import asyncio
import enum
from typing import Any, cast

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.context_types import ContextStackAttachment
from gantry.api.graphql.contexts.types import ConfigElement
from gantry.api.graphql.contexts.views import element_view
from gantry.api.graphql.later.types import (
    AwsIntegrationStackAttachment,
    AzureIntegrationStackAttachment,
    Blueprint,
    DriftDetectionIntegration,
    ModuleVersion,
    PolicyStackAttachment,
    ScheduledDelete,
    ScheduledRun,
    ScheduledTask,
    StackDependency,
    StackIntegrationAws,
    StackIntegrationGcp,
    StackIntegrationSlack,
    VCSIntegration,
)
from gantry.api.graphql.runs.types import Run
from gantry.api.graphql.shared.commits import commit_view
from gantry.api.graphql.shared.convert import seconds, seconds_or_none
from gantry.api.graphql.shared.types import Commit, Hooks, PageInfo
from gantry.api.graphql.stacks.environment import StackRuntimeConfigElement, runtime_config
from gantry.api.graphql.stacks.managed import ManagedEntity, entities
from gantry.api.graphql.stacks.plain import StackSettings
from gantry.api.graphql.stacks.vendor_views import config_view, version_of
from gantry.api.graphql.stacks.vendors import StackConfigVendor
from gantry.api.graphql.webhooks.types import WebhooksIntegration
from gantry.api.graphql.workers.types import WorkerPool, load_pool
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.rules import HOOKS
from gantry.domains.inbox import repo as inbox
from gantry.domains.people.access import may
from gantry.domains.people.actions import Action
from gantry.domains.runs import repo as runs
from gantry.domains.runs.obstacles import obstacles
from gantry.domains.runs.states import TERMINAL, Kind, State
from gantry.domains.stacks import attached_repo, repo
from gantry.domains.stacks.model import Provider
from gantry.domains.stacks.service import SYSTEM_LOCK
from gantry.domains.tfstate import repo as tfstate
from gantry.domains.tfstate import service as states
from gantry.domains.vcs import repo as vcs
from gantry.domains.webhooks import repo as webhooks


@strawberry.enum(description="Where the newest tracked run of a stack is; NONE before the first.")
class StackState(enum.Enum):
    """The API's words."""

    APPLYING = "APPLYING"
    CONFIRMED = "CONFIRMED"
    DESTROYING = "DESTROYING"
    DISCARDED = "DISCARDED"
    FAILED = "FAILED"
    FINISHED = "FINISHED"
    INITIALIZING = "INITIALIZING"
    NONE = "NONE"
    PLANNING = "PLANNING"
    PREPARING = "PREPARING"
    PREPARING_APPLY = "PREPARING_APPLY"
    PREPARING_REPLAN = "PREPARING_REPLAN"
    READY = "READY"
    REPLAN_REQUESTED = "REPLAN_REQUESTED"
    STOPPED = "STOPPED"
    UNCONFIRMED = "UNCONFIRMED"


@strawberry.type(description="An output of the last successful apply; `value` is JSON text.")
class StackOutput:
    """An output."""

    id: strawberry.ID
    description: str | None
    sensitive: bool
    value: str | None


@strawberry.type(description="Integrations attached to a stack.")
class StackIntegrations:
    """This release has webhooks only; the other fields answer so."""

    stack_id: strawberry.Private[str]

    @strawberry.field
    def aws(self) -> StackIntegrationAws:
        """Not attached."""
        return StackIntegrationAws(
            activated=False,
            assumed_role_arn=None,
            assume_role_policy_statement="",
            generate_credentials_in_worker=False,
            external_id=None,
            duration_seconds=None,
            region=None,
            assume_role_link=None,
        )

    @strawberry.field(name="awsV2")
    def aws_v2(self) -> list[AwsIntegrationStackAttachment]:
        """None."""
        return []

    @strawberry.field
    def azure(self) -> list[AzureIntegrationStackAttachment]:
        """None."""
        return []

    @strawberry.field
    def drift_detection(self) -> DriftDetectionIntegration | None:
        """None."""
        return None

    @strawberry.field
    def gcp(self) -> StackIntegrationGcp:
        """Not attached."""
        return StackIntegrationGcp(activated=False, service_account_email=None, token_scopes=[])

    @strawberry.field
    def slack(self) -> StackIntegrationSlack:
        """Not attached."""
        return StackIntegrationSlack(activated=False, channel_names=[])

    @strawberry.field
    async def webhooks(self, info: Info) -> list[WebhooksIntegration]:
        """What is called at each move of the stack's runs, oldest first."""
        found = await info.context.load(webhooks.of_stacks, self.stack_id) or []
        return [WebhooksIntegration(model=one) for one in found]


@strawberry.type(description="How far a run that another resource waits for has come.")
class RunResourceState:
    """A run's state."""

    id: strawberry.ID
    state: State
    finished: bool


def hooks_view(hooks: dict[str, Any]) -> Hooks:
    """Every hook list; those that were not given are empty."""
    return Hooks(**{name: list(hooks.get(name, [])) for name in HOOKS})


@strawberry.type(description="Code, the tool that runs it, and the state it owns.")
class Stack(StackSettings):
    """A stack: `model` is the row; everything shown is read from it or loaded by its id."""

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A slug of the name at creation."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def space(self) -> strawberry.ID:
        """The id of its space."""
        return strawberry.ID(self.model.space_id)

    @strawberry.field
    async def space_details(self, info: Info) -> Space:
        """Its space."""
        return await load_space(info, self.model.space_id)

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def provider(self) -> Provider:
        """Where its code is hosted."""
        return self.model.provider

    @strawberry.field
    def vcs_integration(self) -> VCSIntegration | None:
        """None: this release reads raw Git only."""
        return None

    @strawberry.field
    def vcs_detached(self) -> bool:
        """Whether its code can not be fetched here."""
        return self.model.provider is not Provider.GIT

    @strawberry.field
    def repository_tags(self) -> list[str]:
        """Raw Git lists none."""
        return []

    @strawberry.field
    def api_host(self) -> str | None:
        """The host of its VCS integration; it has none."""
        return None

    @strawberry.field
    async def tracked_commit(self, info: Info) -> Commit | None:
        """The commit that tracked runs run."""
        if self.model.tracked_commit_id is None:
            return None
        return commit_view(await info.context.load(vcs.by_ids, self.model.tracked_commit_id))

    @strawberry.field
    async def tracked_branch_head(self, info: Info) -> Commit | None:
        """The tip of its branch when it was last looked up."""
        if self.model.branch_head_id is None:
            return None
        return commit_view(await info.context.load(vcs.by_ids, self.model.branch_head_id))

    @strawberry.field
    def source_problem(self) -> str | None:
        """Why its branch could not be looked up the last time."""
        return self.model.sync_error

    @strawberry.field
    async def worker_pool(self, info: Info) -> WorkerPool | None:
        """None: the public pool."""
        return await load_pool(info, self.model.pool_id) if self.model.pool_id else None

    @strawberry.field
    def terraform_version(self) -> str | None:
        """The version constraint of a Terraform stack."""
        return version_of(self.model)

    @strawberry.field
    async def effective_terraform_version(self, info: Info) -> str | None:
        """The version that its newest run used; none before the first."""
        return await info.context.load(runs.tool_versions, self.model.id)

    @strawberry.field
    def skip_vendor_binary_download(self) -> bool:
        """Whether a workflow of its own brings the tool."""
        return self.model.vendor_config.get("workflow_tool") == "CUSTOM"

    @strawberry.field
    def vendor_config(self) -> StackConfigVendor:
        """The settings of its tool."""
        return cast("StackConfigVendor", config_view(self.model))

    @strawberry.field
    def hooks(self) -> Hooks:
        """Commands before and after each phase."""
        return hooks_view(self.model.hooks)

    @strawberry.field
    def state(self) -> StackState:
        """Where its newest tracked run is."""
        return StackState(self.model.state)

    @strawberry.field
    def state_set_at(self) -> int | None:
        """Unix seconds."""
        return seconds_or_none(self.model.state_set_at)

    @strawberry.field
    def state_is_terminal(self) -> bool:
        """Whether no tracked run is under way."""
        return self.model.state == "NONE" or State(self.model.state) in TERMINAL

    @strawberry.field
    async def blocker(self, info: Info) -> Run | None:
        """The run that holds the stack."""
        held = await info.context.load(runs.holders, self.model.id)
        return Run(model=held) if held else None

    @strawberry.field
    async def unknown_outcome(self, info: Info) -> Run | None:
        """The run whose outcome nobody knows, until somebody has looked and unlocked the stack."""
        if self.model.locked_by != SYSTEM_LOCK:
            return None
        found = await info.context.load(runs.unknown_outcomes, self.model.id)
        return Run(model=found) if found else None

    @strawberry.field
    async def blocked(self, info: Info) -> bool:
        """Whether a run holds the stack."""
        return await info.context.load(runs.holders, self.model.id) is not None

    @strawberry.field
    def needs_approval(self) -> bool:
        """No policies ask for approvals in this release."""
        return False

    @strawberry.field
    def last_apply_at(self) -> int | None:
        """Unix seconds."""
        return seconds_or_none(self.model.last_apply_at)

    @strawberry.field
    def is_drifted(self) -> bool:
        """Drift is not looked for in this release."""
        return False

    @strawberry.field
    def drift_detected_by(self) -> str | None:
        """Drift is not looked for in this release."""
        return None

    @strawberry.field
    async def is_state_rollback(self, info: Info) -> bool:
        """Whether the current state is an earlier one that was made current again."""
        newest = await info.context.load(tfstate.newest, self.model.id)
        return newest is not None and newest.rollback_of is not None

    @strawberry.field
    def locked_at(self) -> int | None:
        """Unix seconds; none when it is not locked."""
        return seconds_or_none(self.model.locked_at)

    @strawberry.field
    def is_locked_by_template_deployment(self) -> bool:
        """There are no template deployments in this release."""
        return False

    @strawberry.field
    def deleted(self) -> bool:
        """Whether it is gone."""
        return self.model.deleted_at is not None

    @strawberry.field
    async def notification_count(self, info: Info) -> int:
        """Notifications about it that are open; 0 for who does not administer its space."""
        return await info.context.load(inbox.count_of_stacks, self.model.id) or 0

    @strawberry.field
    def can_read(self, info: Info) -> bool:
        """Whether the caller may see it."""
        return may(info.context.actor, Action.SPACE_READ, self.model.space_id)

    @strawberry.field
    def can_write(self, info: Info) -> bool:
        """Whether the caller may start and confirm runs on it."""
        return may(info.context.actor, Action.RUN_TRIGGER, self.model.space_id)

    @strawberry.field(description="What the caller may do to it and its runs, by their rights.")
    def permitted(self, info: Info) -> list[Action]:
        """The actions that its space allows the caller."""
        return [one for one in Action if may(info.context.actor, one, self.model.space_id)]

    @strawberry.field(description="Why the caller cannot start such a run now; none if they can.")
    async def obstacle(self, info: Info, run_type: Kind = Kind.TRACKED) -> str | None:
        """The sentence in which starting one would be refused."""
        return await info.context.load(obstacles, (self.model.id, run_type))

    @strawberry.field
    async def starred(self, info: Info) -> bool:
        """Whether the caller keeps it at hand."""
        return bool(await info.context.load(repo.starred, self.model.id))

    @strawberry.field
    def integrations(self) -> StackIntegrations:
        """Clouds, webhooks and the like."""
        return StackIntegrations(stack_id=self.model.id)

    @strawberry.field
    def attached_aws_integrations(self) -> list[AwsIntegrationStackAttachment]:
        """None in this release."""
        return []

    @strawberry.field
    def blueprint(self) -> Blueprint | None:
        """None in this release."""
        return None

    @strawberry.field
    def depends_on(self) -> list[StackDependency]:
        """None in this release."""
        return []

    @strawberry.field
    def is_depended_on_by(self) -> list[StackDependency]:
        """None in this release."""
        return []

    @strawberry.field
    def dependency(
        self, id: strawberry.ID | None = None, depends_on_stack_id: strawberry.ID | None = None
    ) -> StackDependency | None:
        """None in this release."""
        return None

    @strawberry.field
    async def outputs(self, info: Info) -> list[StackOutput]:
        """Of the last successful apply; secret values are not shown."""
        vault = info.context.house.vault
        return [
            StackOutput(
                id=strawberry.ID(output.name),
                description=output.description,
                sensitive=output.sensitive,
                value=states.output_value(vault, output),
            )
            for output in await info.context.load(tfstate.outputs, self.model.id) or []
        ]

    @strawberry.field
    def module_versions_used(self) -> list[ModuleVersion]:
        """There is no module registry in this release."""
        return []

    @strawberry.field
    async def entities(self, info: Info) -> list[ManagedEntity]:
        """What the stack manages, as of its newest state, and its outputs."""
        found, given = await asyncio.gather(
            info.context.load(tfstate.resources, self.model.id),
            info.context.load(tfstate.outputs, self.model.id),
        )
        return entities(self.model, found or [], given or [], info.context.house.vault)

    @strawberry.field(description="The serial of its newest state, which may exceed an Int.")
    async def state_serial(self, info: Info) -> str | None:
        """None before the first state, and where the state is kept elsewhere."""
        newest = await info.context.load(tfstate.newest, self.model.id)
        return None if newest is None else str(newest.serial)

    @strawberry.field
    async def entity_count(self, info: Info) -> int:
        """How many resources the stack manages."""
        return await info.context.load(tfstate.count_resources, self.model.id) or 0

    @strawberry.field
    def scheduled_run(self, id: strawberry.ID) -> ScheduledRun | None:
        """None in this release."""
        return None

    @strawberry.field
    def scheduled_task(self, id: strawberry.ID) -> ScheduledTask | None:
        """None in this release."""
        return None

    @strawberry.field
    def scheduled_delete(self, id: strawberry.ID) -> ScheduledDelete | None:
        """None in this release."""
        return None

    @strawberry.field
    def scheduled_runs(self) -> list[ScheduledRun]:
        """None in this release."""
        return []

    @strawberry.field
    def scheduled_tasks(self) -> list[ScheduledTask]:
        """None in this release."""
        return []

    @strawberry.field
    def scheduled_deletes(self) -> list[ScheduledDelete]:
        """None in this release."""
        return []

    @strawberry.field
    async def run(self, info: Info, id: strawberry.ID) -> Run | None:
        """A run of this stack."""
        found = await info.context.load(runs.in_stack, (self.model.id, str(id)))
        return Run(model=found) if found else None

    @strawberry.field
    async def runs(self, info: Info, before: strawberry.ID | None = None) -> list[Run]:
        """Tracked and destroy runs, newest first, older than `before`."""
        return await self._runs(info, (Kind.TRACKED, Kind.DESTROY), before)

    @strawberry.field
    async def proposed_runs(self, info: Info, before: strawberry.ID | None = None) -> list[Run]:
        """Previews, newest first, older than `before`."""
        return await self._runs(info, (Kind.PROPOSED,), before)

    @strawberry.field
    async def tasks(self, info: Info, before: strawberry.ID | None = None) -> list[Run]:
        """Tasks, newest first, older than `before`."""
        return await self._runs(info, (Kind.TASK,), before)

    async def _runs(
        self, info: Info, kinds: tuple[Kind, ...], before: strawberry.ID | None
    ) -> list[Run]:
        page = (self.model.id, kinds, str(before or "") or None)
        return [Run(model=run) for run in await info.context.load(runs.pages_of_stacks, page) or []]

    @strawberry.field
    async def run_resource_state(self, info: Info, id: strawberry.ID) -> RunResourceState | None:
        """How far a run has come, for those who wait for it."""
        found = await info.context.load(runs.awaited, (self.model.id, str(id)))
        if found is None:
            return None
        return RunResourceState(id=id, state=found.state, finished=found.finished)

    @strawberry.field
    async def config(self, info: Info, type: ElementType | None = None) -> list[ConfigElement]:
        """Its own variables and mounted files, or those of one type."""
        own = await info.context.load(contexts.of_stacks, self.model.id) or []
        return [element_view(info, one) for one in own if type is None or one.type is type]

    @strawberry.field
    async def config_element(self, info: Info, id: strawberry.ID) -> ConfigElement | None:
        """One of its own elements."""
        own = await info.context.load(contexts.of_stacks, self.model.id) or []
        found = next((element for element in own if element.id == id), None)
        return element_view(info, found) if found else None

    @strawberry.field
    async def runtime_config(
        self, info: Info, by_label: bool = False
    ) -> list[StackRuntimeConfigElement]:
        """What the next run will be given: of each name the one that wins, with where it comes from
        and what it is given instead of; also of the repository's file, as of the tracked commit,
        and of what is computed for each run. Contexts that labels attach count if asked for:
        clients that do not ask add those themselves.
        """
        return await runtime_config(info, self.model, by_label=by_label)

    @strawberry.field
    async def attached_contexts(self, info: Info) -> list[ContextStackAttachment]:
        """The contexts it has, the one that wins first."""
        found = await info.context.load(attached_repo.of_stacks, self.model.id) or []
        return [ContextStackAttachment(model=one) for one in found]

    @strawberry.field
    def attached_policies(self) -> list[PolicyStackAttachment]:
        """None in this release."""
        return []


async def load_stack(info: Info, stack_id: str) -> Stack | None:
    """A stack the caller may see."""
    found = await info.context.load(repo.by_ids, stack_id)
    return Stack(model=found) if found else None


@strawberry.type(description="A stack on a page.")
class SearchStacksOutputEdge:
    """An edge."""

    cursor: str
    node: Stack


@strawberry.type(description="A page of stacks.")
class SearchStacksOutput:
    """A page."""

    edges: list[SearchStacksOutputEdge]
    page_info: PageInfo
