"""docs/reference/runs.md: the life of a run as diagram, table and groups."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
from collections.abc import Iterator, Sequence

from gantry.domains.runs import states

from reference.markdown import last_name, page, table


def runs_page() -> str:
    """The life of a run: diagram, table, groups."""
    rows = [
        [
            ", ".join(row.source),
            row.signal.value,
            row.target.value,
            "every kind" if len(row.kinds) == len(states.Kind) else ", ".join(row.kinds).lower(),
        ]
        for row in states.TABLE
    ]
    groups = [[f"`{name}`", why, ", ".join(members)] for name, why, members in _groups()]
    never = sorted(
        set(states.State) - {s for row in states.TABLE for s in (*row.source, row.target)}
    )
    return page(
        [
            "# The life of a run",
            "One table says what can happen to a run in which state. The code that moves runs, the"
            " `can…` fields of the API and this page are all read from it. What the table does not"
            " name is refused with the code `ILLEGAL_RUN_TRANSITION`. Whether somebody *may* send"
            " a signal is another question, answered by their rights.",
            "## Diagram",
            "Ways to FINISHED. Words in brackets name the kinds of run that a line is for.",
            f"```mermaid\n{_ways_to_the_end(states.State.FINISHED)}\n```",
            "<details>\n<summary>All ways, also to the other ends</summary>",
            f"```mermaid\n{states.diagram()}\n```",
            "</details>",
            "## Table",
            table(["While in", "this happens", "it becomes", "only for"], rows),
            f"No run enters {', '.join(never)}; the API keeps the word for old clients.",
            "## Groups",
            "The code asks about these groups rather than about single states.",
            table(["Group", "Meaning", "Members"], groups),
        ],
        "gantry.domains.runs.states",
    )


def _ways_to_the_end(end: states.State) -> str:
    """The diagram without the other ends: most states lead to those, and hide the rest."""
    others = [rf" {state}\b" for state in states.TERMINAL - {end}]
    lines = states.diagram().splitlines()
    return "\n".join(line for line in lines if not re.search("|".join(others), line))


def _groups() -> Iterator[tuple[str, str, Sequence[str]]]:
    """The module's constants that have a sentence below them, and TERMINAL, which is derived."""
    body = ast.parse(inspect.getsource(states)).body
    for statement, following in itertools.pairwise(body):
        if isinstance(statement, ast.Assign) and isinstance(following, ast.Expr):
            name = last_name(statement.targets[0])
            assert isinstance(following.value, ast.Constant)
            yield name, str(following.value.value), [str(m) for m in getattr(states, name)]
    terminal = [state.value for state in states.State if state in states.TERMINAL]
    yield "TERMINAL", "The run has ended: nobody leaves these states.", terminal
