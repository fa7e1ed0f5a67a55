"""Files that a run's own commands had a hand in, opened without trusting them.

A run may put a link, a FIFO or a file without end wherever it may write. Nothing here follows a
link, waits for a writer or reads beyond a limit. Everything is blocking: call it off the loop.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import BinaryIO

CHUNK = 1024 * 1024  # bytes copied at a time

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Unfit(Exception):
    """Not a file to be read: a link, a FIFO, too large, or behind a link."""


def read(root: Path, name: str, limit: int) -> bytes:
    """The file `name` below `root`, of at most `limit` bytes.

    Raises FileNotFoundError when there is none, Unfit when it is not a plain file of that size.
    """
    with opened(root, name, limit) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        raise Unfit(f"{name} is larger than {limit} bytes")
    return data


def copy(root: Path, name: str, target: Path, limit: int) -> None:
    """Copy the file `name` below `root` to `target`, which is the worker's own, 0600.

    Raises FileNotFoundError, Unfit. What was at `target` is replaced.
    """
    with opened(root, name, limit) as file:
        target.unlink(missing_ok=True)
        with os.fdopen(os.open(target, _MAKE, 0o600), "wb") as copied:
            size = 0
            while chunk := file.read(CHUNK):
                size += len(chunk)
                if size > limit:
                    raise Unfit(f"{name} is larger than {limit} bytes")
                copied.write(chunk)


def exists(root: Path, name: str) -> bool:
    """Whether there is a plain file `name` below `root`, without a link on the way."""
    try:
        with opened(root, name, None):
            return True
    except (FileNotFoundError, Unfit):
        return False


def remove(root: Path, name: str) -> None:
    """Remove the file or link `name` below `root`, if there is one.

    Raises Unfit for a link on the way, or a directory there.
    """
    steps = PurePath(name).parts
    try:
        with _directory(root, steps[:-1]) as at:
            os.unlink(steps[-1], dir_fd=at)
    except FileNotFoundError:
        return
    except OSError as error:
        raise Unfit(f"{name} cannot be removed: {error.strerror}") from None


def put(root: Path, name: str, data: bytes, mode: int = 0o600) -> None:
    """Write a new file `name` below `root`, in place of whatever was called that.

    The directories on the way exist. Raises Unfit for a link on the way, or a directory there.
    """
    steps = PurePath(name).parts
    try:
        with _directory(root, steps[:-1]) as at:
            with suppress(FileNotFoundError):
                os.unlink(steps[-1], dir_fd=at)
            with os.fdopen(os.open(steps[-1], _MAKE, mode, dir_fd=at), "wb") as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
    except OSError as error:
        raise Unfit(f"{name} cannot be written: {error.strerror}") from None


@contextmanager
def opened(root: Path, name: str, limit: int | None) -> Iterator[BinaryIO]:
    """The file `name` below `root`, to be read. Raises as `read` does."""
    steps = PurePath(name).parts
    try:
        with _directory(root, steps[:-1]) as at:
            handle = os.open(steps[-1], _READ, dir_fd=at)
    except FileNotFoundError:
        raise
    except OSError as error:  # a link (ELOOP), something else than a directory, no right to it
        raise Unfit(f"{name} cannot be read: {error.strerror}") from None
    found = os.fstat(handle)
    if not stat.S_ISREG(found.st_mode):
        os.close(handle)
        raise Unfit(f"{name} is not a plain file")
    with os.fdopen(handle, "rb") as file:
        if limit is not None and found.st_size > limit:
            raise Unfit(f"{name} is larger than {limit} bytes")
        yield file


@contextmanager
def _directory(root: Path, steps: tuple[str, ...]) -> Iterator[int]:
    """A descriptor of a directory below `root`, reached step by step without following links."""
    if any(step in ("..", "/") for step in steps):
        raise Unfit("a path leads out of its directory")
    at = os.open(root, _DIRECTORY)
    try:
        for step in steps:
            inner = os.open(step, _DIRECTORY, dir_fd=at)
            os.close(at)
            at = inner
        yield at
    finally:
        os.close(at)
