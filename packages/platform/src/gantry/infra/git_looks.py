"""Reads what Git prints about a repository's branches and directories, line by line as it comes.

What strangers list may be of any length: only so much of it is kept, and what was left out is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from gantry.ports.sources import Refs, Tree

MAX_BRANCH_BYTES = 1024 * 1024
"""Bytes of names that are kept: some thirty thousand branches."""
MAX_DIRECTORY_BYTES = 1024 * 1024
"""Bytes of names that are kept: some thirty thousand directories, which few monorepos have."""
_LONGEST_LINE = 8192
"""Bytes: twice the longest path of Linux. What has no end in so much is dropped."""

_HEADS = b"refs/heads/"
_TAGS = b"refs/tags/"
_PEELED = b"^{}"
_TERRAFORM = (b".tf", b".tf.json")
_OPENTOFU = (b".tofu", b".tofu.json")


class _Pieces:
    """Cuts what comes at a separator; the last piece waits for the rest of it."""

    def __init__(self, separator: bytes) -> None:
        self._separator = separator
        self._rest = b""

    def of(self, chunk: bytes) -> Iterator[bytes]:
        *pieces, rest = (self._rest + chunk).split(self._separator)
        self._rest = rest[:_LONGEST_LINE]
        return iter(pieces)


class RefList:
    """What `git ls-remote --symref` says of HEAD, all branches, and one tag."""

    def __init__(self, wanted: str | None) -> None:
        name = (wanted or "").encode()
        tag = _TAGS + name
        # Best first: a tag stands for its commit unless a branch has the name.
        self._meant = (_HEADS + name, tag + _PEELED, tag) if name else ()
        self._lines = _Pieces(b"\n")
        self._branches: list[bytes] = []
        self._left = MAX_BRANCH_BYTES
        self._default: bytes | None = None
        self._tips: dict[bytes, bytes] = {}

    def __call__(self, chunk: bytes) -> None:
        for line in self._lines.of(chunk):
            what, _, name = line.partition(b"\t")
            if name == b"HEAD" and what.startswith(b"ref: " + _HEADS):
                self._default = what[len(b"ref: " + _HEADS) :]
            elif name.startswith(_HEADS):
                self._keep(name[len(_HEADS) :])
            if name in self._meant:
                self._tips[name] = what

    def _keep(self, name: bytes) -> None:
        self._left -= len(name)
        if self._left >= 0:
            self._branches.append(name)

    def found(self) -> Refs:
        """What there is, once everything has come."""
        tip = next((self._tips[name] for name in self._meant if name in self._tips), None)
        return Refs(
            branches=tuple(sorted(name.decode(errors="replace") for name in self._branches)),
            complete=self._left >= 0,
            default=self._default.decode(errors="replace") if self._default else None,
            sha=tip.decode(errors="replace") if tip else None,
        )


class DirectoryList:
    """What `git ls-tree -r -z` says, each entry as `<mode> <path>`."""

    def __init__(self) -> None:
        self._entries = _Pieces(b"\0")
        self._left = MAX_DIRECTORY_BYTES
        self._directories: set[bytes] = {b""}
        self._links: set[bytes] = set()
        self._terraform: set[bytes] = set()
        self._opentofu: set[bytes] = set()

    def __call__(self, chunk: bytes) -> None:
        for entry in self._entries.of(chunk):
            mode, _, path = entry.partition(b" ")
            directory, _, name = path.rpartition(b"/")
            if not self._knows(directory):
                continue
            if mode == b"120000":
                self._left -= len(path)
                if self._left >= 0:
                    self._links.add(path)
            elif name.endswith(_TERRAFORM):
                self._terraform.add(directory)
            elif name.endswith(_OPENTOFU):
                self._opentofu.add(directory)

    def _knows(self, directory: bytes) -> bool:
        while directory not in self._directories:
            self._left -= len(directory)
            if self._left < 0:
                return False
            self._directories.add(directory)
            directory = directory.rpartition(b"/")[0]
        return True

    def found(self) -> Tree:
        """What there is, once everything has come."""
        return Tree(
            directories=_names(self._directories),
            links=_names(self._links),
            terraform=_names(self._terraform),
            opentofu=_names(self._terraform | self._opentofu),
            complete=self._left >= 0,
        )


def _names(found: set[bytes]) -> frozenset[str]:
    return frozenset(name.decode(errors="replace") for name in found)
