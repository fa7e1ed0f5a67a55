"""The schema: who may ask for what, what is committed, and what existing clients rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from gantry.api.graphql.fields import PUBLIC, SIGNED_IN, Guard
from gantry.api.graphql.schema import schema

ROOT = Path(__file__).parents[2]
COMMITTED = ROOT / "schema.graphql"
CONTRACT = ROOT.parent / "shared" / "contract" / "check.py"
WHOLE = (
    *("account", "stacks", "runs", "state", "workers", "users", "roles", "spaces"),
    *("contexts", "audit", "webhooks", "filters"),
)
"""The parts of the contract that this release covers without a gap."""

OPEN_TO_ANYBODY = {
    "Query.viewer": "a client asks whether it is signed in; the answer to a stranger is null",
    "Query.debugInfo": "clients ask what the server understands before they sign in",
    "Mutation.apiKeyUser": "the way to sign in with an API key",
    "Mutation.managedUserRequestInvite": "whoever asks to be let in is not in yet",
    "Mutation.oauthUser": "the way to sign in with an identity provider's token",
}


def root_fields() -> dict[str, Any]:
    return {
        f"{kind}.{schema.config.name_converter.get_graphql_name(field)}": field
        for kind in ("Query", "Mutation")
        for field in schema.get_type_by_name(kind).fields
    }


def guards(field: Any) -> list[str]:
    return [extension.who for extension in field.extensions if isinstance(extension, Guard)]


@pytest.mark.parametrize("name", root_fields())
def test_every_root_field_says_who_may_ask(name: str):
    assert guards(root_fields()[name]) in ([SIGNED_IN], [PUBLIC])


def test_only_these_fields_answer_somebody_who_has_not_signed_in():
    public = {name for name, field in root_fields().items() if PUBLIC in guards(field)}

    assert public == set(OPEN_TO_ANYBODY)


def test_the_fields_that_were_looked_at_are_all_that_are_served():
    served = schema._schema

    assert served.subscription_type is None
    assert root_fields().keys() == {
        *(f"Query.{name}" for name in served.query_type.fields),
        *(f"Mutation.{name}" for name in served.mutation_type.fields),
    }


def test_the_committed_schema_is_the_served_one_and_keeps_the_contract():
    assert COMMITTED.read_text() == schema.as_str() + "\n", "run `make schema` and review the diff"

    if CONTRACT.exists():
        command = [sys.executable, str(CONTRACT), str(COMMITTED), "--missing", *WHOLE]
        checked = subprocess.run([*command, "--require", *WHOLE], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr
