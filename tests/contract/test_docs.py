"""The documentation: what is made from the code is current, and what is written leads somewhere."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gantry.apps.settings import Settings
from gantry_worker.settings import WorkerSettings

ROOT = Path(__file__).parents[2]
GENERATOR = ROOT / "tools" / "generate_docs.py"
WRITTEN = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
VARIABLE = re.compile(r"\bGANTRY_[A-Z][A-Z_]*\b")


def generate(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GENERATOR), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def anchors(path: Path) -> set[str]:
    """The places in a page that a link can name, as they are made from its headings."""
    headings = HEADING.findall(FENCED.sub("", path.read_text()))
    words = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings)
    return {text.replace(" ", "-") for text in words}


def test_the_reference_says_what_the_code_says() -> None:
    checked = generate("--check")

    assert checked.returncode == 0, checked.stderr


def test_a_page_that_differs_from_the_code_is_named_and_left_alone(tmp_path: Path) -> None:
    for folder in ("docs/reference", "ui/src/features/help"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    page = tmp_path / "docs" / "reference" / "jobs.md"
    page.write_text("what somebody thought")

    checked = generate("--check", "--root", str(tmp_path))

    assert checked.returncode == 1
    assert [line.split()[0] for line in checked.stderr.splitlines()] == ["docs/reference/jobs.md"]
    assert page.read_text() == "what somebody thought"


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for link in LINK.findall(FENCED.sub("", path.read_text())):
        if "://" in link:
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place).resolve() if place else path

        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_every_variable_of_ours_that_is_written_about_is_a_setting(path: Path) -> None:
    fields = [*Settings.model_fields.values(), *WorkerSettings.model_fields.values()]
    known = {str(field.validation_alias) for field in fields}

    assert set(VARIABLE.findall(path.read_text())) <= known


def test_every_decision_is_in_the_list() -> None:
    folder = ROOT / "docs" / "adr"
    decisions = {path.name for path in folder.glob("[0-9]*.md")}

    assert decisions == set(LINK.findall((folder / "README.md").read_text()))


def test_every_code_that_the_page_on_limits_promises_is_an_error() -> None:
    reference = ROOT / "docs" / "reference"
    code = re.compile(r"`([A-Z]+(?:_[A-Z]+)+)`")
    variables = set(re.findall(r"^\| `([A-Z_]+)`", (reference / "settings.md").read_text(), re.M))
    promised = set(code.findall((reference / "limits.md").read_text())) - variables

    assert promised
    assert promised <= set(code.findall((reference / "errors.md").read_text()))
