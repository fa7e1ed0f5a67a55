"""Runs the tests in two processes at once: stories of whole installations, and everything else.

    .venv/bin/python tools/tests.py [arguments of pytest]

Stories mostly wait for processes that they started, and the other tests mostly compute, so that
two cores do both in little more than the time of the longer half. What the stories say is shown
when they have ended, below what the others said.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

STORIES = "tests/e2e"


def main(arguments: list[str]) -> int:
    """Run both halves to their ends. The exit code of the first that is not 0, or 0."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with tempfile.TemporaryFile() as said:
        stories = subprocess.Popen([*pytest, STORIES], stdout=said, stderr=subprocess.STDOUT)
        try:
            rest = subprocess.run([*pytest, "tests", f"--ignore={STORIES}"], check=False)
            stories.wait()
        except KeyboardInterrupt:
            stories.wait()  # it was interrupted as well, and ends what it started
            return 130
        said.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
        sys.stdout.flush()
    return rest.returncode or stories.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
