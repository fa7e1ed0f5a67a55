"""Which calls to the kernel a command in the sandbox may not make: a filter as bubblewrap loads it.

The filter takes away what no tool of a run needs and what holes in kernels were found behind, and
leaves everything else alone: an unknown call is none of its business. It is a program for the
kernel's classic packet filter (seccomp(2), linux/filter.h) that looks at the number of a call and
at its arguments, never at memory.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_AVAILABLE = Path("/proc/sys/kernel/seccomp/actions_avail")

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERROR = 0x7FFF0000, 0x00050000
# struct seccomp_data. Arguments have 64 bits; the kernel looks at the lower 32 of those below, and
# so do we: both machines are little-endian, the lower half comes first.
_NUMBER, _MACHINE, _ARGUMENT = 0, 4, (16, 24, 32)

_X32 = 0x40000000
"""Numbers from here on are x86_64's second set of calls, which would pass by the list below."""

_NAMESPACES = 0x7E020000
"""CLONE_NEW*: mount, cgroup, UTS, IPC, user, PID, network. In a user namespace of its own a
command would have capabilities, and with them reach parts of the kernel that others cannot."""
_TIME_NAMESPACE = 0x80  # only for unshare(2); clone(2) has the signal of the end in these bits

_TERMINAL = (0x5412, 0x541C)
"""TIOCSTI types on somebody's terminal, TIOCLINUX pastes on the console (asm/ioctls.h)."""

_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""Plain Linux, 32 bits, kernels called 2.6, and the question which it is. The others turn off
what makes holes hard to use, such as random addresses."""

_FAMILIES = (1, 2, 10)  # AF_UNIX, AF_INET, AF_INET6
_NETLINK, _ROUTE = 16, 0
"""Of netlink only its first protocol: programs ask it for addresses and routes."""

REFUSED = {
    # looking into and taking over other processes
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "process_mrelease": (448, 448),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    # other views of the file system, and files that are not in this one
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "open_tree_attr": (467, 467),
    "move_mount": (429, 429),
    "mount_setattr": (442, 442),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "setns": (308, 268),
    # programs inside the kernel, and work it does out of sight of this filter
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    # the kernel's keys, which no namespace separates
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # the machine itself: its log, its modules, its clock, its end
    "syslog": (103, 116),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    # where in the machine's memory pages lie
    "mbind": (237, 235),
    "set_mempolicy": (238, 237),
    "set_mempolicy_home_node": (450, 450),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    # left over from earlier machines and kernels
    "lookup_dcookie": (212, 18),
    "nfsservctl": (180, 42),
    "modify_ldt": (154, None),
    "iopl": (172, None),
    "ioperm": (173, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
    "create_module": (174, None),
    "get_kernel_syms": (177, None),
    "query_module": (178, None),
}
"""Refused whatever their arguments: numbers on x86_64 and aarch64 (asm/unistd_64.h,
asm-generic/unistd.h)."""

LOOKED_AT = {
    "clone": (56, 220),
    "clone3": (435, 435),
    "unshare": (272, 97),
    "ioctl": (16, 29),
    "personality": (135, 92),
    "socket": (41, 198),
    "socketpair": (53, 199),
}
"""Refused for some arguments, numbered as above."""


@dataclass(frozen=True, slots=True)
class _Machine:
    """A processor's name in `struct seccomp_data` (linux/audit.h) and its column above."""

    audit: int
    column: int


_MACHINES = {"x86_64": _Machine(0xC000003E, 0), "aarch64": _Machine(0xC00000B7, 1)}


def why_not() -> str | None:
    """None when commands can be filtered here, else the reason why not."""
    if platform.machine() not in _MACHINES:
        return f"there is no list of calls for {platform.machine()}"
    if not _AVAILABLE.exists():
        return "the kernel was built without seccomp filters"
    return None


@cache
def program(machine: str) -> bytes:
    """The filter for a machine: an array of `struct sock_filter`. Raises KeyError for others.

    Refused calls fail with EPERM. Two fail otherwise, because programs know what to do then:
    sockets of other families as if the kernel had none (EAFNOSUPPORT), and clone3 as if it were
    older (ENOSYS): what it is asked for lies in memory, and the C library asks clone instead.
    """
    found = _MACHINES[machine]
    numbers = {name: columns[found.column] for name, columns in {**REFUSED, **LOOKED_AT}.items()}
    steps = [
        _load(_MACHINE),
        # Calls of another machine have other numbers: 32-bit programs do not run.
        *_unless(_EQUAL, found.audit, _refuse()),
        _load(_NUMBER),
        *(_when(_AT_LEAST, _X32, _refuse()) if machine == "x86_64" else ()),
    ]
    for name in REFUSED:
        if (number := numbers[name]) is not None:
            steps += _when(_EQUAL, number, _refuse())
    for name, body in _bodies().items():
        steps += _when(_EQUAL, numbers[name], body)
    return b"".join(struct.pack("=HBBI", *step) for step in (*steps, _allow()))


_Step = tuple[int, int, int, int]


def _bodies() -> dict[str, list[_Step]]:
    """What is done about the calls that are looked at; each ends in an answer."""
    sockets = [
        _load(_ARGUMENT[0]),
        *(step for family in _FAMILIES for step in _when(_EQUAL, family, [_allow()])),
        *_unless(_EQUAL, _NETLINK, _refuse(errno.EAFNOSUPPORT)),
        _load(_ARGUMENT[2]),
        *_when(_EQUAL, _ROUTE, [_allow()]),
        *_refuse(errno.EAFNOSUPPORT),
    ]
    return {
        "clone3": _refuse(errno.ENOSYS),
        "clone": [_load(_ARGUMENT[0]), *_when(_ANY_BIT, _NAMESPACES, _refuse()), _allow()],
        "unshare": [
            _load(_ARGUMENT[0]),
            *_when(_ANY_BIT, _NAMESPACES | _TIME_NAMESPACE, _refuse()),
            _allow(),
        ],
        "ioctl": [_load(_ARGUMENT[1]), *_one_of(_TERMINAL, _refuse()), _allow()],
        "personality": [_load(_ARGUMENT[0]), *_one_of(_PERSONALITIES, [_allow()]), *_refuse()],
        "socket": sockets,
        "socketpair": sockets,
    }


def _load(offset: int) -> _Step:
    return (_LOAD, 0, 0, offset)


def _allow() -> _Step:
    return (_RETURN, 0, 0, _ALLOW)


def _refuse(error: int = errno.EPERM) -> list[_Step]:
    return [(_RETURN, 0, 0, _ERROR | error)]


def _when(test: int, value: int | None, body: list[_Step]) -> list[_Step]:
    """The body if the test holds, else on behind it. Jumps reach 255 steps; bodies have a few."""
    if value is None:
        return []
    return [(test, 0, len(body), value), *body]


def _unless(test: int, value: int, body: list[_Step]) -> list[_Step]:
    return [(test, len(body), 0, value), *body]


def _one_of(values: Iterable[int], body: list[_Step]) -> list[_Step]:
    return [step for value in values for step in _when(_EQUAL, value, body)]
