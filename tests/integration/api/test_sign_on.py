"""People sign in with the word of the account's identity provider, and with nothing less."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from gantry.domains.identity_providers import signing_on

from tests.support.core import BASE_URL
from tests.support.forged import posted
from tests.support.identity_providers import Wanderer
from tests.support.signing_on import (
    SET_OIDC,
    SET_SAML,
    browser,
    know_group,
    nobody_came,
    oidc_input,
    problem,
    saml_input,
    sent_off,
    viewer,
)

NEW_SECRET = """
mutation ($input: OIDCInput!) { oidcUpdate(input: $input) { clientId } }
"""


@pytest.fixture
async def oidc(core, ada, providers):
    await know_group(core)
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    return Wanderer(providers)


@pytest.fixture
async def saml(core, ada, providers):
    await know_group(core)
    await ada.ask(SET_SAML, input=saml_input(providers))
    return Wanderer(providers)


async def back_from_oidc(http, wanderer, login="alice", return_to="/"):
    back = wanderer.through_oidc(await sent_off(http, return_to), login)
    return await http.get(back)


async def test_a_member_of_a_known_group_signs_in_with_openid_connect(core, nobody, oidc):
    async with browser(nobody.app) as http:
        answer = await back_from_oidc(http, oidc, return_to="/stack/one?tab=runs")

        assert (answer.status_code, answer.headers["location"]) == (303, "/stack/one?tab=runs")
        assert "HttpOnly" in answer.headers["set-cookie"]
        assert "SameSite=lax" in answer.headers["set-cookie"]
        assert "Secure" in answer.headers["set-cookie"]
        assert await viewer(http) == {
            "id": "oidc::alice",
            "login": "oidc::alice",
            "type": "user",
        }
    [(email, name, groups)] = await core.rows(
        "select email, name, groups from app_user where source = 'oidc'"
    )
    assert (email, name, groups) == (
        "alice@example.com",
        "Alice Example",
        ["Everybody", "Platform"],
    )
    entries = await core.rows("select actor from audit_entry where action = 'login'")
    assert ("oidc::alice",) in entries


async def test_whoever_was_not_invited_is_not_let_in_though_the_provider_knows_them(
    core, nobody, oidc
):
    async with browser(nobody.app) as http:
        answer = await back_from_oidc(http, oidc, "bob")

        assert problem(answer) == "NOT_INVITED"
        assert await viewer(http) is None
    assert await nobody_came(core)


async def test_a_sign_on_ends_once_and_in_the_browser_that_began_it(core, nobody, oidc):
    async with browser(nobody.app) as http, browser(nobody.app) as other:
        back = oidc.through_oidc(await sent_off(http), "alice")
        await sent_off(other)

        elsewhere = await other.get(back)
        assert problem(elsewhere) == "SIGN_ON_OVER"
        assert await viewer(other) is None
        assert await nobody_came(core)

        first = await http.get(back)
        assert problem(first) is None
        again = await http.get(back)
        assert problem(again) == "SIGN_ON_OVER"


async def test_two_windows_of_one_browser_sign_in_beside_each_other(nobody, oidc):
    async with browser(nobody.app) as http:
        first, second = await sent_off(http, "/stacks"), await sent_off(http, "/workers")

        late = await http.get(oidc.through_oidc(first, "alice"))
        assert late.headers["location"] == "/stacks"
        answer = await http.get(oidc.through_oidc(second, "alice"))
        assert answer.headers["location"] == "/workers"


async def test_a_sign_on_that_took_too_long_is_over(core, nobody, oidc):
    async with browser(nobody.app) as http:
        back = oidc.through_oidc(await sent_off(http), "alice")
        await core.change("update sign_on_attempt set expires_at = now() - interval '1 second'")

        assert problem(await http.get(back)) == "SIGN_ON_OVER"
    assert await nobody_came(core)


async def test_a_sign_on_that_was_begun_under_other_settings_does_not_end_under_these(
    core, ada, nobody, oidc, providers
):
    async with browser(nobody.app) as http:
        back = oidc.through_oidc(await sent_off(http), "alice")
        await ada.ask(NEW_SECRET, input=oidc_input(providers.address, clientSecret=""))

        assert problem(await http.get(back)) == "SIGN_ON_OVER"
        # The secret stayed, so that a new one goes through.
        assert problem(await back_from_oidc(http, oidc)) is None


@pytest.mark.parametrize(
    "query",
    ["", "?state=x&code=y", "?error=access_denied", "?code=y", "?state=%00&code=y"],
)
async def test_an_answer_to_nothing_that_was_asked_lets_nobody_in(core, nobody, oidc, query):
    async with browser(nobody.app) as http:
        await sent_off(http)

        assert problem(await http.get(f"/oidc/exchange{query}")) == "SIGN_ON_OVER"
        assert await viewer(http) is None
    assert await nobody_came(core)


async def test_a_wrong_client_secret_is_told_from_a_bad_sign_in(core, ada, nobody, oidc, providers):
    await ada.ask(NEW_SECRET, input=oidc_input(providers.address, clientSecret="another"))
    async with browser(nobody.app) as http:
        answer = await back_from_oidc(http, oidc)

        assert problem(answer) == "IDENTITY_PROVIDER_UNUSABLE"
    assert await nobody_came(core)


async def test_a_provider_that_refuses_is_told_of_until_it_is_changed_or_somebody_signs_in(
    core, ada, nobody, oidc, providers
):
    count = "{ notificationCount }"
    await ada.ask(NEW_SECRET, input=oidc_input(providers.address, clientSecret="another"))
    async with browser(nobody.app) as http:
        for _ in range(2):
            await back_from_oidc(http, oidc)
        assert await ada.ask(count) == {"notificationCount": 1}

        await ada.ask(NEW_SECRET, input=oidc_input(providers.address))
        assert await ada.ask(count) == {"notificationCount": 0}
        await core.change("update notification set closed_at = null")
        await back_from_oidc(http, oidc)
        assert await ada.ask(count) == {"notificationCount": 0}


async def test_a_member_of_a_known_group_signs_in_with_saml(core, nobody, saml):
    async with browser(nobody.app) as http:
        form = saml.through_saml(await sent_off(http, "/stacks"), "alice")
        # The provider's page posts from another site, and brings no cookie of ours.
        answer = await http.post("/saml/acs", data=form, headers={"cookie": ""})
        collect = answer.headers["location"]
        assert collect.startswith("/saml/collect?")
        assert "set-cookie" not in answer.headers

        answer = await http.get(collect)
        assert answer.headers["location"] == "/stacks"
        assert (await viewer(http))["login"] == "saml::alice"
        again = await http.get(collect)
        assert problem(again) == "SIGN_ON_OVER"
    [(email, name, groups)] = await core.rows(
        "select email, name, groups from app_user where source = 'saml'"
    )
    assert (email, name) == ("alice@example.com", "Alice Example")
    assert groups == ["Everybody", "Platform"]


async def test_saml_lets_in_nobody_who_had_somebody_else_sign_in(core, nobody, saml):
    """Ada begins, and leads Bob to the provider: his browser posts what proves him."""
    async with browser(nobody.app) as ada, browser(nobody.app) as bob:
        begun = await sent_off(ada)
        await sent_off(bob)
        answer = await bob.post("/saml/acs", data=saml.through_saml(begun, "alice"))
        given = httpx2.URL(answer.headers["location"])
        state, ticket = given.params["state"], given.params["ticket"]
        [(sealed,)] = await core.rows(
            "select answer_sealed from sign_on_attempt where answer_sealed is not null"
        )
        assert ticket.encode() not in sealed

        for guess in ({}, {"ticket": ""}, {"ticket": "x" * 43}, {"ticket": "\0"}):
            elsewhere = await ada.get("/saml/collect", params={"state": state, **guess})
            assert problem(elsewhere) == "SIGN_ON_OVER"
        assert problem(await bob.get(str(given))) == "SIGN_ON_OVER"
        assert await viewer(ada) is None
        assert await viewer(bob) is None
        assert await nobody_came(core)

        # None of that has used up what is left to who has both.
        assert problem(await ada.get(str(given))) is None
        assert (await viewer(ada))["login"] == "saml::alice"


@pytest.mark.parametrize("kind", ["image", "iframe", "empty"])
async def test_what_another_page_loads_begins_no_sign_on(core, nobody, oidc, kind):
    async with browser(nobody.app) as http:
        answer = await http.get("/sign-on", headers={"sec-fetch-dest": kind})
        assert problem(answer) == "NOT_ALLOWED"
        assert await core.rows("select 1 from sign_on_attempt") == []

        answer = await http.get("/sign-on", headers={"sec-fetch-dest": "document"})
        assert problem(answer) is None
        assert len(await core.rows("select 1 from sign_on_attempt")) == 1


async def test_many_sign_ons_at_once_are_counted_one_after_another(core, nobody, oidc, monkeypatch):
    monkeypatch.setattr(signing_on, "BEGUN_LIMIT", 3)
    async with browser(nobody.app) as http:
        answers = await asyncio.gather(*(http.get("/sign-on") for _ in range(8)))

    codes = [problem(answer) for answer in answers]
    assert sorted(codes, key=str) == [None] * 3 + ["TOO_MANY_REQUESTS"] * 5
    assert len(await core.rows("select 1 from sign_on_attempt")) == 3


async def test_a_saml_response_is_taken_once(core, nobody, saml):
    async with browser(nobody.app) as http:
        form = saml.through_saml(await sent_off(http), "alice")
        first = await http.post("/saml/acs", data=form)
        again = await http.post("/saml/acs", data=form)

        assert first.headers["location"].startswith("/saml/collect?")
        assert problem(again) == "SIGN_ON_OVER"

        # Also not for another sign-on of the same browser.
        await sent_off(http)
        assert problem(await http.post("/saml/acs", data=form)) == "SIGN_ON_OVER"
    refused = await core.rows("select actor from audit_entry where action = 'login.refused'")
    assert refused == [("saml::",), ("saml::",)]


@pytest.mark.parametrize("body", [b"", b"SAMLResponse=%%%", b"SAMLResponse=PGE%2BPC9hPg%3D%3D"])
async def test_what_is_no_saml_response_lets_nobody_in(core, nobody, saml, body):
    kind = {"content-type": "application/x-www-form-urlencoded"}
    answer = await nobody.http.post("/saml/acs", content=body, headers=kind)

    assert problem(answer) == "SIGN_ON_REFUSED"
    assert await nobody_came(core)


async def test_our_metadata_say_what_a_saml_provider_needs(nobody):
    answer = await nobody.http.get("/saml/metadata")

    assert answer.status_code == 200
    assert f'entityID="{BASE_URL}/saml/metadata"' in answer.text
    assert f'Location="{BASE_URL}/saml/acs"' in answer.text


@pytest.mark.parametrize(
    "path", ["/sign-on", "/oidc/exchange", "/github/exchange", "/saml/collect"]
)
async def test_without_a_provider_there_is_no_sign_on(nobody, path):
    assert problem(await nobody.http.get(path)) == "NO_SUCH_LOGIN"
    answer = await nobody.http.post("/saml/acs", data=posted(b"<a/>"))
    assert problem(answer) == "NO_SUCH_LOGIN"


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/\t/evil.example", "evil"],
)
async def test_signing_in_leads_nowhere_else(nobody, oidc, elsewhere):
    async with browser(nobody.app) as http:
        answer = await back_from_oidc(http, oidc, return_to=elsewhere)

        assert answer.headers["location"] == "/"


async def test_the_sign_in_page_is_told_which_ways_there_are(nobody, oidc):
    answer = await nobody.http.get("/session")

    assert answer.json() == {"password": True, "provider": "OIDC"}
