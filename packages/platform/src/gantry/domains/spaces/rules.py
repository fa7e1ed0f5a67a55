"""What a space may be called, and how deep the tree may be."""

from __future__ import annotations

from collections.abc import Sequence

from gantry.kernel.errors import UserError

NAME_MAX = 255
MAX_DEPTH = 20
"""Spaces on the way up to the root, both included: each keeps its whole way."""
MAX_LABELS = 64


class BadSpace(UserError):
    """A name or a place in the tree that no space can have."""

    code = "BAD_SPACE"


def checked_name(name: str) -> str:
    """The name without spaces around it. Raises BadSpace."""
    name = name.strip()
    if not name or len(name) > NAME_MAX:
        raise BadSpace(f"A space's name has 1 to {NAME_MAX} characters.")
    return name


def checked_labels(labels: Sequence[str] | None) -> list[str]:
    """The labels once each, in order. Raises BadSpace."""
    found = list(dict.fromkeys(label.strip() for label in labels or [] if label.strip()))
    if len(found) > MAX_LABELS or any(len(label) > NAME_MAX for label in found):
        raise BadSpace(
            f"A space has at most {MAX_LABELS} labels, each of at most {NAME_MAX} characters."
        )
    return found


def checked_depth(depth: int) -> None:
    """Raises BadSpace for a tree that is too deep."""
    if depth > MAX_DEPTH:
        raise BadSpace(f"The tree of spaces is at most {MAX_DEPTH} spaces deep.")
