"""The web application as it is built: what a browser gets first, and that the package brings it."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from gantry.api.pages.application import BUILT

PLATFORM = Path(__file__).parents[2] / "packages" / "platform"
MANIFEST = BUILT / ".vite" / "manifest.json"

FIRST_LOAD = 300 * 1024
"""Bytes of the scripts that show the list of stacks, each with gzip's level 9: the aim of
`bench interface`, which counts what a browser fetches."""
ENTRY, LIST = "index.html", "src/features/stacks/StacksPage.tsx"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    """What the bundler made of each module that begins a file."""
    if not MANIFEST.is_file():
        pytest.skip("the web application is not built: run tools/bootstrap.sh ui")
    made: dict[str, Any] = json.loads(MANIFEST.read_text())
    return made


def scripts(manifest: dict[str, Any], *modules: str) -> set[str]:
    """The files of the modules, and of all that they import before they run."""
    found: set[str] = set()
    ahead = list(modules)
    seen: set[str] = set()
    while ahead:
        module = ahead.pop()
        if module not in seen:
            seen.add(module)
            found.add(manifest[module]["file"])
            ahead += manifest[module].get("imports", [])
    return found


def test_the_first_load_of_the_list_stays_below_its_limit(manifest):
    files = scripts(manifest, ENTRY, LIST)
    sizes = {file: len(gzip.compress((BUILT / file).read_bytes(), 9)) for file in files}

    assert len(files) > 1
    assert sum(sizes.values()) <= FIRST_LOAD, sorted(sizes.items(), key=lambda one: -one[1])


def test_the_package_brings_the_application(manifest, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=PLATFORM,
        check=True,
        capture_output=True,
    )

    [wheel] = tmp_path.glob("gantry_platform-*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    built = {path.relative_to(BUILT).as_posix() for path in BUILT.rglob("*") if path.is_file()}
    assert {"index.html", ".vite/manifest.json", manifest[ENTRY]["file"]} <= built
    assert {f"gantry/api/pages/built/{name}" for name in built} <= inside
