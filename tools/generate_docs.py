"""Write docs/reference/ from the code it describes, so that the two cannot differ.

    python tools/generate_docs.py           writes the pages
    python tools/generate_docs.py --check   writes nothing; exits 1 and names the pages that differ

`--root` works on another copy of the tree.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reference import errors, jobs, limits, runs, settings

PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/errors.md": errors.errors_page,
    "docs/reference/jobs.md": jobs.jobs_page,
    "docs/reference/limits.md": limits.limits_page,
    "docs/reference/runs.md": runs.runs_page,
    "docs/reference/settings.md": settings.settings_page,
    # What the web application explains at /help/errors.
    "ui/src/features/help/errors.json": errors.errors_data,
}


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with `--check` say which are stale. The exit code."""
    parser = argparse.ArgumentParser(description="Write docs/reference/ from the code.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if stale")
    parser.add_argument("--root", type=Path, default=Path(__file__).parent.parent)
    asked = parser.parse_args(arguments)
    stale = False
    for name, make in PAGES.items():
        path, text = asked.root / name, make()
        if path.is_file() and path.read_text() == text:
            continue
        stale = True
        if asked.check:
            print(f"{name} is stale; run: python tools/generate_docs.py", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"wrote {name}")
    return 1 if asked.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
