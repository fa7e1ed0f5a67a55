"""What a list can be narrowed by is counted as the list is searched, for whoever asks."""

from __future__ import annotations

import pytest
from gantry.domains.people.actions import Action
from gantry.domains.runs import decisions, triggers
from gantry.domains.runs import repo as runs
from gantry.domains.runs.states import State
from gantry.domains.stacks import repo, service
from gantry.domains.stacks.vendors import BadStack
from gantry.kernel.errors import NotAllowed, NotFound
from gantry.kernel.facets import MAX_FACET_FIELDS, MAX_FACET_VALUES
from gantry.kernel.ids import new_id
from gantry.kernel.paging import BadSearch
from gantry.kernel.search import Predicate, Search
from gantry.kernel.tx import Actor

from tests.support.given import (
    ADMIN,
    ONE_CHANGE,
    READER,
    STRANGER,
    WRITER,
    everything,
    given_a_run,
    given_a_stack,
    given_a_worker,
    stack_now,
)


@pytest.fixture
async def three(core, pool):
    """Alpha and Beta of one team, Gamma of another and on the public pool; Beta is locked."""
    alpha = await given_a_stack(core, pool, "Alpha", labels=["team:a", "tier:1"])
    beta = await given_a_stack(core, pool, "Beta", labels=["team:a"], namespace="acme")
    gamma = await given_a_stack(core, None, "Gamma", labels=["team:b", "tier:1"], branch="dev")
    async with core.db.write(ADMIN) as tx:
        await service.lock(tx, beta.id, note="do not touch")
    return alpha, beta, gamma


async def counted(core, *fields, by=ADMIN, words=None, **search):
    async with core.db.read(by) as tx:
        found = await repo.suggestions(tx, Search(**search), fields, words=words)
    values = {facet.field: [(v.value, v.count) for v in facet.values] for facet in found.fields}
    return found.total, values


def strings(field, *values):
    return Predicate(field, strings=values)


async def test_every_value_is_told_with_how_many_have_it_the_most_frequent_first(core, pool, three):
    total, values = await counted(
        core, "label", "branch", "locked", "repository", "space", "state", "vendor", "workerPool"
    )

    assert total == 3
    assert values == {
        "label": [("team:a", 2), ("tier:1", 2), ("team:b", 1)],
        "branch": [("main", 2), ("dev", 1)],
        "locked": [("false", 2), ("true", 1)],
        "repository": [("source", 2), ("acme/source", 1)],
        "space": [("root", 3)],
        "state": [("NONE", 3)],
        "vendor": [("terraform", 3)],
        "workerPool": [(pool.id, 2), ("public", 1)],
    }


async def test_each_value_finds_as_many_as_were_counted(core, three):
    fields = ("label", "branch", "space", "state", "vendor", "workerPool")
    _, values = await counted(core, *fields)
    for field in fields:
        for value, count in values[field]:
            async with core.db.read(ADMIN) as tx:
                page = await repo.search(tx, Search(predicates=[strings(field, value)]))
            assert len(page.items) == count, (field, value)


async def test_other_filters_and_words_count_and_a_fields_own_choice_does_not(core, three):
    chosen = [strings("label", "team:b")]

    total, values = await counted(core, "label", "branch", predicates=chosen)
    assert (total, values["branch"]) == (1, [("dev", 1)])
    assert values["label"] == [("team:b", 1), ("team:a", 2), ("tier:1", 2)]

    total, values = await counted(core, "label", text="beta")
    assert (total, values) == (1, {"label": [("team:a", 1)]})


async def test_a_choice_that_finds_nothing_any_more_can_still_be_given_up(core, three):
    _, values = await counted(core, "label", predicates=[strings("label", "gone")], text="alpha")
    assert values["label"] == [("gone", 0), ("team:a", 1), ("tier:1", 1)]


async def test_long_lists_of_values_are_searched_by_their_words_and_names(core, pool):
    labels = [f"n:{number}" for number in range(60)]
    await given_a_stack(core, pool, "one", labels=labels)
    await given_a_stack(core, pool, "two", labels=[f"m:{number}" for number in range(60)])

    async with core.db.read(ADMIN) as tx:
        found = await repo.suggestions(tx, Search(), ["label"])
    assert (len(found.fields[0].values), found.fields[0].has_more) == (MAX_FACET_VALUES, True)

    assert (await counted(core, "label", words="N:5"))[1]["label"] == [
        ("n:5", 1),
        *((f"n:5{n}", 1) for n in range(10)),
    ]
    assert (await counted(core, "workerPool", words="BUILD"))[1]["workerPool"] == [(pool.id, 2)]
    assert (await counted(core, "space", words="nowhere"))[1]["space"] == []


async def test_only_what_one_may_see_is_counted(core, three):
    somewhere = {"elsewhere": frozenset({Action.SPACE_READ.value})}
    neighbour = Actor("user", new_id(), name="admin::nat", by_space=somewhere)
    for who in (STRANGER, neighbour):
        total, values = await counted(core, "label", "state", by=who)
        assert (total, values) == (0, {"label": [], "state": []})
    assert (await counted(core, "label", by=READER))[0] == 3

    async with core.db.write(ADMIN) as tx:
        await triggers.delete_stack(tx, core.vault, three[2].id, destroy_resources=False)
    assert (await counted(core, "branch"))[1]["branch"] == [("main", 2)]


async def test_fields_that_are_not_counted_and_too_many_of_them_are_refused(core, three):
    with pytest.raises(BadSearch, match='"name" are not counted; those of'):
        await counted(core, "name")
    with pytest.raises(BadSearch, match=f"at most {MAX_FACET_FIELDS} fields"):
        await counted(core, *["label"] * (MAX_FACET_FIELDS + 1))


# -- runs


async def test_runs_are_counted_by_their_states(core, pool, stack):
    worker = await given_a_worker(core, pool)
    first = await given_a_run(core, stack)
    await worker.plan(first, ONE_CHANGE)
    second = await given_a_run(core, stack)
    async with core.db.write(ADMIN) as tx:
        await decisions.cancel(tx, stack.id, second.id, note=None)
    third = await given_a_run(core, stack)

    async def states(by, **search):
        async with core.db.read(by) as tx:
            found = await runs.suggestions(tx, Search(**search), ["state"])
        return found.total, {v.value: v.count for v in found.fields[0].values}

    every = {"UNCONFIRMED": 1, "CANCELED": 1, "QUEUED": 1}
    assert await states(READER) == (3, every)
    assert await states(STRANGER) == (0, {})
    going_on = [Predicate("finished", booleans=[False])]
    assert await states(READER, predicates=going_on) == (2, {"UNCONFIRMED": 1, "QUEUED": 1})
    async with core.db.read(READER) as tx:
        page = await runs.search(tx, Search(first=2))
        rest = await runs.search(tx, Search(first=2, after=page.cursors[-1]))
    assert [run.id for run in (*page.items, *rest.items)] == [third.id, second.id, first.id]
    assert third.state is State.QUEUED


# -- labels


async def test_labels_come_and_go_and_nothing_else_changes(core, stack):
    async with core.db.write(ADMIN) as tx:
        await service.relabel(tx, stack.id, add=["team:a", "b"])
    async with core.db.write(WRITER) as tx:
        await service.relabel(tx, stack.id, add=["b", "c"], remove=["team:a", "never there"])

    now = await stack_now(core, stack)
    assert now.labels == ["b", "c"]
    assert (now.name, now.branch, now.pool_id) == (stack.name, stack.branch, stack.pool_id)


@pytest.mark.parametrize(
    ("by", "add", "error"),
    [
        (READER, ["fine"], NotAllowed),
        (STRANGER, ["fine"], NotFound),
        (ADMIN, [" "], BadStack),
        (ADMIN, ["two\nlines"], BadStack),
        (ADMIN, ["l" * 256], BadStack),
        (ADMIN, [str(n) for n in range(101)], BadStack),
    ],
)
async def test_labels_that_may_not_be_put_on_are_refused(core, stack, by, add, error):
    before = await everything(core)
    with pytest.raises(error):
        async with core.db.write(by) as tx:
            await service.relabel(tx, stack.id, add=add)
    assert await everything(core) == before
