"""API keys over the API: in groups, made by admins of single spaces, and without a secret."""

from __future__ import annotations

import time

import pytest
from gantry.domains.people.service import FAILURES_ALLOWED
from gantry.domains.roles.rules import ADMIN, READER
from gantry.kernel.ids import new_id

from tests.integration.api.conftest import Caller
from tests.integration.api.test_people import CREATE, DELETE, EXCHANGE, as_key, made
from tests.integration.api.test_spaces_and_roles import GIVE, give, space
from tests.integration.api.test_users import LEVELS, group, levels, rule
from tests.support.token_issuer import CLIENT

FEDERATED = """
mutation ($input: ApiKeyInput!) {
  apiKeyCreate(input: $input) {
    id type secret teams
    oidcSettings {
      issuer clientId subjectExpression claimMapping { entries { name value } }
    }
  }
}
"""
UPDATE = """
mutation ($id: ID!, $input: ApiKeyUpdateInput!) {
  apiKeyUpdate(id: $id, input: $input) {
    name teams teamCount oidcSettings { claimMapping { entries { name value } } }
  }
}
"""
KEYS = """
select 'key', row::text from api_key row
union all select 'traits', row::text from api_key_traits row
union all select 'binding', row::text from role_binding row
union all select 'management', row::text from management row order by 1, 2
"""


@pytest.fixture
def federated(ada, token_issuer):
    """Makes keys for tokens of the issuer."""

    async def make(**more):
        oidc = {
            "issuer": token_issuer.url,
            "clientId": CLIENT,
            "subjectExpression": "repo:acme/.*",
            **more,
        }
        given = {"name": "ci", "admin": False, "teams": [], "oidc": oidc}
        return (await ada.ask(FEDERATED, input=given))["apiKeyCreate"]

    return make


async def exchange(ada, key, token):
    nobody = Caller(ada.http, ada.app)
    found = (await nobody.ask(EXCHANGE, id=key["id"], secret=token))["apiKeyUser"]
    return None if found is None else Caller(ada.http, ada.app, found["jwt"])


# -- groups


async def test_a_key_in_a_group_may_do_what_the_group_was_given(ada):
    await group(ada, "makers", rule("root", "WRITE"))
    key = await made(ada, teams=["makers", "others"])
    assert (key["teams"], key["teamCount"]) == (["makers", "others"], 2)
    robot = await as_key(ada, key)
    assert await levels(robot) == {"root": "WRITE"}

    changed = await ada.ask(UPDATE, id=key["id"], input={"teams": ["others"]})

    assert changed["apiKeyUpdate"]["teams"] == ["others"]
    assert await levels(robot) == {}


async def test_a_key_shows_what_it_was_given(ada):
    team = await space(ada, "Team")
    key = await made(ada)
    binding = await give(ada, key["id"], READER.id, team)
    await give(ada, key["id"], "01J0000000000000000P00CTR0", team)
    document = """
    query ($id: ID!) { apiKey(id: $id) {
      accessRules { space spaceAccessLevel } spaceCount
      apiKeyRoleBindings { id role { slug } spaceID apiKeyID }
    } }
    """

    found = (await ada.ask(document, id=key["id"]))["apiKey"]

    assert found["accessRules"] == [rule(team, "READ")]
    assert found["spaceCount"] == 1
    assert [one["role"]["slug"] for one in found["apiKeyRoleBindings"]] == [
        "space-reader",
        "worker-pool-controller",
    ]
    assert found["apiKeyRoleBindings"][0]["id"] == binding
    mighty = await made(ada, admin=True)
    assert mighty["accessRules"] == [rule("root", "ADMIN")]


# -- admins of single spaces


@pytest.fixture
async def tim(ada, robot):
    """The admin of one space: (the space, the id, the caller)."""
    team = await space(ada, "Team")
    key, caller = await robot("tim")
    await give(ada, key, ADMIN.id, team)
    return team, key, caller


async def let_them(ada, *, enable: bool = True):
    await ada.ask(
        "mutation ($to: Boolean!) { apiKeyEnableNonRootManagers(enable: $to) }", to=enable
    )


async def test_admins_of_spaces_make_keys_only_when_the_account_lets_them(ada, tim, core):
    _, _, caller = tim
    before = await core.rows(KEYS)
    assert await caller.ask("{ apiKeysManagedByNonRootAdmins }") == {
        "apiKeysManagedByNonRootAdmins": False
    }
    given = {"name": "ours", "admin": False, "teams": []}

    assert (await caller.refusal(CREATE, input=given))[1] == "NOT_ALLOWED"
    assert (await caller.refusal("{ apiKeys { id } }"))[1] == "NOT_ALLOWED"

    assert await core.rows(KEYS) == before


async def test_an_admin_of_a_space_makes_keys_that_reach_no_further(ada, tim, core):
    team, _, caller = tim
    await let_them(ada)
    theirs = await made(ada, name="theirs")
    key = await made(caller, name="ours")

    await give(caller, key["id"], ADMIN.id, team)

    assert await levels(await as_key(ada, key)) == {team: "ADMIN"}
    assert [one["id"] for one in (await caller.ask("{ apiKeys { id } }"))["apiKeys"]] == [key["id"]]
    before = await core.rows(KEYS)
    oidc = {
        "issuer": "https://example.com",
        "clientId": "x",
        "subjectExpression": "x",
        "claimMappings": {"entries": [{"name": "teams", "value": "groups"}]},
    }
    for mighty in ({"admin": True}, {"teams": ["admins"]}, {"oidc": oidc}):
        given = {"name": "more", "admin": False, "teams": [], **mighty}
        assert (await caller.refusal(CREATE, input=given))[1] == "NOT_ALLOWED"
    for document, variables in (
        (UPDATE, {"id": key["id"], "input": {"teams": ["admins"]}}),
        (UPDATE, {"id": theirs["id"], "input": {"name": "mine"}}),
        (DELETE, {"id": theirs["id"]}),
        ("query ($id: ID!) { apiKey(id: $id) { id } }", {"id": theirs["id"]}),
    ):
        assert (await caller.refusal(document, **variables))[1] == "NOT_ALLOWED"
    root = await caller.refusal(GIVE, key=key["id"], role=READER.id, space="root")
    assert root[1] in ("NOT_ALLOWED", "NOT_FOUND")
    assert await core.rows(KEYS) == before


async def test_whoever_made_a_key_deletes_it_whatever_they_may_do_now(ada, tim, core):
    _, key_id, caller = tim
    await let_them(ada)
    key = await made(caller, name="ours")
    await let_them(ada, enable=False)
    await core.change("delete from role_binding where subject_id = :id", id=key_id)
    assert await levels(caller) == {}

    renamed = await caller.ask(UPDATE, id=key["id"], input={"name": "old"})
    assert renamed["apiKeyUpdate"]["name"] == "old"
    assert (await caller.ask(DELETE, id=key["id"]))["apiKeyDelete"]["deleted"]

    assert await as_key(ada, key) is None


async def test_somebody_without_any_space_makes_no_key_even_then(ada, robot, core):
    await let_them(ada)
    _, caller = await robot()
    before = await core.rows(KEYS)

    given = {"name": "ours", "admin": False, "teams": []}
    assert (await caller.refusal(CREATE, input=given))[1] == "NOT_ALLOWED"

    assert await core.rows(KEYS) == before


# -- keys without a secret


async def test_a_token_of_an_issuer_is_exchanged_for_ours(ada, federated, token_issuer, core):
    key = await federated()
    assert key == {
        "id": key["id"],
        "type": "OIDC",
        "secret": None,
        "teams": [],
        "oidcSettings": {
            "issuer": token_issuer.url,
            "clientId": CLIENT,
            "subjectExpression": "repo:acme/.*",
            "claimMapping": {"entries": []},
        },
    }
    await give(ada, key["id"], READER.id, "root")
    token = token_issuer.token()

    # The same token again: programs that renew theirs do so.
    for _ in range(2):
        assert await levels(await exchange(ada, key, token)) == {"root": "READ"}

    ((until,),) = await core.rows(
        "select max(extract(epoch from expires_at))::bigint from session where api_key_id = :id",
        id=key["id"],
    )
    assert abs(until - time.time() - 3600) < 60
    trail = await core.rows("select action, actor from audit_entry where action = 'login'")
    assert ("login", f"api::{key['id']}") in trail


async def test_a_token_that_is_not_believed_opens_nothing_and_is_told(
    ada, federated, token_issuer, core
):
    key = await federated()
    nobody = Caller(ada.http, ada.app)
    wrong = token_issuer.token(sub="repo:evil/infra")

    message, code = await nobody.refusal(EXCHANGE, id=key["id"], secret=wrong)

    assert code == "UNTRUSTED_TOKEN"
    assert message == "unauthorized: the key is not for whom the token speaks of"
    assert await core.rows("select 1 from session where api_key_id = :id", id=key["id"]) == []
    told = "select actor, body from audit_entry where action = 'login.refused'"
    ((actor, body),) = await core.rows(told)
    assert actor == f"api::{key['id']}"
    assert "not for whom" in str(body)


async def test_who_tries_too_many_tokens_waits(core, ada, federated, token_issuer):
    key = await federated()
    nobody = Caller(ada.http, ada.app)
    for _ in range(FAILURES_ALLOWED):
        assert (await nobody.refusal(EXCHANGE, id=key["id"], secret="x"))[1] == "UNTRUSTED_TOKEN"

    refused = await nobody.refusal(EXCHANGE, id=key["id"], secret=token_issuer.token())

    assert refused[1] == "TOO_MANY_REQUESTS"
    told = "select count(*) from audit_entry where action = 'login.refused' and actor = :key"
    assert await core.rows(told, key=f"api::{key['id']}") == [(FAILURES_ALLOWED + 1,)]


async def test_claims_that_are_mapped_put_the_session_into_groups(ada, federated, token_issuer):
    await group(ada, "makers", rule("root", "WRITE"))
    await group(ada, "readers", rule("root", "READ"))
    key = await federated(claimMappings={"entries": [{"name": "teams", "value": "groups"}]})
    said = token_issuer.token(teams=["makers", 7, "", None, "x" * 300, "a\0b"], groups=["x"])
    maker = await exchange(ada, key, said)
    reader = await exchange(ada, key, token_issuer.token(teams="readers"))
    other = await exchange(ada, key, token_issuer.token(groups=["makers"], teams={"makers": 1}))

    assert await levels(maker) == {"root": "WRITE"}
    assert await levels(reader) == {"root": "READ"}
    assert await levels(other) == {}

    cleared = await ada.ask(UPDATE, id=key["id"], input={"oidcClaimMappings": {"entries": []}})

    assert cleared["apiKeyUpdate"]["oidcSettings"]["claimMapping"]["entries"] == []
    assert await levels(maker) == await levels(reader) == {}


async def test_a_key_without_a_secret_that_expired_or_went_opens_nothing(
    ada, federated, token_issuer, core
):
    key = await federated()
    await core.change("update api_key set expires_at = now()")
    assert await exchange(ada, key, token_issuer.token()) is None
    await core.change("update api_key set expires_at = null")
    robot = await exchange(ada, key, token_issuer.token())

    await ada.ask(DELETE, id=key["id"])

    assert (await robot.refusal(LEVELS))[1] == "UNAUTHENTICATED"
    assert await exchange(ada, key, token_issuer.token()) is None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": "http://issuer.test"}, "BAD_TRUST"),
        ({"issuer": "https://127.0.0.1"}, "ADDRESS_REFUSED"),
        ({"subjectExpression": "("}, "BAD_TRUST"),
        ({"clientId": ""}, "BAD_TRUST"),
        ({"claimMappings": {"entries": [{"name": "sub", "value": "admin"}]}}, "BAD_API_KEY"),
    ],
    ids=str,
)
async def test_a_key_that_nothing_can_be_checked_by_is_not_made(
    ada, token_issuer, core, change, code
):
    oidc = {
        "issuer": token_issuer.url,
        "clientId": CLIENT,
        "subjectExpression": "x",
        **change,
    }
    given = {"name": "ci", "admin": False, "teams": [], "oidc": oidc}

    assert (await ada.refusal(FEDERATED, input=given))[1] == code

    assert await core.rows("select 1 from api_key") == []


async def test_a_key_with_a_secret_takes_no_token_and_one_without_no_secret(
    ada, federated, token_issuer
):
    secret = await made(ada)
    assert await exchange(ada, secret, token_issuer.token()) is None
    refused = await ada.refusal(
        UPDATE,
        id=secret["id"],
        input={"oidcClaimMappings": {"entries": [{"name": "teams", "value": "groups"}]}},
    )
    assert refused[1] == "BAD_API_KEY"
    nobody = Caller(ada.http, ada.app)
    key = await federated()
    for nothing in ("", secret["secret"]):
        refused = await nobody.refusal(EXCHANGE, id=key["id"], secret=nothing)
        assert refused[1] == "UNTRUSTED_TOKEN"
    assert await exchange(ada, {"id": new_id()}, token_issuer.token()) is None
