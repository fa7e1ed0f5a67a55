"""Under which account the built-in Postgres runs when Gantry itself runs as root.

Postgres refuses to be root. A system account of its own gets the data directory and, where a
directory above is closed to others, passage through it: an entry in that directory's access
list for this one account, which opens it to nobody else.
"""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

import structlog

from gantry.kernel.errors import Unavailable

log = structlog.get_logger()

ACCOUNT = "gantry-postgres"

# The binary form of a POSIX access control list (linux/posix_acl_xattr.h): a version, then
# entries of tag, permissions and id, in the order of their tags.
_ACL = "system.posix_acl_access"
_ACL_VERSION = struct.pack("<I", 2)
_ENTRY = struct.Struct("<HHI")
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NOBODY_IN_PARTICULAR = 0xFFFFFFFF
_PASS = 1  # "execute": to pass through a directory, without listing it


class NoAccount(Unavailable):
    """Root has nobody to run Postgres as, or that account cannot get to its files."""

    code = "NO_POSTGRES_ACCOUNT"

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason} Running Gantry as an ordinary user avoids this.")


class Account(NamedTuple):
    """A user and their group, by number."""

    uid: int
    gid: int


def account_for(data_dir: Path, cluster: Path) -> Account | None:
    """Whom Postgres is to run as; None means as ourselves, because we are not root.

    An existing cluster keeps its owner, as Postgres demands. Otherwise it is the account
    `gantry-postgres`, created if need be. The data directory is given to the account.
    Blocks. Raises NoAccount.
    """
    if os.geteuid() != 0:
        return None
    owner = cluster.stat() if cluster.exists() else None
    if owner is not None and owner.st_uid != 0:
        account = Account(owner.st_uid, owner.st_gid)
    else:
        account = _own_account()
    os.chown(data_dir, *account)
    return account


def let_pass(account: Account, path: Path) -> None:
    """Let the account reach `path` through directories that are closed to it.

    Blocks. Raises NoAccount where the filesystem or somebody's access list stands against it.
    """
    for directory in reversed(path.resolve().parents):
        found = directory.stat()
        is_owner = found.st_uid == account.uid and found.st_mode & 0o100
        if is_owner or found.st_mode & 0o001 or _passes(account, directory):
            continue
        _grant(account, directory, found.st_mode)
        log.warning(
            "let the database's account pass through a closed directory",
            directory=str(directory),
            uid=account.uid,
        )


def _own_account() -> Account:
    with contextlib.suppress(KeyError):
        return _known_account()
    command = ["useradd", "--system", "--user-group", "--no-create-home"]
    command += ["--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", ACCOUNT]
    with contextlib.suppress(FileNotFoundError):  # a system without useradd: told below
        subprocess.run(command, check=False, capture_output=True)
    try:
        return _known_account()  # also when another process was quicker
    except KeyError:
        reason = f"Postgres does not run as root, and the account {ACCOUNT} cannot be created."
        raise NoAccount(reason) from None


def _known_account() -> Account:
    entry = pwd.getpwnam(ACCOUNT)
    return Account(entry.pw_uid, entry.pw_gid)


def _entries(directory: Path) -> list[tuple[int, int, int]]:
    """The directory's access list; empty when it has only a mode, or can have nothing else."""
    if not hasattr(os, "getxattr"):  # only Linux has it
        return []
    try:
        raw = os.getxattr(directory, _ACL)
    except OSError as cause:
        if cause.errno in (errno.ENODATA, errno.EOPNOTSUPP):
            return []
        raise
    return list(_ENTRY.iter_unpack(raw[len(_ACL_VERSION) :]))


def _passes(account: Account, directory: Path) -> bool:
    entries = _entries(directory)
    mask = next((rights for tag, rights, _ in entries if tag == _MASK), 0)
    return any(
        tag == _USER and who == account.uid and rights & mask & _PASS
        for tag, rights, who in entries
    )


def _grant(account: Account, directory: Path, mode: int) -> None:
    refused = NoAccount(
        f"Postgres does not run as root, and its account may not pass through {directory}."
    )
    old = _entries(directory)
    if any(tag in (_USER, _GROUP) and who != account.uid for tag, _, who in old):
        raise refused  # a list that somebody wrote with care is theirs to change
    # A `chmod` changes a list's mask only: what it took from the group stays taken.
    group = (mode >> 3 & 7) & next((rights for tag, rights, _ in old if tag == _GROUP_OBJ), 7)
    entries = (
        (_USER_OBJ, mode >> 6 & 7, _NOBODY_IN_PARTICULAR),
        (_USER, _PASS, account.uid),
        (_GROUP_OBJ, group, _NOBODY_IN_PARTICULAR),
        (_MASK, group | _PASS, _NOBODY_IN_PARTICULAR),
        (_OTHER, mode & 7, _NOBODY_IN_PARTICULAR),
    )
    try:
        os.setxattr(directory, _ACL, _ACL_VERSION + b"".join(_ENTRY.pack(*e) for e in entries))
    except (OSError, AttributeError) as cause:  # not on this filesystem; not but on Linux
        raise refused from cause
