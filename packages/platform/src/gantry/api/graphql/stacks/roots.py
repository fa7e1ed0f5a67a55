"""Root fields of stacks."""

from __future__ import annotations

from typing import Annotated

import strawberry

from gantry.api.graphql.context import Info
from gantry.api.graphql.fields import SIGNED_IN, mutation, query
from gantry.api.graphql.shared.convert import (
    edges,
    page_info,
    search,
    search_of_suggestions,
    suggestions_view,
)
from gantry.api.graphql.shared.types import SearchInput, SearchSuggestions, SearchSuggestionsInput
from gantry.api.graphql.stacks.inputs import StackInput, StackVendor, StackVendorMigrationInput
from gantry.api.graphql.stacks.types import (
    SearchStacksOutput,
    SearchStacksOutputEdge,
    Stack,
    load_stack,
)
from gantry.api.graphql.stacks.vendor_views import vendor_given
from gantry.domains.contexts.rules import HOOKS
from gantry.domains.people.actions import Action
from gantry.domains.pools import repo as pools
from gantry.domains.runs import triggers
from gantry.domains.spaces import repo as spaces
from gantry.domains.stacks import access, heads, repo, service
from gantry.domains.stacks.model import Provider, Vendor
from gantry.domains.stacks.model import Stack as StackModel
from gantry.domains.stacks.service import Wanted
from gantry.domains.stacks.vendors import BadStack
from gantry.domains.tfstate import surgery
from gantry.kernel.errors import Conflict, NotFound, TooLarge, UserError
from gantry.ports.objects import Bucket
from gantry.ports.sources import Sources


@strawberry.type(description="Whether the caller keeps something at hand.")
class StarSetResult:
    """A stack and its star."""

    id: strawberry.ID
    name: str
    starred: bool


@strawberry.type
class StackQuery:
    """Reading."""

    @query(SIGNED_IN)
    async def stacks(self, info: Info) -> list[Stack]:
        """Every stack the caller may see, by name."""
        async with info.context.read() as tx:
            return [Stack(model=stack) for stack in await repo.all_visible(tx)]

    @query(SIGNED_IN)
    async def stack(self, info: Info, id: strawberry.ID) -> Stack | None:
        """A stack; none when there is none of that id, or the caller may not see it."""
        return await load_stack(info, str(id))

    @query(SIGNED_IN)
    async def search_stacks(self, info: Info, input: SearchInput) -> SearchStacksOutput:
        """Stacks by predicates and words, in pages."""
        async with info.context.read() as tx:
            found = await repo.search(tx, search(input))
        shown = found.shown(lambda s: Stack(model=s))
        return SearchStacksOutput(
            edges=edges(shown, SearchStacksOutputEdge), page_info=page_info(shown)
        )

    @query(SIGNED_IN)
    async def search_stacks_suggestions(
        self, info: Info, input: SearchSuggestionsInput
    ) -> SearchSuggestions:
        """What the stacks of a search can be narrowed by, with how many have each value.

        Fields: administrative, branch, isDisabled, label, locked, repository, space, starred,
        state, vendor, workerPool.
        """
        async with info.context.read() as tx:
            found = await repo.suggestions(
                tx, search_of_suggestions(input), input.fields, words=input.value_contains
            )
            ids = {facet.field: [one.value for one in facet.values] for facet in found.fields}
            names = {
                "space": {
                    key: space.name
                    for key, space in (await spaces.by_ids(tx, ids.get("space", []))).items()
                },
                "workerPool": {
                    repo.PUBLIC_POOL: "Public worker pool",
                    **{
                        key: pool.name
                        for key, pool in (await pools.by_ids(tx, ids.get("workerPool", []))).items()
                    },
                },
            }
        return suggestions_view(found, names)


@strawberry.type
class StackMutation:
    """Writing."""

    @mutation(SIGNED_IN)
    async def stack_create(
        self,
        info: Info,
        input: StackInput,
        manage_state: bool,
        stack_object_id: Annotated[str | None, strawberry.argument(name="stackObjectID")] = None,
        slug: str | None = None,
    ) -> Stack:
        """A new stack; with a state that was uploaded before, if one is named."""
        wanted = _wanted(input, info.context.house.sources)
        if wanted.vendor_config.get("use_state_management"):
            manage_state = True  # how a Terragrunt stack says it
        if stack_object_id:
            if not manage_state:
                wanted.faults.append("state: it can only be imported where Gantry is to manage it")
            stack = await _with_state(info, wanted, stack_object_id, slug)
        else:
            async with info.context.write() as tx:
                stack = await service.create(
                    tx, wanted, manages_state=manage_state, forced_slug=slug
                )
                info.context.about(stack.id)
        await _look_up(info, stack.id)
        return await _shown(info, stack.id)

    @mutation(SIGNED_IN)
    async def stack_update(self, info: Info, id: strawberry.ID, input: StackInput) -> Stack:
        """Change a stack to exactly this; its id stays."""
        async with info.context.write() as tx:
            stack = await service.update(tx, str(id), _wanted(input, info.context.house.sources))
        if stack.tracked_commit_id is None:
            await _look_up(info, stack.id)
        return await _shown(info, stack.id)

    @mutation(SIGNED_IN)
    async def stack_delete(
        self, info: Info, id: strawberry.ID, destroy_resources: bool | None = None
    ) -> Stack | None:
        """Delete a stack; `deleting` stays true while a run destroys its resources first."""
        async with info.context.write() as tx:
            stack = await triggers.delete_stack(
                tx, info.context.house.vault, str(id), destroy_resources=bool(destroy_resources)
            )
        return Stack(model=stack)

    @mutation(SIGNED_IN)
    async def stack_enable(self, info: Info, id: strawberry.ID) -> Stack:
        """Let the stack take runs again."""
        async with info.context.write() as tx:
            return Stack(model=await service.set_disabled(tx, str(id), disabled=False))

    @mutation(SIGNED_IN)
    async def stack_disable(self, info: Info, id: strawberry.ID) -> Stack:
        """The stack takes no new runs."""
        async with info.context.write() as tx:
            return Stack(model=await service.set_disabled(tx, str(id), disabled=True))

    @mutation(SIGNED_IN)
    async def stack_lock(self, info: Info, id: strawberry.ID, note: str | None = None) -> Stack:
        """Keep everybody else's runs off the stack."""
        async with info.context.write() as tx:
            return Stack(model=await service.lock(tx, str(id), note=note))

    @mutation(SIGNED_IN)
    async def stack_unlock(self, info: Info, id: strawberry.ID) -> Stack:
        """Let everybody's runs go on; this also acknowledges an unknown outcome."""
        async with info.context.write() as tx:
            return Stack(model=await service.unlock(tx, str(id)))

    @mutation(SIGNED_IN)
    async def stack_labels_change(
        self,
        info: Info,
        id: strawberry.ID,
        add: list[str] | None = None,
        remove: list[str] | None = None,
    ) -> Stack:
        """Put labels on a stack and take others off; nothing else of it changes."""
        async with info.context.write() as tx:
            stack = await service.relabel(tx, str(id), add=add or [], remove=remove or [])
        return Stack(model=stack)

    @mutation(SIGNED_IN)
    async def stack_reslug(self, info: Info, id: strawberry.ID) -> Stack:
        """Give the stack the id that fits its name."""
        async with info.context.write() as tx:
            stack = await surgery.reslug(tx, info.context.house.vault, str(id))
        return Stack(model=stack)

    @mutation(SIGNED_IN)
    async def stack_set_current_commit(self, info: Info, id: strawberry.ID, sha: str) -> Stack:
        """Track this commit, whatever the branch's tip is."""
        async with info.context.write() as tx:
            return Stack(model=await heads.set_current(tx, str(id), sha))

    @mutation(SIGNED_IN)
    async def stack_sync_commit(self, info: Info, id: strawberry.ID) -> Stack:
        """Look the branch up and track its tip."""
        context = info.context
        async with context.read() as tx:
            access.require(tx, Action.STACK_SYNC_COMMIT, await repo.find(tx, str(id)))
        head = await heads.look_up(context.house.db, context.actor, context.house.sources, str(id))
        async with context.write() as tx:
            return Stack(model=await heads.sync(tx, str(id), head))

    @mutation(SIGNED_IN)
    async def stack_migrate_vendor(
        self,
        info: Info,
        id: strawberry.ID,
        target_vendor: StackVendor,
        config: StackVendorMigrationInput | None = None,
    ) -> Stack:
        """Another tool for the same code and state; how the state is kept does not change."""
        vendor, settings = _migrated(target_vendor, config)
        labels = config.labels if config is not None else None
        async with info.context.write() as tx:
            stack = await service.migrate_vendor(
                tx, str(id), vendor=vendor, config=settings, labels=labels
            )
        return Stack(model=stack)

    @mutation(SIGNED_IN)
    async def star_set(self, info: Info, id: strawberry.ID, star: bool) -> StarSetResult:
        """Keep a stack at hand, or no longer."""
        async with info.context.write() as tx:
            stack = await service.star(tx, str(id), star=star)
        return StarSetResult(id=strawberry.ID(stack.id), name=stack.name, starred=star)


def _wanted(given: StackInput, sources: Sources) -> Wanted:
    faults: list[str] = []
    if given.repository_url:
        try:
            # Also keeps passwords out of addresses, which everybody with read access sees.
            sources.check_url(given.repository_url)
        except UserError as error:
            faults.append(f"repository URL: {error.message}")
    vendor, config = vendor_given(given, faults)
    return Wanted(
        name=given.name,
        repository=given.repository,
        branch=given.branch,
        administrative=given.administrative,
        provider=given.provider,
        namespace=given.namespace,
        repository_url=given.repository_url,
        project_root=given.project_root,
        project_globs=given.additional_project_globs,
        sparse_checkout_paths=given.git_sparse_checkout_paths,
        vcs_integration_id=str(given.vcs_integration_id) if given.vcs_integration_id else None,
        description=given.description,
        labels=given.labels,
        space_id=str(given.space) if given.space else None,
        pool_id=str(given.worker_pool) if given.worker_pool else None,
        runner_image=given.runner_image,
        hooks={name: commands for name in HOOKS if (commands := getattr(given, name))},
        autodeploy=given.autodeploy,
        autoretry=given.autoretry,
        github_action_deploy=given.github_action_deploy,
        local_preview_enabled=given.local_preview_enabled,
        protect_from_deletion=given.protect_from_deletion,
        well_known_secret_masking=given.enable_well_known_secret_masking,
        sensitive_output_upload=given.enable_sensitive_output_upload,
        disabled=given.is_disabled,
        vendor=vendor,
        vendor_config=config,
        faults=faults,
    )


async def _with_state(info: Info, wanted: Wanted, object_id: str, slug: str | None) -> StackModel:
    """A new stack with the uploaded state. A refused one keeps the upload for another try."""
    if not object_id.startswith("state/"):
        raise NotFound("uploaded state not found")
    async with info.context.read() as tx:
        access.require_anywhere(tx, Action.STACK_CREATE)
    if wanted.faults:
        raise BadStack(list(wanted.faults))
    house = info.context.house
    size = await house.objects.size(Bucket.UPLOADS, object_id)
    if size is not None and size > house.max_state_bytes:
        raise TooLarge(f"The state is larger than {house.max_state_bytes} bytes.")
    body = await house.objects.get(Bucket.UPLOADS, object_id)
    stack = await surgery.create_with_state(
        house.db, house.vault, house.objects, info.context.actor, wanted, body, forced_slug=slug
    )
    info.context.wrote()
    await house.objects.delete(Bucket.UPLOADS, object_id)  # it is kept sealed from here on
    return stack


async def _look_up(info: Info, stack_id: str) -> None:
    """Track the branch's tip now; what is wrong with the source is noted on the stack."""
    house = info.context.house
    async with info.context.read() as tx:
        stack = await repo.find(tx, stack_id)
    if stack.provider is Provider.GIT:
        await heads.first_sync(house.db, info.context.actor, house.sources, stack_id)


async def _shown(info: Info, stack_id: str) -> Stack:
    async with info.context.read() as tx:
        return Stack(model=await repo.find(tx, stack_id))


def _migrated(
    target: StackVendor, config: StackVendorMigrationInput | None
) -> tuple[Vendor, dict[str, object]]:
    if target is StackVendor.Terragrunt:
        version = config.terragrunt.terragrunt_version if config and config.terragrunt else None
        return Vendor.TERRAGRUNT, {"terragrunt_version": version, "tool": "TERRAFORM_FOSS"}
    if target is StackVendor.OPEN_TOFU:
        raise Conflict("Change the workflow tool in the stack's settings to run OpenTofu.")
    # The version is picked again after a change of tool (contract notes, "Stacks").
    return Vendor.TERRAFORM, {"version": None, "workflow_tool": "TERRAFORM_FOSS"}
