"""Members of an organization at GitHub sign in, at a browser or with a token of their own."""

from __future__ import annotations

import httpx2
import pytest

from tests.support.forged import stand_in
from tests.support.signing_on import (
    SET_GITHUB,
    browser,
    know_group,
    nobody_came,
    problem,
    sent_off,
    viewer,
)

TOKEN_USER = "mutation ($token: String!) { oauthUser(token: $token) { login jwt validUntil } }"
ACME = {"login": "acme", "id": 77}


@pytest.fixture
async def github(core, ada):
    """What GitHub's API says of somebody, by a stand-in: GitHub itself cannot be had."""
    await know_group(core)
    with stand_in() as there:
        there.by_path |= {
            "/login/oauth/access_token": {"access_token": "gho_1", "token_type": "bearer"},
            "/api/v3/user": {"id": 7, "login": "octo", "name": None},
            "/api/v3/orgs/acme": ACME,
            "/api/v3/user/memberships/orgs/acme": {"state": "active", "organization": ACME},
            "/api/v3/user/emails": [
                {"email": "old@example.com", "primary": False, "verified": True},
                {"email": "octo@example.com", "primary": True, "verified": True},
            ],
            "/api/v3/user/teams": [
                {"name": "Backend", "organization": ACME, "parent": {"name": "Platform"}},
                {"name": "Owners", "organization": {"login": "acme", "id": 78}, "parent": None},
            ],
        }
        given = {"clientId": "id", "clientSecret": "s", "organization": "acme"}
        await ada.ask(SET_GITHUB, input=given | {"address": f"{there.address}/"})
        yield there


async def come_back(http, **params):
    state = httpx2.URL(await sent_off(http, "/stacks")).params["state"]
    return await http.get("/github/exchange", params={"state": state, "code": "c"} | params)


async def test_a_member_signs_in_and_brings_the_organizations_teams(core, nobody, github):
    async with browser(nobody.app) as http:
        off = httpx2.URL(await sent_off(http))
        assert off.params["scope"] == "read:org user:email"
        assert off.params["code_challenge_method"] == "S256"

        answer = await come_back(http)

        assert answer.headers["location"] == "/stacks"
        assert (await viewer(http))["login"] == "github::octo"
    [(subject, email, groups)] = await core.rows(
        "select subject, email, groups from app_user join user_identity i on i.user_id = id"
    )
    assert (subject, email, groups) == ("7", "octo@example.com", ["Backend", "Platform"])


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/api/v3/user/memberships/orgs/acme", None),
        ("/api/v3/user/memberships/orgs/acme", {"state": "pending", "organization": ACME}),
        ("/api/v3/user/memberships/orgs/acme", {"state": "active"}),
        (
            "/api/v3/user/memberships/orgs/acme",
            {"state": "active", "organization": {"login": "acme", "id": 78}},
        ),
        ("/api/v3/user/emails", []),
        ("/api/v3/user", {"login": "octo"}),
        ("/login/oauth/access_token", {"error": "bad_verification_code"}),
    ],
)
async def test_whoever_github_does_not_vouch_for_is_not_let_in(core, nobody, github, path, said):
    github.by_path[path] = said
    async with browser(nobody.app) as http:
        assert problem(await come_back(http)) == "SIGN_ON_REFUSED"
    assert await nobody_came(core)


async def test_the_owner_of_a_personal_token_signs_in_for_an_hour(core, nobody, github):
    found = (await nobody.ask(TOKEN_USER, token="ghp_1"))["oauthUser"]

    assert found["login"] == "github::octo"
    [(now,)] = await core.rows("select extract(epoch from now())::bigint")
    assert 3500 < found["validUntil"] - now <= 3600
    asked = [one for one in github.asked if one[1].startswith("/api/v3/user")]
    assert {one[2]["authorization"] for one in asked} == {"Bearer ghp_1"}


@pytest.mark.parametrize("token", ["gho_1", "ghu_1", "ghs_1", "GHP_1", "", "a" * 40])
async def test_a_token_that_somebody_gave_to_an_application_is_not_taken(
    core, nobody, github, token
):
    before = len(github.asked)

    assert (await nobody.refusal(TOKEN_USER, token=token))[1] == "SIGN_ON_REFUSED"

    assert len(github.asked) == before
    assert await nobody_came(core)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_token_that_github_refuses_counts_as_a_guess_and_is_in_the_trail(
    core, nobody, github, status
):
    github.status["/api/v3/user"] = status

    codes = [(await nobody.refusal(TOKEN_USER, token="ghp_x"))[1] for _ in range(11)]

    assert codes == ["SIGN_ON_REFUSED"] * 10 + ["TOO_MANY_REQUESTS"]
    [(refused,)] = await core.rows(
        "select count(*) from audit_entry where action = 'login.refused'"
    )
    assert refused == 11  # also who has to wait
    assert await nobody_came(core)


async def test_a_failure_of_github_is_nobodys_guess(core, nobody, github):
    github.status["/api/v3/user"] = 500

    codes = {(await nobody.refusal(TOKEN_USER, token="ghp_x"))[1] for _ in range(11)}

    assert codes == {"IDENTITY_PROVIDER_UNUSABLE"}


async def test_an_organization_is_kept_by_its_number_and_may_change_its_name(
    core, ada, nobody, github
):
    assert (await nobody.ask(TOKEN_USER, token="ghp_1"))["oauthUser"]
    [(number,)] = await core.rows("select settings->>'organization_id' from identity_provider")
    assert number == "77"
    given = {"clientId": "other", "clientSecret": "", "address": github.address}

    github.by_path["/api/v3/orgs/acme-2"] = {"login": "acme-2", "id": 77}
    await ada.ask(SET_GITHUB, input=given | {"organization": "acme-2"})
    assert await core.rows("select subject from user_identity") == [("7",)]

    # Somebody else has the name by now.
    github.by_path["/api/v3/orgs/acme"] = {"login": "acme", "id": 78}
    await ada.ask(SET_GITHUB, input=given | {"organization": "acme"})
    assert await core.rows("select subject from user_identity") == []


async def test_where_github_does_not_tell_the_number_it_stays_and_else_the_name_counts(
    core, ada, nobody, github
):
    given = {"clientId": "id", "clientSecret": "", "address": github.address}
    github.status["/api/v3/orgs/acme"] = 401
    await ada.ask(SET_GITHUB, input=given | {"organization": "acme"})
    [(number,)] = await core.rows("select settings->>'organization_id' from identity_provider")
    assert number == "77"

    await core.change("update identity_provider set settings = settings - 'organization_id'")
    assert (await nobody.ask(TOKEN_USER, token="ghp_1"))["oauthUser"]
    github.by_path["/api/v3/user/memberships/orgs/acme"]["organization"] = {"login": "another"}
    assert (await nobody.refusal(TOKEN_USER, token="ghp_1"))[1] == "SIGN_ON_REFUSED"


async def test_an_organization_that_github_does_not_know_is_not_set_up(core, ada, github):
    given = {"clientId": "id", "clientSecret": "s", "address": github.address}

    refused = await ada.refusal(SET_GITHUB, input=given | {"organization": "acne"})

    assert refused[1] == "IDENTITY_PROVIDER_UNUSABLE"
    assert await core.rows("select settings->>'organization' from identity_provider") == [("acme",)]


async def test_a_token_that_is_nobodys_is_refused_and_guesses_are_slowed_down(core, nobody, github):
    github.by_path["/api/v3/user"] = {"message": "Bad credentials"}

    codes = [(await nobody.refusal(TOKEN_USER, token="ghp_x"))[1] for _ in range(11)]

    assert codes == ["SIGN_ON_REFUSED"] * 10 + ["TOO_MANY_REQUESTS"]
    assert await nobody_came(core)


async def test_without_github_no_personal_token_is_taken(nobody):
    message, code = await nobody.refusal(TOKEN_USER, token="x")

    assert code == "NO_SUCH_LOGIN"
    assert "unauthorized" in message
