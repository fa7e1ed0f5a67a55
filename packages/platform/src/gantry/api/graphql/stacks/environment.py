"""What the next run of a stack will be given, each element with where it comes from."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import strawberry

from gantry.api.graphql.context import Fetch, Info
from gantry.api.graphql.contexts.context_types import ContextStackAttachment
from gantry.api.graphql.contexts.types import ConfigElement
from gantry.api.graphql.contexts.views import computed_view, element_view, file_variable_view
from gantry.api.graphql.runs.configuration import RunConfigurationPlace
from gantry.domains.contexts import repo as contexts
from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.model import ConfigElement as Element
from gantry.domains.runs import computed, configuration
from gantry.domains.runs.configuration import Source
from gantry.domains.stacks import attached_repo
from gantry.domains.stacks.model import Stack
from gantry.domains.vcs import repo as vcs

Key = tuple[str, ElementType]


@strawberry.type(description="One element of what a run of the stack will be given.")
class StackRuntimeConfigElement:
    """An element; `context` is where it comes from, none for what comes from elsewhere."""

    context: ContextStackAttachment | None
    element: ConfigElement
    overrides: list[ContextStackAttachment]
    """Contexts whose element of the same name is not given because of it, the next best first."""
    place: RunConfigurationPlace = strawberry.field(
        description="Where it comes from, whatever that is."
    )
    instead_of: list[RunConfigurationPlace] = strawberry.field(
        description="Every place whose element of the same name is not given because of it."
    )


@dataclass(frozen=True, slots=True)
class _Level:
    """One source, and how each of its elements is shown."""

    source: Source
    attachment: ContextStackAttachment | None
    elements: Mapping[Key, Callable[[], ConfigElement]]

    @property
    def place(self) -> RunConfigurationPlace:
        """In the API's words."""
        context = self.attachment and self.attachment.model.context
        return RunConfigurationPlace(
            source=self.source,
            context_id=strawberry.ID(context.id) if context else None,
            context_name=context.name if context else None,
        )


async def runtime_config(
    info: Info, stack: Stack, *, by_label: bool
) -> list[StackRuntimeConfigElement]:
    """Of each name the element that wins; what is computed for each run comes last. `by_label`:
    contexts that labels attach count as well.
    """
    found: dict[Key, list[_Level]] = {}
    for level in await _levels(info, stack, by_label=by_label):
        for key in level.elements:
            found.setdefault(key, []).append(level)
    in_order = sorted(
        found.items(), key=lambda item: (item[1][0].source is Source.COMPUTED, item[0])
    )
    return [
        StackRuntimeConfigElement(
            context=winner.attachment,
            element=winner.elements[key](),
            overrides=[one.attachment for one in others if one.attachment is not None],
            place=winner.place,
            instead_of=[one.place for one in others],
        )
        for key, (winner, *others) in in_order
    ]


async def _levels(info: Info, stack: Stack, *, by_label: bool) -> list[_Level]:
    """The sources, the one that wins first."""
    attached = [
        one
        for one in await info.context.load(attached_repo.of_stacks, stack.id) or []
        if by_label or not one.by_label
    ]
    # Asked for at once, so that stacks beside each other are answered together.
    file, (own, *theirs) = await asyncio.gather(
        _of_file(info, stack),
        asyncio.gather(
            _stored(info, contexts.of_stacks, stack.id),
            *(_stored(info, contexts.of_contexts, one.context.id) for one in attached),
        ),
    )
    levels = [
        _Level(Source.STACK, None, own),
        *(
            _Level(Source.CONTEXT, ContextStackAttachment(model=one), elements)
            for one, elements in zip(attached, theirs, strict=True)
        ),
    ]
    if file is not None:
        level, below = file
        levels.insert(len(levels) if below else 0, level)
    shown = {(one.id, one.type): partial(computed_view, one) for one in computed.ELEMENTS}
    return [*levels, _Level(Source.COMPUTED, None, shown)]


async def _stored(
    info: Info, fetch: Fetch[str, list[Element]], owner: str
) -> dict[Key, Callable[[], ConfigElement]]:
    found = await info.context.load(fetch, owner) or []
    return {(one.id, one.type): partial(element_view, info, one) for one in found}


async def _of_file(info: Info, stack: Stack) -> tuple[_Level, bool] | None:
    """What the repository's file gives at the tracked commit, and whether all others win."""
    if stack.tracked_commit_id is None:
        return None
    file = await info.context.load(vcs.configs_of, stack.tracked_commit_id)
    given = configuration.environment_of_file(stack, file or {})
    if given is None:
        return None
    source, below, values = given
    kind = ElementType.ENVIRONMENT_VARIABLE
    shown = {(name, kind): partial(file_variable_view, name, text) for name, text in values.items()}
    return _Level(source, None, shown), below
