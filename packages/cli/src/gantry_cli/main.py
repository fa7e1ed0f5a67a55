"""The `gantry` command: one door to every part of Gantry that is installed.

Each distribution registers its commands as entry points of the group `gantry.commands`; the
worker's image, which has no control plane, offers `gantry worker` and nothing else.
"""

from __future__ import annotations

import sys
from importlib.metadata import entry_points

import typer

GROUP = "gantry.commands"


def build(wanted: str | None = None) -> typer.Typer:
    """The command with whatever is installed here, or with the wanted part alone if it is."""
    app = typer.Typer(
        name="gantry",
        help="Gantry: infrastructure as code, self-hosted. Start with `gantry up`.",
        no_args_is_help=True,
        rich_markup_mode="markdown",
        pretty_exceptions_enable=False,
    )

    @app.callback()
    def _about() -> None:
        """Gantry: infrastructure as code, self-hosted. Start with `gantry up`."""

    points = entry_points(group=GROUP)
    if wanted in points.names:
        # The others need not be loaded: a worker is not the size of a server where both are.
        points = points.select(name=wanted)
    for point in sorted(points, key=lambda point: _order(point.name)):
        found = point.load()
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=point.name)
        else:
            app.command(name=point.name)(found)
    return app


_SHOWN_FIRST = ("up", "demo", "backend", "scheduler", "worker", "admin")


def _order(name: str) -> tuple[int, str]:
    return (_SHOWN_FIRST.index(name) if name in _SHOWN_FIRST else len(_SHOWN_FIRST), name)


def main() -> None:
    """Run the command."""
    build(next((word for word in sys.argv[1:] if not word.startswith("-")), None))()
