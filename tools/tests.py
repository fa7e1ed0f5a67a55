"""Runs the tests in three lanes at once, of about the same length: stories wait for processes most
of the time, so that two cores do no more, and no less.

    .venv/bin/python tools/tests.py [arguments of pytest]

What one lane says is shown as it goes; what the others said, when all have ended.

Stories at a browser are a process of their own because a browser's library has an event loop of
its own, in which no asynchronous test can run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import IO

STORIES, WITH_A_DATABASE = "tests/e2e", "tests/integration"
AT_A_BROWSER, OF_FAULTS = "tests/e2e/web", "tests/e2e/faults"
OF_RIGHTS = "tests/integration/authz"
SHOWN = ((WITH_A_DATABASE, f"--ignore={OF_RIGHTS}"),)
OTHERS = (
    ((STORIES, f"--ignore={AT_A_BROWSER}", f"--ignore={OF_FAULTS}"), (OF_RIGHTS,)),
    (
        (AT_A_BROWSER,),
        (OF_FAULTS,),
        # Whatever is in none of the other parts.
        ("tests", f"--ignore={STORIES}", f"--ignore={WITH_A_DATABASE}"),
    ),
)


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
    """Run every lane to its end. The exit code of the first part that is not 0, or 0."""
    with ExitStack() as stack:
        hands = stack.enter_context(ThreadPoolExecutor(len(OTHERS)))
        said = [stack.enter_context(tempfile.TemporaryFile()) for _ in OTHERS]
        others = [
            hands.submit(lane, parts, arguments, file)
            for parts, file in zip(OTHERS, said, strict=True)
        ]
        codes = lane(SHOWN, arguments, None)
        for other, file in zip(others, said, strict=True):
            codes += other.result()
            file.seek(0)
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.flush()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
