"""Runs the tests in three processes at once: stories at a browser, other stories of whole
installations, and everything else.

    .venv/bin/python tools/tests.py [arguments of pytest]

Stories mostly wait for processes that they started, and the other tests mostly compute, so that
two cores do all three in little more than the time of the longest. What the stories say is shown
when all have ended, below what the others said.

The parts are also kept apart because a browser's library has an event loop of its own, in which no
asynchronous test can run.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from contextlib import ExitStack

STORIES = "tests/e2e"
AT_A_BROWSER = "tests/e2e/web"
ASIDE = ((AT_A_BROWSER,), (STORIES, f"--ignore={AT_A_BROWSER}"))
REST = ("tests", f"--ignore={STORIES}")


def main(arguments: list[str]) -> int:
    """Run all parts to their ends. The exit code of the first that is not 0, or 0."""
    pytest = [sys.executable, "-m", "pytest", *arguments]
    with ExitStack() as files:
        said = [files.enter_context(tempfile.TemporaryFile()) for _ in ASIDE]
        aside = [
            subprocess.Popen([*pytest, *part], stdout=file, stderr=subprocess.STDOUT)
            for part, file in zip(ASIDE, said, strict=True)
        ]
        try:
            codes = [subprocess.run([*pytest, *REST], check=False).returncode]
            codes += [part.wait() for part in aside]
        except KeyboardInterrupt:
            for part in aside:
                part.wait()  # it was interrupted as well, and ends what it started
            return 130
        sys.stdout.flush()
        for file in said:
            file.seek(0)
            sys.stdout.buffer.write(file.read())
        sys.stdout.flush()
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
