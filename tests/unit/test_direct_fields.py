"""Fields that are resolved by one call answer as the library alone would."""

from __future__ import annotations

import enum
from typing import Any

import pytest
import strawberry
from gantry.api.graphql.direct import Direct, Executor, read_directly


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"


class Broken(Exception):
    pass


@strawberry.type
class Thing:
    number: int

    @strawberry.field
    def name(self) -> str:
        return f"thing {self.number}"

    @strawberry.field
    def colours(self) -> list[Colour]:
        return [Colour.RED, Colour.RED]

    @strawberry.field
    def absent(self) -> str | None:
        return None

    @strawberry.field
    def holes(self) -> list[str | None]:
        return ["a", None]

    @strawberry.field
    def part(self) -> Thing:
        return Thing(number=self.number + 1)

    @strawberry.field
    def twice(self, times: int = 2) -> int:
        return self.number * times

    @strawberry.field
    async def later(self) -> int:
        return self.number

    @strawberry.field
    def promised_in_vain(self) -> str:
        return None  # type: ignore[return-value]

    @strawberry.field
    def broken(self) -> str | None:
        raise Broken("it broke")

    @strawberry.field
    def misfit(self) -> int | None:
        return "no number"  # type: ignore[return-value]


@strawberry.type
class Query:
    @strawberry.field
    def things(self) -> list[Thing]:
        return [Thing(number=1), Thing(number=2)]

    @strawberry.field
    def maybe(self) -> Thing | None:
        return Thing(number=1)


THEIRS = strawberry.Schema(Query)
OURS = strawberry.Schema(Query, execution_context_class=Executor)
read_directly(OURS._schema)


async def _answers(question: str) -> tuple[Any, Any]:
    ours, theirs = await OURS.execute(question), await THEIRS.execute(question)
    shown = [
        (answer.data, [(e.message, e.path, str(e.original_error)) for e in answer.errors or []])
        for answer in (ours, theirs)
    ]
    return shown[0], shown[1]


@pytest.mark.parametrize(
    "fields",
    [
        "number name colours absent holes",
        "called: name __typename part { name part { name } }",
        "twice(times: 5) later name",
    ],
)
async def test_what_is_there_is_shown(fields: str):
    ours, theirs = await _answers("{ things { FIELDS } }".replace("FIELDS", fields))

    assert ours == theirs
    assert ours[1] == []


@pytest.mark.parametrize("field", ["promisedInVain", "broken", "misfit"])
async def test_what_cannot_be_shown_is_an_error_at_its_place(field: str):
    ours, theirs = await _answers("{ maybe { name FIELD } }".replace("FIELD", field))

    assert ours == theirs
    assert len(ours[1]) == 1


def test_only_fields_that_take_nothing_else_are_resolved_by_one_call():
    fields = OURS._schema.type_map["Thing"].fields

    direct = {name for name, field in fields.items() if isinstance(field.resolve, Direct)}

    assert direct == {
        *("name", "colours", "absent", "holes", "part", "promisedInVain", "broken", "misfit"),
    }
