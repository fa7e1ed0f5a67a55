"""Stacks are found as clients search for them, in the order that they ask for."""

from __future__ import annotations

import pytest
from gantry.domains.stacks import repo
from gantry.domains.stacks import service as stacks
from gantry.domains.stacks.vendors import opentofu
from gantry.kernel.paging import MAX_PAGE, BadCursor, BadSearch
from gantry.kernel.search import Order, Predicate, Search

from tests.integration.stacks.test_stacks import create, find, lock
from tests.support.given import (
    ADMIN,
    given_a_pool,
    given_a_run,
    given_a_stack,
    given_a_worker,
)


@pytest.fixture
async def three(core):
    """Stacks named Alpha, Beta and Gamma that differ in everything that is searched by."""
    pool = await given_a_pool(core)
    alpha = await given_a_stack(
        core,
        pool,
        "Alpha",
        labels=["bacon", "cabbage"],
        project_root="infra/",
        namespace="acme",
        administrative=True,
    )
    vendor, config = opentofu({}, [])
    await create(
        core,
        "Beta",
        labels=["bacon"],
        branch="dev",
        repository="100%_real",
        vendor=vendor,
        vendor_config=config,
        description="the second letter",
    )
    gamma = await create(core, "Gamma", disabled=True)
    await lock(core, gamma)
    worker = await given_a_worker(core, pool)
    await worker.plan(await given_a_run(core, alpha))
    return pool


def strings(field, *values, exclude=False):
    return Predicate(field, strings=values, exclude=exclude)


def enums(field, *values, exclude=False):
    return Predicate(field, enums=values, exclude=exclude)


def booleans(field, *values, exclude=False):
    return Predicate(field, booleans=values, exclude=exclude)


FOUND = [
    ([], "Alpha Beta Gamma"),
    ([strings("name", "Alpha", "Gamma")], "Alpha Gamma"),
    ([strings("name", "alpha")], ""),  # matching is exact
    ([strings("name", "Alpha", exclude=True)], "Beta Gamma"),
    ([strings("slug", "beta")], "Beta"),
    ([strings("label", "bacon")], "Alpha Beta"),
    ([strings("label", "bacon"), strings("label", "cabbage")], "Alpha"),
    ([strings("label", "bacon", "cabbage")], "Alpha Beta"),
    ([strings("labels", "bac")], ""),
    ([strings("label", "bacon", exclude=True)], "Gamma"),
    ([strings("label")], ""),
    ([strings("branch", "dev")], "Beta"),
    ([strings("repository", "source")], "Alpha Gamma"),
    ([strings("repository", "acme/source")], "Alpha"),
    ([strings("repository", "100%_real")], "Beta"),
    ([strings("projectRoot", "infra")], "Alpha"),
    ([strings("projectRoot", "infra/")], "Alpha"),
    ([strings("projectRoot", "")], "Beta Gamma"),
    ([strings("space", "root")], "Alpha Beta Gamma"),
    ([enums("vendor", "Terraform")], "Alpha Gamma"),
    ([enums("vendor", "OpenTofu")], "Beta"),
    ([enums("vendor", "Terraform", "OpenTofu")], "Alpha Beta Gamma"),
    ([enums("vendor", "nonsense")], ""),
    ([enums("state", "NONE")], "Beta Gamma"),
    ([enums("state", "FINISHED")], "Alpha"),
    ([enums("state", "NONE", exclude=True)], "Alpha"),
    ([booleans("locked", True)], "Gamma"),
    ([booleans("locked", False)], "Alpha Beta"),
    ([booleans("locked", True, False)], "Alpha Beta Gamma"),
    ([booleans("locked")], ""),
    ([booleans("locked", True, exclude=True)], "Alpha Beta"),
    ([booleans("administrative", True)], "Alpha"),
    ([booleans("isDisabled", True)], "Gamma"),
    ([strings("branch", "main"), booleans("locked", False)], "Alpha"),
]


async def test_stacks_are_found_by_what_clients_search_by(core, three):
    cases = [
        *FOUND,
        ([strings("workerPool", three.id)], "Alpha"),
        ([strings("workerPool", three.id, exclude=True)], "Beta Gamma"),
        ([strings("commit", core.source.second)], "Alpha"),
        ([strings("commit", core.source.second, exclude=True)], "Beta Gamma"),
        ([strings("commit", core.source.second[:8])], ""),
    ]
    for predicates, names in cases:
        assert await find(core, *predicates) == names.split(), predicates


async def test_a_raw_git_stack_is_found_by_the_owner_in_its_address(core):
    for url in ("https://git.example.com/acme/net.git", "ssh://git@git.example.com/acme/net"):
        stack = await create(core, repository="net", repository_url=url)
        assert await find(core, strings("repository", "acme/net")) == ["Network"], url
        assert await find(core, strings("repository", "cme/net")) == [], url
        async with core.db.write(ADMIN) as tx:
            await stacks.delete(tx, await repo.lock(tx, stack.id))


WORDS = [
    ("alp", "Alpha"),
    ("ALPHA", "Alpha"),
    ("letter", "Beta"),
    ("second letter", "Beta"),
    ("letter second", "Beta"),
    ("letter alpha", ""),
    ("bacon", "Alpha Beta"),
    ("cabbage alpha", "Alpha"),
    ("%", ""),
    ("_", ""),
    ("\\", ""),
    ("   ", "Alpha Beta Gamma"),
]


async def test_words_are_looked_for_in_name_id_labels_and_description(core, three):
    for text, names in WORDS:
        assert await find(core, text=text) == names.split(), text


async def test_what_a_list_does_not_offer_is_refused_with_what_it_does(core, three):
    with pytest.raises(BadSearch, match="there are administrative, branch, commit"):
        await find(core, strings("password", "x"))
    with pytest.raises(BadSearch, match="there are createdAt, lockedAt, name, starred"):
        async with core.db.read(ADMIN) as tx:
            await repo.search(tx, Search(orders=[Order("locked_by")]))
    with pytest.raises(BadSearch, match="at most 5"):
        async with core.db.read(ADMIN) as tx:
            await repo.search(tx, Search(orders=[Order("name")] * 6))
    for first in (0, -1):
        with pytest.raises(BadSearch, match="at least 1"):
            await find(core, first=first)


UP, DOWN = False, True
NAMES = ["Eve", "Dan", "Cid", "Bob", "Ann"]
ORDERED = [
    ([], NAMES),
    ([("name", UP)], sorted(NAMES)),
    ([("name", DOWN)], sorted(NAMES)[::-1]),
    ([("createdAt", UP)], NAMES),
    ([("createdAt", DOWN)], NAMES[::-1]),
    ([("state", UP)], sorted(NAMES)),  # all are in one state: the id decides
    ([("state", DOWN)], sorted(NAMES)[::-1]),
    ([("starred", UP)], ["Ann", "Cid", "Dan", "Bob", "Eve"]),
    ([("starred", DOWN)], ["Eve", "Bob", "Dan", "Cid", "Ann"]),
    ([("starred", DOWN), ("name", UP)], ["Bob", "Eve", "Ann", "Cid", "Dan"]),
    ([("state", UP), ("starred", DOWN), ("createdAt", UP)], ["Eve", "Bob", "Dan", "Cid", "Ann"]),
    ([("name", DOWN), ("name", UP)], sorted(NAMES)[::-1]),  # the first of two counts
]


@pytest.mark.parametrize(("orders", "expected"), ORDERED)
async def test_pages_follow_one_another_without_a_gap(core, orders, expected):
    names = NAMES
    for name in names:
        stack = await create(core, name)
        if name in ("Bob", "Eve"):
            async with core.db.write(ADMIN) as tx:
                await stacks.star(tx, stack.id, star=True)

    found, after, pages = [], None, 0
    async with core.db.read(ADMIN) as tx:
        while True:
            page = await repo.search(
                tx, Search(first=2, after=after, orders=[Order(*order) for order in orders])
            )
            assert len(page.items) == len(page.cursors) <= 2
            assert page.has_previous is (after is not None)
            found += [stack.name for stack in page.items]
            pages += 1
            if not page.has_next:
                break
            after = page.cursors[-1]

    assert found == expected
    assert pages == 3


async def test_a_page_is_never_larger_than_the_largest(core):
    await create(core)
    assert await find(core, first=MAX_PAGE * 100) == ["Network"]


CURSORS = [
    "nonsense",
    "W10",  # []
    "e30",  # {}
    "WzEsIDIsIDNd",  # [1, 2, 3]
    "WzEsICJhIl0",  # [1, "a"]
    "WyJhIiwgMV0",  # ["a", 1]
    "W251bGwsIG51bGxd",  # [null, null]
    "WyIyMDIwIiwgImEiXQ",  # ["2020", "a"]
    "WyJhXHUwMDAwIiwgImEiXQ",  # ["a\\u0000", "a"]
    "WyJcdWQ4MDAiLCAiYSJd",  # ["\\ud800", "a"]
]


async def test_a_cursor_of_somebody_elses_making_is_refused(core, three):
    for cursor in CURSORS:
        with pytest.raises(BadCursor):
            async with core.db.read(ADMIN) as tx:
                await repo.search(tx, Search(after=cursor))
