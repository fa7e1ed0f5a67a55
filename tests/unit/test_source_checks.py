"""What is said of a source and a version before a stack is made, and how often it is looked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from gantry.domains.stacks import checks
from gantry.domains.stacks.checks import Checks, Source, Standing
from gantry.domains.stacks.model import Vendor
from gantry.kernel.errors import TooMany
from gantry.kernel.tx import Actor
from gantry.ports.sources import Refs, RepositoryUnreachable, Tree

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADA, WIM = Actor("user", "ada"), Actor("user", "wim")
SHA = "a" * 40
TREE = Tree(
    directories=frozenset({"", "net", "net/core", "docs", "only"}),
    links=frozenset({"short"}),
    terraform=frozenset({"net/core"}),
    opentofu=frozenset({"net/core", "only"}),
    complete=True,
)


class Stand:
    """Stands in for Git: a repository with two branches, which may keep people waiting."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.looks, self.trees, self.most = 0, 0, 0

    def check_branch(self, branch: str) -> None:
        pass

    async def refs(self, url: str, branch: str | None) -> Refs:
        self.looks += 1
        self.most = max(self.most, self.looks)
        try:
            await self.open.wait()
        finally:
            self.looks -= 1
        if url == "gone":
            raise RepositoryUnreachable("It is gone.")
        return Refs(("main", "side"), True, "main", SHA if branch == "main" else None)

    async def tree(self, url: str, sha: str, *, branch: str) -> Tree:
        self.trees += 1
        return TREE


def source(**changes):
    given = {"repository_url": "url", "branch": "main", "project_root": "net/core"}
    return Source(**{**given, **changes})


async def look(made, stand, who=ADA, now=NOW, **changes):
    return await made.look(stand, who, source(**changes), now=now)


async def test_each_setting_has_its_own_answer_as_far_as_can_be_looked():
    made, stand = Checks(), Stand()

    found = await look(made, stand)
    standings = [one.standing for one in (found.repository, found.branch, found.project_root)]
    assert standings == [Standing.OK] * 3
    assert (found.sha, found.default_branch) == (SHA, "main")
    assert found.directories == ("net/core",)

    found = await look(made, stand, branch="mian")
    assert found.branch.standing is Standing.PROBLEM
    assert found.branch.sentence == "The repository has no branch or tag “mian”."
    assert found.branch.code == "NO_SUCH_REF"
    assert found.branches == ("main", "side")
    assert found.project_root is None

    found = await look(made, stand, repository_url="gone")
    assert (found.repository.sentence, found.repository.code) == (
        "It is gone.",
        "REPOSITORY_UNREACHABLE",
    )
    assert (found.branch, found.project_root, found.branches) == (None, None, ())


@pytest.mark.parametrize(
    ("root", "vendor", "standing"),
    [
        ("net/core/", Vendor.TERRAFORM, Standing.OK),
        ("./net//core", Vendor.TERRAFORM, Standing.OK),
        ("only", Vendor.OPENTOFU, Standing.OK),
        ("only", Vendor.TERRAFORM, Standing.WARNING),
        ("", Vendor.TERRAFORM, Standing.WARNING),
        ("net/cor", Vendor.TERRAFORM, Standing.PROBLEM),
        ("../net", Vendor.TERRAFORM, Standing.PROBLEM),
        ("/net", Vendor.TERRAFORM, Standing.PROBLEM),
        ("short/core", Vendor.TERRAFORM, Standing.UNKNOWN),
    ],
)
async def test_a_project_root_has_to_be_a_directory_with_code(root, vendor, standing):
    found = await look(Checks(), Stand(), project_root=root, vendor=vendor)

    assert found.project_root.standing is standing


async def test_directories_of_a_commit_are_looked_at_once():
    made, stand = Checks(), Stand()

    for root in ("n", "ne", "net"):
        await look(made, stand, project_root=root)

    assert stand.trees == 1


async def test_a_third_check_of_one_person_takes_the_place_of_the_oldest():
    made, stand = Checks(), Stand()
    stand.open.clear()

    first, second = (asyncio.create_task(look(made, stand)) for _ in range(2))
    other = asyncio.create_task(look(made, stand, who=WIM))
    await asyncio.sleep(0)
    third = asyncio.create_task(look(made, stand))
    with pytest.raises(TooMany, match="taken the place"):
        await first
    stand.open.set()

    for kept in (second, third, other):
        assert (await kept).branch.standing is Standing.OK
    assert not made._running


async def test_whoever_goes_away_ends_the_look():
    made, stand = Checks(), Stand()
    stand.open.clear()
    asked = asyncio.create_task(look(made, stand))
    while not stand.looks:
        await asyncio.sleep(0)

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.sleep(0)

    assert (stand.looks, made._running) == (0, {})


async def test_a_server_looks_at_few_repositories_at_a_time():
    made, stand = Checks(), Stand()
    stand.open.clear()
    people = [Actor("user", f"{n}") for n in range(checks.MAX_CHECKS_OF_ALL + 3)]
    asked = [asyncio.create_task(look(made, stand, who=who)) for who in people]
    for _ in range(10):
        await asyncio.sleep(0)
    assert stand.looks == checks.MAX_CHECKS_OF_ALL

    stand.open.set()
    await asyncio.gather(*asked)
    assert stand.most == checks.MAX_CHECKS_OF_ALL


async def test_checks_are_counted_by_person_and_minute():
    made, stand = Checks(), Stand()
    for _ in range(checks.MAX_CHECKS_A_MINUTE):
        await look(made, stand)

    with pytest.raises(TooMany):
        await look(made, stand)
    await look(made, stand, who=WIM)
    await look(made, stand, now=NOW + timedelta(minutes=1))


async def test_a_repository_that_does_not_answer_is_given_up():
    stand = Stand()
    stand.open.clear()

    found = await look(Checks(patience=0), stand)

    assert found.repository.standing is Standing.PROBLEM
    assert "could not be read within" in found.repository.sentence


def test_what_holds_the_typed_letters_comes_first_and_not_too_much_of_it():
    names = [f"feature/{n:03}" for n in range(200)]

    assert checks.suggested(["b", "main", "a"], "", first="main") == ("main", "a", "b")
    assert checks.suggested(["x-net", "a", "net"], "NET")[:2] == ("net", "x-net")
    assert len(checks.suggested(names, "feature")) == checks.MAX_SUGGESTIONS


@pytest.mark.parametrize(
    ("constraint", "offered", "used", "standing", "resolved"),
    [
        (None, [], [], Standing.OK, None),
        ("~> 1.5", ["1.5.7", "1.9.0"], ["1.11.0"], Standing.OK, "1.9.0"),
        ("1.6.0", ["1.5.7"], ["1.6.0"], Standing.PROBLEM, None),
        (">= 1.5", [], ["1.5.7", "1.11.4"], Standing.OK, "1.11.4"),
        ("1.5.7", [], ["1.11.4"], Standing.UNKNOWN, "1.5.7"),
        (">= 2", [], ["1.11.4"], Standing.UNKNOWN, None),
        (">= 2, < 1", [], ["1.11.4"], Standing.PROBLEM, None),
        ("newest", ["1.5.7"], [], Standing.PROBLEM, None),
        ("1.5,", [], [], Standing.PROBLEM, None),
    ],
)
def test_a_version_comes_to_what_is_offered_or_was_used(
    constraint, offered, used, standing, resolved
):
    found, version = checks.version(Vendor.TERRAFORM, constraint, offered=offered, used=used)

    assert (found.standing, version) == (standing, resolved)


def test_a_version_that_nobody_has_looked_for_is_told_as_such():
    found, _ = checks.version(Vendor.TERRAFORM, "1.5.7", offered=[], used=["1.11.4"])

    assert "Nobody has looked whether there is Terraform 1.5.7" in found.sentence
    assert "this installation lists no versions" in found.sentence
    assert found.sentence.endswith("Lately workers have used 1.11.4.")
