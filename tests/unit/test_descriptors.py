"""A server takes as many descriptors as it may have: each worker's line is one."""

from __future__ import annotations

import resource
import subprocess
import sys

START = """
import resource
_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
from gantry.apps import server
server._make_room_for_connections()
print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])
"""


def test_a_server_that_began_with_few_descriptors_has_many():
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 65_536 if hard == resource.RLIM_INFINITY else min(65_536, hard)

    said = subprocess.run(
        [sys.executable, "-c", START], capture_output=True, text=True, check=True
    ).stdout

    assert int(said.strip().splitlines()[-1]) == most
