"""Root admins say who vouches for people, and a mistake of theirs locks nobody out for good."""

from __future__ import annotations

import pytest

from tests.integration.api.conftest import PASSWORD
from tests.support.core import BASE_URL
from tests.support.forged import stand_in
from tests.support.identity_providers import Wanderer
from tests.support.signing_on import (
    SET_GITHUB,
    SET_OIDC,
    SET_SAML,
    browser,
    know_group,
    oidc_input,
    problem,
    saml_input,
    sent_off,
    viewer,
)

SETTINGS = """
{
  hasSSO
  oidcSettings { clientId providerUrl redirectUrl changedBy }
  samlSettings { metadata dynamic nameIdFormat provider }
  githubSignOnSettings { clientId organization address }
}
"""
NOTHING = {
    "hasSSO": False,
    "oidcSettings": None,
    "samlSettings": None,
    "githubSignOnSettings": None,
}
UPDATE_OIDC = "mutation ($input: OIDCInput!) { oidcUpdate(input: $input) { providerUrl } }"
UPDATE_SAML = "mutation ($input: SAMLInput!) { samlUpdate(input: $input) { nameIdFormat } }"
DELETE_OIDC = "mutation { oidcDelete { clientId } }"
DELETE_SAML = "mutation { samlDelete { entityId } }"
ADDRESSES = "{ signOnAddresses { oidcRedirectUrl samlAcsUrl samlEntityId githubRedirectUrl } }"


async def signed_in(http, providers):
    back = Wanderer(providers).through_oidc(await sent_off(http), "alice")
    assert problem(await http.get(back)) is None
    assert await viewer(http) is not None


async def test_settings_are_kept_and_shown_without_the_secret(core, ada, providers):
    assert await ada.ask(SETTINGS) == NOTHING

    made = (await ada.ask(SET_OIDC, input=oidc_input(providers.address)))["oidcCreate"]

    assert made["redirectUrl"] == f"{BASE_URL}/oidc/exchange"
    assert await ada.ask(SETTINGS) == NOTHING | {
        "hasSSO": True,
        "oidcSettings": {
            "clientId": "gantry",
            "providerUrl": providers.address,
            "redirectUrl": f"{BASE_URL}/oidc/exchange",
            "changedBy": "admin::ada",
        },
    }
    [(settings, sealed)] = await core.rows(
        "select settings::text, secret_sealed from identity_provider"
    )
    assert "secret" not in settings
    assert b"secret of" not in sealed
    [(action, body)] = await core.rows(
        "select action, body from audit_entry where action like 'sign_on.%'"
    )
    assert action == "sign_on.oidc_create"
    assert providers.address in body
    assert "secret of" not in body


async def test_there_is_one_provider_at_a_time(core, ada, providers):
    await ada.ask(SET_SAML, input=saml_input(providers))

    for document, given in (
        (SET_OIDC, oidc_input(providers.address)),
        (SET_SAML, saml_input(providers)),
    ):
        assert (await ada.refusal(document, input=given))[1] == "CONFLICT"
    with stand_in() as there:
        there.by_path["/api/v3/orgs/acme"] = {"login": "acme", "id": 77}
        given = {"clientId": "a", "clientSecret": "b", "organization": "acme"}
        refused = await ada.refusal(SET_GITHUB, input=given | {"address": there.address})
        assert refused[1] == "CONFLICT"
    assert (await ada.refusal(DELETE_OIDC))[1] == "NOT_FOUND"
    assert (await ada.refusal(UPDATE_OIDC, input=oidc_input(providers.address)))[1] == "NOT_FOUND"

    assert await core.rows("select kind from identity_provider") == [("SAML",)]
    await ada.ask(DELETE_SAML)
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))


async def test_only_root_admins_see_or_change_who_vouches(core, ada, robot, nobody, providers):
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    _, key = await robot()

    assert (await key.ask("{ hasSSO }")) == {"hasSSO": True}
    for document in ("{ oidcSettings { clientId } }", ADDRESSES, DELETE_OIDC):
        assert (await key.refusal(document))[1] == "NOT_ALLOWED"
        assert (await nobody.refusal(document))[1] == "UNAUTHENTICATED"
    given = oidc_input("http://127.0.0.1:1")
    # Nobody else has us ask an address.
    assert (await key.refusal(UPDATE_OIDC, input=given))[1] == "NOT_ALLOWED"
    [(kept,)] = await core.rows("select settings->>'provider_url' from identity_provider")
    assert kept == providers.address


@pytest.mark.parametrize("how", ["deleted", "changed", "another client"])
async def test_with_the_provider_go_the_sessions_of_its_people_and_no_others(
    core, ada, nobody, providers, how
):
    await know_group(core)
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    async with browser(nobody.app) as http:
        await signed_in(http, providers)

        if how == "deleted":
            await ada.ask(DELETE_OIDC)
        elif how == "another client":
            await ada.ask(UPDATE_OIDC, input=oidc_input(providers.address, clientId="other"))
        else:
            with stand_in() as other:
                other.by_path["/.well-known/openid-configuration"] = {
                    "issuer": other.address,
                    "authorization_endpoint": f"{other.address}/a",
                    "token_endpoint": f"{other.address}/t",
                    "jwks_uri": f"{other.address}/j",
                }
                await ada.ask(UPDATE_OIDC, input=oidc_input(other.address))

        assert await viewer(http) is None
    assert (await ada.ask("{ viewer { login } }"))["viewer"] == {"login": "admin::ada"}
    # The password goes on opening the door.
    again = await nobody.http.post("/session", json={"username": "ada", "password": PASSWORD})
    assert again.status_code == 200


async def test_at_another_address_the_secret_has_to_be_entered_again(core, ada, providers):
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    before = await core.rows("select settings::text, secret_sealed from identity_provider")
    with stand_in() as other:
        other.by_path["/.well-known/openid-configuration"] = {
            "issuer": other.address,
            "authorization_endpoint": f"{other.address}/a",
            "token_endpoint": f"{other.address}/t",
            "jwks_uri": f"{other.address}/j",
        }
        given = oidc_input(other.address, clientSecret="")
        message, code = await ada.refusal(UPDATE_OIDC, input=given)

    assert code == "BAD_IDENTITY_PROVIDER"
    assert "client secret" in message
    assert await core.rows("select settings::text, secret_sealed from identity_provider") == before


async def test_a_slash_at_the_end_makes_no_other_provider(core, ada, nobody, providers):
    await know_group(core)
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    async with browser(nobody.app) as http:
        await signed_in(http, providers)
        given = oidc_input(f"{providers.address}/", clientSecret="")
        await ada.ask(UPDATE_OIDC, input=given)

        assert await viewer(http) is not None


async def test_a_new_client_secret_ends_no_session(core, ada, nobody, providers):
    await know_group(core)
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    async with browser(nobody.app) as http:
        await signed_in(http, providers)
        await ada.ask(UPDATE_OIDC, input=oidc_input(providers.address, clientSecret="fresh"))

        assert await viewer(http) is not None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"clientId": " "}, "BAD_IDENTITY_PROVIDER"),
        ({"clientSecret": ""}, "BAD_IDENTITY_PROVIDER"),
        ({"providerUrl": "javascript:alert(1)"}, "BAD_IDENTITY_PROVIDER"),
        ({"providerUrl": "https://user:pass@example.com"}, "BAD_IDENTITY_PROVIDER"),
        ({"providerUrl": "http://127.0.0.1:1"}, "IDENTITY_PROVIDER_UNUSABLE"),
    ],
)
async def test_settings_that_cannot_work_are_refused_at_once(core, ada, providers, changes, code):
    given = oidc_input(providers.address, **changes)

    assert (await ada.refusal(SET_OIDC, input=given))[1] == code
    assert await core.rows("select 1 from identity_provider") == []


async def test_a_provider_that_calls_itself_otherwise_is_refused(core, ada):
    with stand_in() as there:
        there.by_path["/.well-known/openid-configuration"] = {"issuer": "https://another.example"}

        message, code = await ada.refusal(SET_OIDC, input=oidc_input(there.address))

    assert code == "IDENTITY_PROVIDER_UNUSABLE"
    assert "another address" in message


@pytest.mark.parametrize(
    "metadata",
    [
        "<a/>",
        "no xml",
        '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>',
        '<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="x"/>',
    ],
)
async def test_metadata_that_cannot_be_used_are_refused(core, ada, providers, metadata):
    given = saml_input(providers, metadata=metadata, dynamic=False)

    message, code = await ada.refusal(SET_SAML, input=given)

    assert code == "IDENTITY_PROVIDER_UNUSABLE"
    assert "metadata" in message
    assert await core.rows("select 1 from identity_provider") == []


async def test_attributes_are_mapped_once_and_to_ours(ada, providers):
    for mappings in (
        [{"idpAttribute": "a", "attribute": "Roles"}],
        [{"idpAttribute": "a", "attribute": "Teams"}] * 2,
        [{"idpAttribute": "", "attribute": "Teams"}],
    ):
        given = saml_input(providers, attributeMappings=mappings)
        assert (await ada.refusal(SET_SAML, input=given))[1] == "BAD_IDENTITY_PROVIDER"


async def test_an_admin_learns_which_addresses_to_enter_at_the_provider(ada):
    assert (await ada.ask(ADDRESSES))["signOnAddresses"] == {
        "oidcRedirectUrl": f"{BASE_URL}/oidc/exchange",
        "githubRedirectUrl": f"{BASE_URL}/github/exchange",
        "samlAcsUrl": f"{BASE_URL}/saml/acs",
        "samlEntityId": f"{BASE_URL}/saml/metadata",
    }


async def test_old_sign_ons_are_forgotten(core, ada, nobody, providers):
    await ada.ask(SET_OIDC, input=oidc_input(providers.address))
    async with browser(nobody.app) as http:
        await sent_off(http)
        await core.change("update sign_on_attempt set expires_at = now() - interval '1 hour'")
        await core.change("insert into used_assertion values ('a', now() - interval '1 hour')")
        await sent_off(http)

    from gantry.domains.identity_providers import service
    from gantry.kernel.tx import SYSTEM

    async with core.db.write(SYSTEM) as tx:
        await service.forget_old(tx)

    assert len(await core.rows("select 1 from sign_on_attempt")) == 1
    assert await core.rows("select 1 from used_assertion") == []
