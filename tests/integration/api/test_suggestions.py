"""Counted values as the API tells them: with names where the values are ids."""

from __future__ import annotations

from tests.support.given import given_a_stack


async def test_the_door_names_what_has_a_name(core, ada, pool):
    for name in ("Alpha", "Beta"):
        await given_a_stack(core, pool, name)
    await given_a_stack(core, None, "Gamma")

    answer = await ada.ask(
        """{ searchStacksSuggestions(input: {fields: ["space", "workerPool"]}) {
             total fields { field hasMore values { label count } } } }"""
    )
    assert answer["searchStacksSuggestions"] == {
        "total": 3,
        "fields": [
            {"field": "space", "hasMore": False, "values": [{"label": "root", "count": 3}]},
            {
                "field": "workerPool",
                "hasMore": False,
                "values": [
                    {"label": "builders", "count": 2},
                    {"label": "Public worker pool", "count": 1},
                ],
            },
        ],
    }


async def test_a_field_that_is_not_counted_is_refused_with_those_that_are(ada):
    words, code = await ada.refusal(
        '{ searchStacksSuggestions(input: {fields: ["hooks"]}) { total } }'
    )
    assert code == "BAD_SEARCH"
    assert "branch" in words


async def test_labels_are_changed_by_the_door(ada, stack):
    answer = await ada.ask(
        """mutation ($id: ID!) { stackLabelsChange(id: $id, add: ["b", "a"], remove: ["c"]) {
             labels } }""",
        id=stack.id,
    )
    assert answer["stackLabelsChange"]["labels"] == ["a", "b"]
