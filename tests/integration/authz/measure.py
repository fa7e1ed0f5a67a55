"""How somebody fares who calls a root field: what they get, and whether anything is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2
from gantry.domains.people.actions import Action

from tests.integration.authz.arguments import BEFORE, QUIET, arguments
from tests.integration.authz.documents import MUTATIONS, QUERIES, document
from tests.integration.authz.table import UNASKED, Row
from tests.integration.authz.world import CALLERS, World, changed_between

REFUSED = ("UNAUTHENTICATED", "NOT_ALLOWED", "NOT_FOUND", "INVALID_TOKEN")
NOT_OFFERED = ("NOT_OFFERED", "NO_SUCH_LOGIN")
OUTSIDE = ("IDENTITY_PROVIDER_UNUSABLE",)
"""What is told to who was let in, and asked for something that is not there in these tests."""
SEEING = "sees it"
SIGNED_IN = "signed in"
ANYBODY = "-"
_NEEDED = re.compile(r"you need the ([A-Z_]+) action in space (\S+)")


@dataclass(frozen=True)
class Outcome:
    """One call's: a word of the table, what was given, the answer, and tables that changed."""

    word: str
    given: Mapping[str, Any]
    answer: Mapping[str, Any]
    changed: Sequence[str] = ()
    entries: int = 0
    """How many entries of the audit trail it left."""

    @property
    def text(self) -> str:
        """All that the caller was told and did not say itself."""
        text = json.dumps(self.answer)
        for said in sorted(_texts(self.given), key=len, reverse=True):
            text = text.replace(json.dumps(said)[1:-1], "")
        return text

    @property
    def says(self) -> str:
        """The words of the refusal."""
        return "; ".join(error["message"] for error in self.answer.get("errors", []))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(inner)


async def call(http: httpx2.AsyncClient, world: World, caller: str, name: str) -> Outcome:
    """The caller asks for the field, with everything that it would need; then all is put back."""
    field = QUERIES.get(name) or MUTATIONS[name]
    given = arguments(world, name, field)
    prepared = name in BEFORE or caller in ("only", "without")
    if name in BEFORE:
        await BEFORE[name](world, caller)
    watched = name in MUTATIONS or name in BEFORE
    noted = await world.entries() if name in MUTATIONS else 0
    before = await (world.fingerprint() if watched and prepared else world.pristine())
    stranger = caller in ("anonymous", "worker")
    body = {"query": document(name, tuple(given), stranger=stranger), "variables": given}
    response = await http.post("/graphql", json=body, headers=await world.headers(caller))
    assert response.status_code == 200, response.text
    answer = response.json()
    word = _word(answer, given, world, name)
    changed: list[str] = []
    left = await world.entries() - noted if name in MUTATIONS else 0
    if watched:
        after = await world.fingerprint()
        changed = changed_between(before, after)
        if word == "yes" and name in QUIET:
            await world.put_all_back()
        else:
            await world.put_back(after)
    return Outcome(word, given, answer, changed, left)


def _word(answer: Mapping[str, Any], given: Mapping[str, Any], world: World, name: str) -> str:
    if errors := answer.get("errors"):
        code = str(errors[0]["extensions"]["code"])
        if code in REFUSED:
            return "no"
        if code in OUTSIDE:
            return "let in"
        return "never" if code in NOT_OFFERED else code
    value = answer["data"][name]
    if name in MUTATIONS or isinstance(value, bool):
        return "none" if value is None else "yes"
    text = json.dumps(value)
    ours, theirs = ((w.mark, *w.ids.values()) for w in (world.ours, world.theirs))
    if any(mark in text for mark in ours):
        return "yes"
    if any(mark in text for mark in theirs):
        return "own"
    return "yes" if _says_something(value, set(_texts(given))) else "none"


def _says_something(value: Any, said: Collection[str]) -> bool:
    """Whether there is anything in it but emptiness, and what the caller said itself."""
    if isinstance(value, dict):
        inner = [v for k, v in value.items() if k not in ("__typename", "pageInfo")]
        return any(_says_something(one, said) for one in inner)
    if isinstance(value, list):
        return any(_says_something(one, said) for one in value)
    return value not in (None, False, 0, 0.0, "", *said)


async def row(
    http: httpx2.AsyncClient, world: World, name: str, needs: str | None
) -> tuple[Row, dict[str, Outcome]]:
    """The field's row as it is measured. Without `needs` it is guessed from what refusals say."""
    found = {
        caller: await call(http, world, caller, name)
        for caller in CALLERS
        if caller not in ("only", "without")
    }
    needs = needs or guess(found)
    if actions := [Action(word) for word in needs.split() if word in Action.__members__]:
        for caller in ("only", "without"):
            await world.give_only(actions)
            found[caller] = await call(http, world, caller, name)
        await world.put_back()
    cells = {caller: found[caller].word if caller in found else UNASKED for caller in CALLERS}
    return Row(name, needs, cells), found


def guess(found: Mapping[str, Outcome]) -> str:
    """What the field needs, as refusals name it; a person looks whether that is meant."""
    for outcome in found.values():
        if named := _NEEDED.search(outcome.says):
            action, space = named.groups()
            return f"{action} in root" if space == "root" else action
    words = {caller: outcome.word for caller, outcome in found.items()}
    if words["anonymous"] not in ("no", "none"):
        return ANYBODY
    if words["nobody"] not in ("no", "none") or (
        len({*words.values()} - {"no"}) <= 1 and words["root"] == words["nobody"]
    ):
        return SIGNED_IN
    return Action.SPACE_READ.value
