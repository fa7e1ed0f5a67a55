"""Runs the tests in two lanes at once: stories of whole installations in one; everything else, and
then stories at a browser, in the other.

    .venv/bin/python tools/tests.py [arguments of pytest]

Two lanes keep two cores busy; a third made all of them slower than they saved. What the first lane
says is shown when both have ended, below what the other said.

Stories at a browser are a process of their own because a browser's library has an event loop of
its own, in which no asynchronous test can run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile

STORIES = "tests/e2e"
AT_A_BROWSER = "tests/e2e/web"
BESIDE = (STORIES, f"--ignore={AT_A_BROWSER}")
IN_TURN = (("tests", f"--ignore={STORIES}"), (AT_A_BROWSER,))


def main(arguments: list[str]) -> int:
    """Run both lanes to their ends. The exit code of the first part that is not 0, or 0."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with tempfile.TemporaryFile() as said:
        beside = subprocess.Popen([*pytest, *BESIDE], stdout=said, stderr=subprocess.STDOUT)
        try:
            codes = [subprocess.run([*pytest, *part], check=False).returncode for part in IN_TURN]
            codes.append(beside.wait())
        except KeyboardInterrupt:
            beside.wait()  # it was interrupted as well, and ends what it started
            return 130
        said.seek(0)
        sys.stdout.flush()
        sys.stdout.buffer.write(said.read())
        sys.stdout.flush()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
