"""The filter of calls, tried out step by step on both machines as the kernel would."""

import errno
import re
import struct
from pathlib import Path

import pytest
from gantry_worker.runtimes import seccomp

MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}
ALLOWED = "allowed"
CLONE_NEWUSER, CLONE_THREAD = 0x10000000, 0x3D0F00


def judged(machine, number, *arguments, audit=None):
    """What the filter says of a call: "allowed", or the error it fails with."""
    data = struct.pack(
        "=IIQ6Q", number, audit or MACHINES[machine][0], 0, *(*arguments, *[0] * 6)[:6]
    )
    steps = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    at = loaded = 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return ALLOWED if value == 0x7FFF0000 else errno.errorcode[value & 0xFFFF]
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}
            at += yes if holds[code] else no


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


def number(machine, name):
    return {**seccomp.REFUSED, **seccomp.LOOKED_AT}[name][MACHINES[machine][1]]


def test_what_is_refused_is_refused_whatever_its_arguments(machine):
    for name in seccomp.REFUSED:
        if (call := number(machine, name)) is not None:
            assert judged(machine, call) == "EPERM", name
            assert judged(machine, call, *[2**64 - 1] * 6) == "EPERM", name


def test_everything_else_is_allowed_calls_of_later_kernels_among_it(machine):
    known = {number(machine, name) for name in {**seccomp.REFUSED, **seccomp.LOOKED_AT}}

    others = [call for call in range(600) if call not in known]

    assert {judged(machine, call) for call in others} == {ALLOWED}


def test_calls_of_other_machines_are_refused(machine):
    i386, arm = 0x40000003, 0x40000028
    for other in (i386, arm):
        assert judged(machine, 20, audit=other) == "EPERM"
    assert judged("x86_64", 0x40000000 + 1) == "EPERM"  # x32's write


def test_threads_are_allowed_and_new_namespaces_are_not(machine):
    clone, unshare = number(machine, "clone"), number(machine, "unshare")

    assert judged(machine, clone, CLONE_THREAD) == ALLOWED
    assert judged(machine, clone, CLONE_NEWUSER | 17) == "EPERM"
    assert judged(machine, unshare, 0x400) == ALLOWED  # files of its own
    assert judged(machine, unshare, CLONE_NEWUSER) == "EPERM"
    assert judged(machine, unshare, 0x80) == "EPERM"  # a clock of its own
    assert judged(machine, number(machine, "clone3")) == "ENOSYS"


def test_nobody_types_on_a_terminal_whatever_stands_in_the_upper_half(machine):
    ioctl = number(machine, "ioctl")
    for request in (0x5412, 0x541C, 0x5412 | 1 << 32):
        assert judged(machine, ioctl, 0, request) == "EPERM"
    assert judged(machine, ioctl, 0, 0x5413) == ALLOWED  # the size of the window


def test_sockets_are_of_the_families_that_programs_use(machine):
    for call in (number(machine, "socket"), number(machine, "socketpair")):
        for family in (1, 2, 10):
            assert judged(machine, call, family, 1, 0) == ALLOWED
        assert judged(machine, call, 16, 3, 0) == ALLOWED  # routes
        for family, protocol in ((16, 4), (16, 12), (17, 0), (38, 0), (40, 0), (0, 0)):
            assert judged(machine, call, family, 3, protocol) == "EAFNOSUPPORT"


def test_addresses_stay_random(machine):
    personality = number(machine, "personality")
    assert judged(machine, personality, 0xFFFFFFFF) == ALLOWED
    assert judged(machine, personality, 0x0040000) == "EPERM"


def test_the_numbers_are_those_of_the_kernels_headers(machine):
    if not HEADERS[machine].exists():
        pytest.skip("the kernel's headers are not installed (Debian: linux-libc-dev)")
    text = HEADERS[machine].read_text()
    found = dict(re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", text))
    later = {"open_tree_attr"}  # than the headers of Debian 12

    for name in {*seccomp.REFUSED, *seccomp.LOOKED_AT} - later:
        ours = number(machine, name)
        assert found.get(name) == (None if ours is None else str(ours)), name
