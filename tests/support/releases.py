"""Releases besides the present one, run with what is installed here: the last, and one to come."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MIGRATIONS = "packages/platform/src/gantry/infra/migrations/versions"
SCHEMA = "packages/platform/src/gantry/infra/schema.py"
PREVIOUS = "GANTRY_TEST_PREVIOUS_RELEASE"
"""A commit or tag to take for the previous release."""


class NoHistory(Exception):
    """The previous release cannot be had from here; the message says why."""


@dataclass(frozen=True)
class Release:
    """The code of a release in a directory of its own."""

    name: str
    place: Path

    @property
    def settings(self) -> dict[str, str]:
        """What makes a process run this code: it is found before what is installed."""
        return {"PYTHONPATH": os.pathsep.join(map(str, sorted(self.place.glob("packages/*/src"))))}

    @property
    def schema(self) -> str:
        """The number of its newest migration."""
        return max(path.name for path in (self.place / MIGRATIONS).glob("[0-9]*.py"))[:4]

    @property
    def starts_on_newer_schemas(self) -> bool:
        """Whether its processes do, when the schema serves them: the first releases did not."""
        return "schema_floor" in (self.place / SCHEMA).read_text()


PRESENT = Release("present", ROOT)


def release_to_come(place: Path, migrations: Mapping[str, str]) -> Release:
    """The present code and further migrations: statements by number, one after the other."""
    for source in (ROOT / "packages").glob("*/src"):
        target = place / source.relative_to(ROOT)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    made = Release("to come", place)
    for number, statements in migrations.items():
        text = MIGRATION.format(number=number, before=made.schema, statements=statements)
        (place / MIGRATIONS / f"{number}_to_come.py").write_text(text)
    return made


def previous_release(place: Path) -> Release:
    """The release before the present one, taken from the project's history.

    That is the newest tag `v*` before the present commit; while there is none, the newest commit
    with another schema than the present one. Raises NoHistory.
    """
    name = os.environ.get(PREVIOUS) or _newest_tag() or _before_the_newest_schema()
    archive = _git("archive", "--format=tar", name, "packages")
    place.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(place, filter="data")
    return Release(name, place)


def _newest_tag() -> str:
    for tag in _git("tag", "--list", "v*", "--merged", "HEAD", "--sort=-v:refname").split():
        if _git("rev-parse", f"{tag.decode()}^{{commit}}") != _git("rev-parse", "HEAD"):
            return tag.decode()
    return ""


def _before_the_newest_schema() -> str:
    """The newest commit whose schema is one that the present one has grown from: with some of the
    present migrations, not all, and none that got another number since.
    """
    present = {path.name for path in (ROOT / MIGRATIONS).glob("[0-9]*.py")}
    changes = _git("log", "--first-parent", "--format=%H", "--", MIGRATIONS).decode().split()
    for name in ["HEAD", *(f"{change}^" for change in changes)]:
        try:
            if _migrations_of(name) < present:
                return _git("rev-parse", "--verify", "--quiet", name).decode().strip()
        except NoHistory:
            break
    raise NoHistory("the history that is here begins with the present schema")


def _migrations_of(name: str) -> set[str]:
    paths = _git("ls-tree", "--name-only", name, "--", f"{MIGRATIONS}/").decode().split()
    return {path.rpartition("/")[2] for path in paths if path.rpartition("/")[2][0].isdigit()}


def _git(*arguments: str) -> bytes:
    try:
        return subprocess.run(
            ["git", "-C", str(ROOT), *arguments], capture_output=True, check=True
        ).stdout
    except FileNotFoundError:
        raise NoHistory("git is not installed") from None
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()
        raise NoHistory(f"git {arguments[0]}: {said}") from None


MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
{statements}
"""
