"""Writing Markdown, and the few questions that several pages ask of the code."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Iterable, Sequence


def page(parts: Iterable[str], source: str) -> str:
    """A page of these paragraphs; `source` is named to whoever wants to change it."""
    note = f"<!-- Written by tools/generate_docs.py from {source}. Change those, not this. -->"
    return "\n\n".join([note, *parts]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    """Markdown for a cell: bars and, outside of code, angle brackets would be taken for markup."""
    pieces = text.replace("|", "\\|").split("`")
    return "`".join(
        piece if inside else piece.replace("<", "&lt;")
        for piece, inside in zip(pieces, itertools.cycle((False, True)), strict=False)
    )


def codes(words: Iterable[str]) -> str:
    """The words as code, or the word none."""
    return ", ".join(f"`{word}`" for word in words) or "none"


def sentence(kind: type) -> str:
    """The first paragraph of a class' docstring, on one line."""
    text = inspect.getdoc(kind) or ""
    return " ".join(text.split("\n\n")[0].split())


def same_keys(what: str, found: Iterable[str], described: Iterable[str]) -> None:
    """Stops the program when what was found is not exactly what is described."""
    if odd := sorted(set(found) ^ set(described)):
        raise SystemExit(
            f"{what} is not described, or is described and not there: {', '.join(odd)}"
        )


def last_name(node: ast.expr) -> str:
    """`c` of `a.b.c`; empty for what is not a name."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""
