"""Which part of a source is unpacked, when a stack asks for a part."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence


class Sparse:
    """The paths that are wanted, and what an archive has of them.

    The project root is always wanted. Of one that is the top of the repository these are the files
    that lie there: with all that is beneath there would be no part.
    """

    def __init__(self, paths: Sequence[str], project_root: str) -> None:
        root = posixpath.normpath(project_root or ".").lstrip("/")
        self._top = root == "."
        wanted = {posixpath.normpath(path) for path in paths} | (set() if self._top else {root})
        # `tar` misses a name that another one covers.
        self._wanted = [
            path for path in sorted(wanted) if not any(path.startswith(f"{o}/") for o in wanted)
        ]
        self._found: dict[str, None] = {}

    def look(self, member: str, *, directory: bool, link: str | None = None) -> None:
        """A member of the archive, by its name there; `link` is the other name of a hard link."""
        name = posixpath.normpath(member)
        prefix = "./" if member.startswith("./") else ""
        for path in self._wanted:
            if name == path or name.startswith(f"{path}/"):
                self._found[prefix + path] = None
                break
        else:
            if not self._top or directory or "/" in name:
                return
            self._found[prefix + name] = None
        if link is not None:
            self._found[link] = None

    @property
    def names(self) -> list[str]:
        """What `tar` is to unpack, with all that is beneath each."""
        return list(self._found)

    @property
    def missing(self) -> list[str]:
        """Paths that the archive has not."""
        there = {posixpath.normpath(name) for name in self._found}
        return [path for path in self._wanted if path not in there]
