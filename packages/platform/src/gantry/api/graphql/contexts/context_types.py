"""Contexts, and to which stacks they are attached, as the API shows and takes them."""

from __future__ import annotations

from collections.abc import Sequence

import strawberry

from gantry.api.graphql.account.types import Space
from gantry.api.graphql.account.views import load_space
from gantry.api.graphql.context import Info
from gantry.api.graphql.contexts.types import ConfigElement, ConfigInput
from gantry.api.graphql.contexts.views import element_view
from gantry.api.graphql.shared.convert import seconds
from gantry.api.graphql.shared.types import Hooks, PageInfo
from gantry.domains.contexts import model
from gantry.domains.contexts import repo as elements
from gantry.domains.contexts.context_service import Wanted, WantedElement
from gantry.domains.contexts.rules import HOOKS
from gantry.domains.stacks import attached_repo
from gantry.domains.stacks import repo as stacks
from gantry.domains.stacks.attached_repo import Attached
from gantry.kernel.tx import Tx


@strawberry.type
class ContextStackAttachment:
    """A context that a stack has: attached by a person, or by a label."""

    model: strawberry.Private[Attached]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """What detaches it; by label it is the context's and the stack's, and detaches nothing."""
        one = self.model
        return strawberry.ID(one.id or f"{one.context.id}/{one.stack_id}")

    @strawberry.field
    def stack_id(self) -> strawberry.ID:
        """Which stack."""
        return strawberry.ID(self.model.stack_id)

    @strawberry.field
    def stack_name(self) -> str:
        """Its name."""
        return self.model.stack_name

    @strawberry.field
    def is_module(self) -> bool:
        """Modules have no contexts yet."""
        return False

    @strawberry.field
    def is_autoattached(self) -> bool:
        """Whether a label attached it."""
        return self.model.by_label

    @strawberry.field
    def priority(self) -> int:
        """Lower numbers win; by label it is always 0, and names decide."""
        return self.model.priority

    @strawberry.field
    def context_id(self) -> strawberry.ID:
        """Which context."""
        return strawberry.ID(self.model.context.id)

    @strawberry.field
    def context_name(self) -> str:
        """Its name."""
        return self.model.context.name

    @strawberry.field
    async def config(self, info: Info) -> list[ConfigElement]:
        """Its variables and files."""
        return await config_of(info, self.model.context.id)

    @strawberry.field
    def context_description(self) -> str | None:
        """What it is for."""
        return self.model.context.description

    @strawberry.field
    def context_labels(self) -> list[str]:
        """Its labels."""
        return list(self.model.context.labels)


async def config_of(info: Info, context_id: str) -> list[ConfigElement]:
    """The variables and files of a context."""
    found = await info.context.load(elements.of_contexts, context_id) or []
    return [element_view(info, element) for element in found]


async def _seen(tx: Tx, context_ids: Sequence[str]) -> dict[str, list[Attached]]:
    """Which stacks have the contexts, of those that the caller may see."""
    found = await attached_repo.of_contexts(tx, context_ids)
    ids = sorted({one.stack_id for those in found.values() for one in those})
    visible = await stacks.by_ids(tx, ids)
    return {
        context_id: [one for one in those if one.stack_id in visible]
        for context_id, those in found.items()
    }


@strawberry.type
class Context:
    """Variables, files and hooks with a name, for as many stacks as want them."""

    model: strawberry.Private[model.Context]

    @strawberry.field
    def id(self) -> strawberry.ID:
        """A slug of its first name."""
        return strawberry.ID(self.model.id)

    @strawberry.field
    def name(self) -> str:
        """What people call it."""
        return self.model.name

    @strawberry.field
    def description(self) -> str | None:
        """What it is for."""
        return self.model.description

    @strawberry.field
    def labels(self) -> list[str]:
        """`autoattach:x` attaches it to every stack in reach that has the label x."""
        return list(self.model.labels)

    @strawberry.field
    def space(self) -> strawberry.ID:
        """Where it is."""
        return strawberry.ID(self.model.space_id)

    @strawberry.field
    async def space_details(self, info: Info) -> Space:
        """The space."""
        return await load_space(info, self.model.space_id)

    @strawberry.field
    def hooks(self) -> Hooks:
        """Commands around the phases of runs."""
        given = self.model.hooks
        return Hooks(**{name: list(given.get(name, [])) for name in HOOKS})

    @strawberry.field
    async def config(self, info: Info) -> list[ConfigElement]:
        """Its variables and files."""
        return await config_of(info, self.model.id)

    @strawberry.field
    async def config_element(self, info: Info, id: strawberry.ID) -> ConfigElement | None:
        """One of them."""
        return next((one for one in await config_of(info, self.model.id) if one.id == id), None)

    @strawberry.field
    async def attached_stack(self, info: Info, id: strawberry.ID) -> ContextStackAttachment | None:
        """How a stack has it; none when it has not."""
        found = await info.context.load(_seen, self.model.id) or []
        return next((ContextStackAttachment(model=o) for o in found if o.stack_id == id), None)

    @strawberry.field
    async def attached_stacks(self, info: Info) -> list[ContextStackAttachment]:
        """Every stack that has it, of those that the caller may see."""
        found = await info.context.load(_seen, self.model.id) or []
        return [ContextStackAttachment(model=one) for one in found]

    @strawberry.field
    async def has_attached_stacks(self, info: Info) -> bool:
        """Whether any stack that the caller may see has it."""
        return bool(await info.context.load(_seen, self.model.id))

    @strawberry.field
    def created_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.created_at)

    @strawberry.field
    def updated_at(self) -> int:
        """Unix seconds."""
        return seconds(self.model.updated_at)


@strawberry.type
class ContextEdge:
    """A context on a page."""

    cursor: str
    node: Context


@strawberry.type
class SearchContextsOutput:
    """A page of contexts."""

    edges: list[ContextEdge]
    page_info: PageInfo


@strawberry.input
class HooksInput:
    """Commands around the phases of runs; none is an empty list."""

    after_apply: list[str] | None = None
    after_destroy: list[str] | None = None
    after_init: list[str] | None = None
    after_perform: list[str] | None = None
    after_plan: list[str] | None = None
    after_run: list[str] | None = None
    before_apply: list[str] | None = None
    before_destroy: list[str] | None = None
    before_init: list[str] | None = None
    before_perform: list[str] | None = None
    before_plan: list[str] | None = None


@strawberry.input
class StackAttachmentInput:
    """A stack that is to have the context."""

    stack: strawberry.ID
    priority: int


@strawberry.input
class ContextInput:
    """A context as somebody wants it."""

    name: str
    description: str | None = None
    labels: list[str] | None = None
    space: strawberry.ID | None = None
    hooks: HooksInput | None = None
    # A list that is not there says nothing; null may stand for an empty one (contract notes).
    stack_attachments: list[StackAttachmentInput] | None = strawberry.UNSET
    config_attachments: list[ConfigInput] | None = strawberry.UNSET


def wanted(given: ContextInput) -> Wanted:
    """What the service is to make of it."""
    hooks = given.hooks
    return Wanted(
        name=given.name,
        description=given.description,
        labels=given.labels or [],
        space_id=str(given.space) if given.space else None,
        hooks=None
        if hooks is None
        else {name: commands for name in HOOKS if (commands := getattr(hooks, name))},
        elements=[element_wanted(element) for element in given.config_attachments or []],
    )


def element_wanted(given: ConfigInput) -> WantedElement:
    """A variable or file as the service takes it."""
    return WantedElement(
        given.type, str(given.id), given.value, given.write_only, given.description
    )
