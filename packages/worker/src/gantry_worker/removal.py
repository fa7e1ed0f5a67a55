"""Removing a directory tree that hostile commands have filled."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

REMOVAL_SECONDS = 600
"""For a tree that only the system's own tools get rid of; half a million files take a minute."""


def remove_tree(path: Path) -> None:
    """Remove a directory whatever modes, depth and names are in it; a link or file just goes.

    No link is followed. Nothing happens when there is nothing. Blocking. Raises OSError when
    something is left.
    """
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    try:
        _unlock(path)
        shutil.rmtree(path)
    except (OSError, RecursionError):
        # Deeper than Python recurses, or with names longer than a path may be: these tools walk
        # from directory to directory, and neither follows a link on its way.
        for words in (("chmod", "-R", "u+rwX"), ("rm", "-rf")):
            with suppress(subprocess.TimeoutExpired):  # what is left is found below
                subprocess.run(
                    [*words, "--", str(path)],
                    check=False,
                    capture_output=True,
                    timeout=REMOVAL_SECONDS,
                )
    if os.path.lexists(path):
        raise OSError(f"{path} cannot be removed completely")


def _unlock(root: Path) -> None:
    """Let the worker into every directory: an ordinary user may not list one without modes."""
    waiting = [str(root)]
    while waiting:
        directory = waiting.pop()
        os.chmod(directory, 0o700)  # noqa: PTH101 - never a link: see below
        with os.scandir(directory) as entries:
            waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
