"""What a run is given: whose variables, files and hooks, and which of several wins.

The order is the run configuration contract's, §2.1 and §2.3. Nothing here knows storage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from gantry.domains.contexts.kinds import ElementType
from gantry.domains.contexts.model import ConfigElement

AUTOATTACH = "autoattach:"
"""What a label of a context begins with that attaches it to stacks with the label that follows."""
EVERY = "*"
"""In place of a label: to every stack."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A source of elements: a context by its id, or the stack itself."""

    context_id: str | None
    elements: Sequence[ConfigElement]


@dataclass(frozen=True, slots=True)
class Given:
    """An element that a run is given, where it comes from, and the contexts whose element of that
    name it is given instead of.
    """

    element: ConfigElement
    context_id: str | None
    instead_of: tuple[str, ...]
    rank: int
    """Of its layer; 0 is the one that wins."""


def winners(layers: Iterable[Layer]) -> list[Given]:
    """One element for each type and name, of layers that begin with the one that wins."""
    found: dict[tuple[str, ElementType], list[tuple[ConfigElement, str | None, int]]] = {}
    for rank, layer in enumerate(layers):
        for element in layer.elements:
            key = (element.id, element.type)
            found.setdefault(key, []).append((element, layer.context_id, rank))
    return [
        Given(
            *those[0][:2],
            instead_of=tuple(context for _, context, _ in those[1:] if context is not None),
            rank=those[0][2],
        )
        for _, those in sorted(found.items(), key=lambda item: item[0])
    ]


def hooks(
    own: Mapping[str, Sequence[str]],
    explicit: Sequence[tuple[str, Mapping[str, Sequence[str]]]],
    by_label: Sequence[tuple[str, Mapping[str, Sequence[str]]]],
) -> dict[str, list[tuple[str | None, list[str]]]]:
    """Every phase's commands in order, with the context they come from; None: the stack's own.
    Contexts with their ids: `explicit` by rising priority, `by_label` by name.

    Before a phase: explicit, by label from the last name to the first, the stack's own. After it
    the same backwards.
    """
    before = [*explicit, *reversed(by_label), (None, own)]
    after = [(None, own), *by_label, *reversed(explicit)]
    phases = {name for _, source in before for name in source}
    found = {
        name: [
            (context, list(source[name]))
            for context, source in (before if name.startswith("before") else after)
            if source.get(name)
        ]
        for name in sorted(phases)
    }
    return {name: groups for name, groups in found.items() if groups}
