"""Saved filters over the API: whose they are, who sees them, and who changes them."""

from __future__ import annotations

import json

import pytest
from gantry.domains.filters import rules
from gantry.domains.roles.rules import ADMIN, READER

from tests.integration.api.test_spaces_and_roles import give

CREATE = """
mutation ($input: SavedFilterInput!) {
  savedFilterCreate(input: $input) { id name type isPublic createdBy data }
}
"""
UPDATE = """
mutation ($id: ID!, $public: Boolean!, $name: String, $data: String) {
  savedFilterUpdate(id: $id, isPublic: $public, name: $name, data: $data) {
    name type isPublic createdBy data
  }
}
"""
DELETE = "mutation ($id: ID!) { savedFilterDelete(id: $id) { id } }"
ONE = "query ($id: ID!) { savedFilter(id: $id) { name } }"
LIST = "query ($type: String) { savedFilters(type: $type) { name } }"


def wanted(name="Failed", *, public=False, **more):
    data = json.dumps({"address": "f.state=FAILED"})
    return {"name": name, "type": "stacks", "isPublic": public, "data": data, **more}


async def made(caller, name="Failed", **more) -> str:
    found = await caller.ask(CREATE, input=wanted(name, **more))
    return str(found["savedFilterCreate"]["id"])


async def names(caller, kind=None) -> list[str]:
    return [one["name"] for one in (await caller.ask(LIST, type=kind))["savedFilters"]]


async def rows(core):
    return await core.rows("select id, name, public, data from saved_filter order by id")


@pytest.fixture
async def two(ada, robot):
    """Two keys that read the root space."""
    callers = []
    for name in ("bob", "eve"):
        key, caller = await robot(name)
        await give(ada, key, READER.id, "root")
        callers.append(caller)
    return callers


async def test_what_is_saved_comes_back_as_it_was_with_who_made_it(ada):
    given = wanted(data='{"any":  "thing \\u2603"}')

    found = (await ada.ask(CREATE, input=given))["savedFilterCreate"]

    assert found == {**given, "id": found["id"], "createdBy": "admin::ada"}
    assert await ada.ask(ONE, id=found["id"]) == {"savedFilter": {"name": "Failed"}}


async def test_ones_own_are_seen_by_oneself_and_public_ones_by_everybody_who_sees_something(
    ada, two, robot
):
    bob, eve = two
    _, nobody = await robot("nobody")
    mine, ours = await made(bob, "mine"), await made(bob, "ours", public=True)

    assert await names(bob) == ["mine", "ours"]
    for other in (eve, ada):
        assert await names(other) == ["ours"]
        assert await other.ask(ONE, id=mine) == {"savedFilter": None}
    assert await names(nobody) == []
    assert await nobody.ask(ONE, id=ours) == {"savedFilter": None}


async def test_they_are_listed_by_type_or_all_by_name(ada):
    await made(ada, "b")
    await made(ada, "a", type="contexts")
    await made(ada, "C")

    assert await names(ada) == ["a", "b", "C"]
    assert await names(ada, "stacks") == ["b", "C"]
    assert await names(ada, "nothing") == []


async def test_its_maker_renames_shares_and_deletes_one(core, two):
    bob, eve = two
    one = await made(bob)

    changed = (await bob.ask(UPDATE, id=one, public=True, name=" Broken ", data="[1]"))[
        "savedFilterUpdate"
    ]
    assert changed == {
        "name": "Broken",
        "type": "stacks",
        "isPublic": True,
        "createdBy": changed["createdBy"],
        "data": "[1]",
    }
    assert changed["createdBy"].startswith("api::")
    again = (await bob.ask(UPDATE, id=one, public=True))["savedFilterUpdate"]
    assert again == changed  # what is not given stays
    assert await names(eve) == ["Broken"]

    await bob.ask(DELETE, id=one)
    assert await rows(core) == []


@pytest.mark.parametrize("public", [True, False])
async def test_others_change_none(core, two, public):
    bob, eve = two
    one = await made(bob, public=public)
    before = await rows(core)
    code = "NOT_ALLOWED" if public else "NOT_FOUND"

    for document, more in ((UPDATE, {"public": True, "name": "Eve's"}), (DELETE, {})):
        assert (await eve.refusal(document, id=one, **more))[1] == code

    assert await rows(core) == before


async def test_an_admin_of_a_single_space_changes_none_of_others_either(core, ada, two, robot):
    bob, _ = two
    one = await made(bob, public=True)
    key, local = await robot("local")
    space = (
        await ada.ask(
            'mutation { spaceCreate(input: {name: "Team", description: "",'
            ' inheritEntities: true, parentSpace: "root"}) { id } }'
        )
    )["spaceCreate"]["id"]
    await give(ada, key, ADMIN.id, space)
    before = await rows(core)

    assert (await local.refusal(DELETE, id=one))[1] == "NOT_ALLOWED"
    assert await rows(core) == before


async def test_root_admins_change_public_ones_and_make_none_private(core, ada, two):
    bob, _ = two
    one = await made(bob, public=True)

    await ada.ask(UPDATE, id=one, public=True, name="Better")
    before = await rows(core)
    _, code = await ada.refusal(UPDATE, id=one, public=False)

    assert code == "NOT_ALLOWED"
    assert await rows(core) == before
    assert await names(bob) == ["Better"]
    await ada.ask(DELETE, id=one)
    assert await names(bob) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": " "}, "name has 1 to 255"),
        ({"name": "x" * 256}, "name has 1 to 255"),
        ({"type": ""}, "type has 1 to 64"),
        ({"data": "no json"}, "is a text of JSON"),
        ({"data": "[" * 5000}, "is a text of JSON"),
        ({"data": json.dumps("x" * rules.MAX_DATA)}, "at most 16384 bytes"),
    ],
)
async def test_what_cannot_be_kept_is_refused(core, ada, change, words):
    message, code = await ada.refusal(CREATE, input={**wanted(), **change})

    assert code == "BAD_FILTER"
    assert words in message
    assert await rows(core) == []


async def test_nobody_has_more_than_fit_into_a_menu(core, ada):
    await made(ada)
    await core.change(
        "insert into saved_filter select (jsonb_populate_record(f, jsonb_build_object("
        "'id', f.id || n))).* from saved_filter f, generate_series(2, :most) n",
        most=rules.MAX_OF_ONE,
    )
    before = await rows(core)

    assert (await ada.refusal(CREATE, input=wanted()))[1] == "TOO_MANY_FILTERS"
    assert await rows(core) == before


async def test_who_may_see_nothing_saves_nothing(core, robot):
    _, nobody = await robot("nobody")

    assert (await nobody.refusal(CREATE, input=wanted()))[1] == "NOT_ALLOWED"
    assert await rows(core) == []
