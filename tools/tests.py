"""Runs the tests in two lanes at once, of about the same length: two cores do no more.

    .venv/bin/python tools/tests.py [arguments of pytest]

What the first lane says is shown when both have ended, below what the other said.

Stories at a browser are a process of their own because a browser's library has an event loop of
its own, in which no asynchronous test can run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import IO

STORIES, AT_A_BROWSER, WITH_A_DATABASE = "tests/e2e", "tests/e2e/web", "tests/integration"
FIRST = (
    (STORIES, f"--ignore={AT_A_BROWSER}"),
    # Whatever is in none of the other parts.
    ("tests", f"--ignore={STORIES}", f"--ignore={WITH_A_DATABASE}"),
)
SECOND = ((WITH_A_DATABASE,), (AT_A_BROWSER,))


def lane(
    parts: tuple[tuple[str, ...], ...], arguments: list[str], said: IO[bytes] | None
) -> list[int]:
    """Run the parts one after the other; their exit codes."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    return [
        subprocess.run(
            [*pytest, *part], stdout=said, stderr=None if said is None else subprocess.STDOUT
        ).returncode
        for part in parts
    ]


def main(arguments: list[str]) -> int:
    """Run both lanes to their ends. The exit code of the first part that is not 0, or 0."""
    with tempfile.TemporaryFile() as said, ThreadPoolExecutor(1) as hand:
        first = hand.submit(lane, FIRST, arguments, said)
        codes = lane(SECOND, arguments, None) + first.result()
        said.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
        sys.stdout.flush()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
