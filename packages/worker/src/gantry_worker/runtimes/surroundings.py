"""What a command finds around it in the sandbox, as options for bubblewrap.

Everything starts from nothing: what is not named here does not exist inside.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gantry_worker.runtimes.supervised import HOME

WORKSPACE = Path("/mnt/workspace")
"""Where every run finds its workspace; variables of runs name it (run contract, section 2)."""

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")

CONFIGURATION = (
    # names and addresses
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/protocols",
    "/etc/services",
    # certificates to trust; not all of /etc/ssl and /etc/pki, which hold private keys as well
    "/etc/ca-certificates.conf",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/pki/tls/openssl.cnf",
    "/etc/crypto-policies",
    # programs and libraries
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/timezone",
    "/etc/mime.types",
    "/etc/os-release",
)

KERNEL = (
    # its memory, its log and where things lie in it
    *("kcore", "vmcore", "kmsg", "kallsyms", "vmallocinfo", "slabinfo", "pagetypeinfo"),
    *("kpagecount", "kpageflags", "kpagecgroup"),
    # keys and timers of everybody
    *("keys", "key-users", "timer_list", "sched_debug", "latency_stats"),
)
"""Files of /proc that tell of the machine and not of the command's own processes. Most ask only
whose user id it is, and a worker that is root would pass that on."""

MEMORY = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108 - their own, empty, gone with the command
NOBODY = 65534  # Linux's number for "a user that is not mapped"


@dataclass(frozen=True, slots=True)
class Place:
    """The directories that one run may see besides the system, absolute.

    `workspace` has its links resolved; `workspace_name` is how the worker calls it.
    """

    workspace: Path
    workspace_name: Path
    read_only: tuple[Path, ...]
    writable: tuple[Path, ...]

    def user_database(self) -> Mapping[str, str]:
        """Files that name the command's user; git and ssh look their home up in there.

        The host's own would tell who else works on this machine.
        """
        return user_database(os.getuid(), os.getgid())


def user_database(uid: int, gid: int) -> Mapping[str, str]:
    """/etc/passwd and /etc/group with one user, at home in the workspace, and nobody."""
    home = WORKSPACE / HOME
    name = "root" if uid == 0 else "gantry"
    group = "root" if gid == 0 else "gantry"
    return {
        "/etc/passwd": f"{name}:x:{uid}:{gid}::{home}:/bin/sh\n"
        f"nobody:x:{NOBODY}:{NOBODY}::/nonexistent:/usr/sbin/nologin\n",
        "/etc/group": f"{group}:x:{gid}:\nnogroup:x:{NOBODY}:\n",
    }


def inside(place: Place, path: Path) -> str:
    """The name of a host's path in the sandbox. Raises ValueError for what is not there.

    Only names are looked at: links are followed where the command follows them, inside.
    """
    plain = Path(os.path.normpath(path.absolute()))
    for workspace in (place.workspace, place.workspace_name):
        if plain.is_relative_to(workspace):
            return str(WORKSPACE / plain.relative_to(workspace))
    visible = (*place.read_only, *place.writable, *map(Path, SYSTEM))
    if any(plain.is_relative_to(root) for root in visible):
        return str(plain)
    raise ValueError(f"commands in the sandbox cannot see {path}")


def bubblewrap_options(place: Place) -> list[str]:
    """The namespaces and mounts of a command, see bwrap(1). Mounts happen in this order."""
    return [
        *("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts"),
        *("--unshare-cgroup-try", "--hostname", "gantry-run", "--cap-drop", "ALL"),
        *("--die-with-parent", "--new-session"),
        *_system(),
        *(word for path in CONFIGURATION for word in ("--ro-bind-try", path, path)),
        # Read-only, or a worker that is root would let commands set the kernel's parameters:
        # those look at the user id alone, capabilities or not.
        *("--proc", "/proc", *_covered(), "--remount-ro", "/proc"),
        *("--dev", "/dev"),
        *(word for path in MEMORY for word in ("--tmpfs", path)),
        *("--remount-ro", "/dev"),
        *_mounts(place),
    ]


def _system() -> list[str]:
    options: list[str] = []
    for path in map(Path, SYSTEM):
        if path.is_symlink():
            options += ["--symlink", str(path.readlink()), str(path)]
        else:
            options += ["--ro-bind-try", str(path), str(path)]
    return options


def _covered() -> list[str]:
    """Over each that this kernel has, a device that cannot be opened where devices may not be."""
    files = (Path("/proc", name) for name in KERNEL)
    return [word for at in files if at.exists() for word in ("--ro-bind", "/dev/null", str(at))]


def _mounts(place: Place) -> list[str]:
    """The run's own directories, outer before inner, so that none hides another."""
    mounts = [
        (place.workspace, WORKSPACE, "--bind"),
        *((path, path, "--ro-bind") for path in place.read_only),
        *((path, path, "--bind") for path in place.writable),
    ]
    mounts.sort(key=lambda mount: len(mount[1].parts))
    return [word for source, target, how in mounts for word in (how, str(source), str(target))]
