"""Whatever somebody makes of a provider's word, it lets in nobody but whom the provider named."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import timedelta

import httpx2
import pytest
from gantry.infra.provider_calls import FRESH, REMEMBERED, Calls
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from lxml import etree

from tests.support.core import BASE_URL
from tests.support.forged import (
    NAMES,
    SAML,
    Response,
    posted,
    request_id,
    sign,
    sign_assertion,
    stand_in,
    wrapped,
)
from tests.support.identity_providers import CLIENT_ID, signing_key
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

OURS = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
THEIRS = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
STRANGER = signing_key()

# ---------------------------------------------------------------- OpenID Connect


@pytest.fixture
async def oidc(core, ada):
    """A provider that says what a test wants."""
    await know_group(core)
    with stand_in() as there:
        there.by_path["/.well-known/openid-configuration"] = {
            "issuer": there.address,
            "authorization_endpoint": f"{there.address}/auth",
            "token_endpoint": f"{there.address}/token",
            "jwks_uri": f"{there.address}/jwks",
            "userinfo_endpoint": f"{there.address}/me",
            "scopes_supported": ["openid", "email", "groups"],
        }
        there.by_path["/me"] = {"sub": "1"}
        there.by_path["/jwks"] = {"keys": [OURS.as_dict(private=False)]}
        await ada.ask(SET_OIDC, input=oidc_input(there.address))
        yield there


def claims(there, nonce, now):
    return {
        "iss": there.address,
        "aud": CLIENT_ID,
        "sub": "1",
        "nonce": nonce,
        "iat": now,
        "exp": now + 60,
        "email": "alice@example.com",
        "preferred_username": "alice",
        "groups": ["Platform"],
    }


async def come_back(core, http, there, make):
    """The browser comes back, and the provider answers its code with the token that `make` makes
    of good claims."""
    params = dict((await _query(http)).items())
    [(now,)] = await core.rows("select extract(epoch from now())::bigint")
    token = make(claims(there, params["nonce"], int(now)))
    there.by_path["/token"] = {"access_token": "a", "token_type": "bearer", "id_token": token}
    return await http.get("/oidc/exchange", params={"state": params["state"], "code": "c"})


async def _query(http):
    return httpx2.URL(await sent_off(http)).params


def signed(said, key=OURS, alg="RS256"):
    return jwt.encode({"alg": alg, "kid": "one"}, said, key, algorithms=[alg])


def unsigned(said):
    header, body, _ = signed(said).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    return f"{header}.{body}."


def with_public_key_as_secret(said):
    header, body, _ = signed(said).split(".")
    header = base64.urlsafe_b64encode(b'{"alg":"HS256","kid":"one"}').rstrip(b"=").decode()
    text = f"{header}.{body}".encode()
    digest = hmac.digest(OURS.as_pem(private=False), text, "sha256")
    return f"{text.decode()}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


BAD_TOKENS = {
    "expired": lambda said: signed(said | {"exp": said["iat"] - 61, "iat": said["iat"] - 120}),
    "from the future": lambda said: signed(said | {"iat": said["iat"] + 120}),
    "for another audience": lambda said: signed(said | {"aud": "another"}),
    "for several, and meant for another": lambda said: signed(
        said | {"aud": [CLIENT_ID, "another"], "azp": "another"}
    ),
    "by another issuer": lambda said: signed(said | {"iss": "https://another.example"}),
    "with another nonce": lambda said: signed(said | {"nonce": "another"}),
    "without a nonce": lambda said: signed({k: v for k, v in said.items() if k != "nonce"}),
    "without an end": lambda said: signed({k: v for k, v in said.items() if k != "exp"}),
    "without a subject": lambda said: signed({k: v for k, v in said.items() if k != "sub"}),
    "with the hash of another token": lambda said: signed(said | {"at_hash": "AAAA"}),
    "signed by another key": lambda said: signed(said, THEIRS),
    "not signed": unsigned,
    "signed with our public key as a secret": with_public_key_as_secret,
    "signed with the client secret": lambda said: signed(
        said, OctKey.import_key("a secret of: the client & ours"), "HS256"
    ),
    "no token": lambda said: "x",
    "missing": lambda said: None,
}


async def test_a_good_token_lets_somebody_in(core, nobody, oidc):
    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, signed)) is None
        assert (await viewer(http))["login"] == "oidc::alice"
    (_, _, headers, body) = next(asked for asked in oidc.asked if asked[1] == "/token")
    assert "code_verifier=" in body
    assert "secret" not in body
    assert headers["authorization"].startswith("Basic ")


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_no_other_token_does(core, nobody, oidc, make):
    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, make)) == "SIGN_ON_REFUSED"
        assert await viewer(http) is None
    assert await nobody_came(core)


async def test_a_provider_that_speaks_of_two_people_is_not_believed(core, nobody, oidc):
    oidc.by_path["/me"] = {"sub": "2", "email": "bob@example.com", "groups": ["Platform"]}
    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, signed)) == "SIGN_ON_REFUSED"
    assert await nobody_came(core)


async def test_a_provider_without_an_address_of_the_person_is_refused(core, nobody, oidc):
    def anonymous(said):
        return signed({k: v for k, v in said.items() if k != "email"})

    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, anonymous)) == "SIGN_ON_REFUSED"
    assert await nobody_came(core)


@pytest.mark.parametrize(
    ("told", "said", "email", "verified"),
    [
        ({"email": "victim@example.com"}, {"email_verified": True}, "alice@example.com", True),
        ({"email_verified": True}, {}, "alice@example.com", False),
        ({"email": "a@example.com"}, {"email_verified": False}, "a@example.com", False),
        ({"email": "a@example.com", "email_verified": "true"}, {}, "a@example.com", True),
    ],
)
async def test_an_address_is_verified_by_who_tells_it(
    core, nobody, oidc, sign_on, told, said, email, verified
):
    found = []
    finish = sign_on.oidc.finish

    async def listened(*given, **named):
        found.append(await finish(*given, **named))
        return found[-1]

    sign_on.oidc.finish = listened
    oidc.by_path["/me"] = {"sub": "1", **told}
    async with browser(nobody.app) as http:
        await come_back(core, http, oidc, lambda good: signed(good | said))

    assert [(one.email, one.email_verified) for one in found] == [(email, verified)]


async def test_an_address_that_is_not_verified_is_nobodys_name(core, nobody, oidc):
    nameless = {"preferred_username": None}
    async with browser(nobody.app) as http:
        await come_back(core, http, oidc, lambda good: signed(good | nameless))
        assert (await viewer(http))["login"] == "oidc::1"


@pytest.mark.parametrize("crit", [5, None, [[]]], ids=str)
async def test_a_malformed_head_is_refused_and_in_the_trail(core, nobody, oidc, crit):
    def malformed(said):
        head = json.dumps({"alg": "RS256", "kid": "one", "crit": crit}).encode()
        head = base64.urlsafe_b64encode(head).rstrip(b"=").decode()
        return ".".join([head, *signed(said).split(".")[1:]])

    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, malformed)) == "SIGN_ON_REFUSED"
    refused = await core.rows("select actor from audit_entry where action = 'login.refused'")
    assert refused == [("oidc::",)]


ODD_KEYS = [7, {"kty": "RSA"}, {"kty": "EC", "crv": [], "x": 1}, {"kty": "OKP", "crv": "no"}]


async def test_odd_keys_beside_a_good_one_change_nothing(core, nobody, oidc):
    oidc.by_path["/jwks"] = {"keys": [*ODD_KEYS, OURS.as_dict(private=False)]}
    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, signed)) is None


@pytest.mark.parametrize("listed", [7, "none", {"kty": "RSA"}, None], ids=str)
async def test_keys_that_are_no_list_let_nobody_in(core, nobody, oidc, listed):
    oidc.by_path["/jwks"] = {"keys": listed}
    async with browser(nobody.app) as http:
        assert problem(await come_back(core, http, oidc, signed)) == "SIGN_ON_REFUSED"


async def test_a_redirect_takes_the_secret_to_no_other_origin(core, nobody, oidc):
    document = oidc.by_path["/.well-known/openid-configuration"]
    document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    with stand_in() as other:
        other.by_path["/token"] = {}
        oidc.leads["/token"] = f"{other.address}/token"
        async with browser(nobody.app) as http:
            answer = await come_back(core, http, oidc, signed)

        assert problem(answer) in ("SIGN_ON_REFUSED", "IDENTITY_PROVIDER_UNUSABLE")
        assert other.asked == []
    assert await nobody_came(core)


# ---------------------------------------------------------------- SAML


@pytest.fixture
async def saml(core, ada, providers):
    await know_group(core)
    await ada.ask(SET_SAML, input=saml_input(providers))
    return providers


async def post(http, providers, make, **how):
    """The browser posts what `make` makes of a good response to its request."""
    answers = request_id(await sent_off(http))
    good = Response(providers.saml_metadata, BASE_URL, answers, **how)
    answer = await http.post("/saml/acs", data=posted(make(good, providers.saml_key)))
    if answer.headers["location"].startswith("/saml/collect?"):
        answer = await http.get(answer.headers["location"])
    return answer


def good(response, key):
    return response.signed(key)


def whole_response_signed(response, key):
    return sign(response.build(), key)


def changed(path, **attributes):
    def change(response):
        element = response.find(f".//{path}", NAMES)
        for name, value in attributes.items():
            element.attrib.pop(name, None)
            if value is not None:
                element.set(name, value)

    return lambda response, key: response.signed(key, change)


def with_text(path, text):
    def change(response):
        response.find(f".//{path}", NAMES).text = text

    return lambda response, key: response.signed(key, change)


def without(path):
    def change(response):
        element = response.find(f".//{path}", NAMES)
        element.getparent().remove(element)

    return lambda response, key: response.signed(key, change)


def changed_after_signing(response, key):
    made = response.signed(key)
    made.find(".//saml:NameID", NAMES).text = "mallory"
    return made


def signature_of_another(response, key):
    return response.signed(STRANGER)


def with_a_comment(response, key):
    made = response.signed(key)
    name = made.find(".//saml:NameID", NAMES)
    name.text = "alice"
    comment = etree.Comment("cut here")
    comment.tail = ".evil.example"
    name.append(comment)
    return made


def with_entities(response, key):
    text = etree.tostring(response.signed(key)).decode()
    return f'<!DOCTYPE r [<!ENTITY name "alice">]>{text}'.encode()


def with_sha1(response, key):
    text = etree.tostring(response.signed(key)).decode()
    return text.replace("2001/04/xmldsig-more#rsa-sha256", "2000/09/xmldsig#rsa-sha1").encode()


def with_hmac(response, key):
    text = etree.tostring(response.signed(key)).decode()
    return text.replace("#rsa-sha256", "#hmac-sha256").encode()


def two_assertions(response, key):
    made = response.signed(key)
    second = Response(response.issuer, response.installation, response.answers, id="_two")
    made.append(sign_assertion(second.build(), key).find("saml:Assertion", NAMES))
    return made


DATA = "saml:SubjectConfirmationData"
BAD_RESPONSES = {
    "not signed": lambda response, key: response.build(),
    "signed by another key": signature_of_another,
    "changed after signing": changed_after_signing,
    "for another audience": with_text("saml:Audience", "https://another.example"),
    "for no audience": without("saml:AudienceRestriction"),
    "without conditions": without("saml:Conditions"),
    "for another recipient": changed(DATA, Recipient="https://another.example/saml/acs"),
    "for nobody to bear": without("saml:SubjectConfirmation"),
    "without an end": changed(DATA, NotOnOrAfter=None),
    "by another provider": with_text("saml:Assertion/saml:Issuer", "https://another.example"),
    "for another address": lambda response, key: _destined(response.signed(key)),
    "of a failure": changed(
        "samlp:StatusCode", Value="urn:oasis:names:tc:SAML:2.0:status:Responder"
    ),
    "of nobody who signed in": without("saml:AuthnStatement"),
    "of nobody": with_text("saml:NameID", ""),
    "with a comment in the name": with_a_comment,
    "with entities": with_entities,
    "with SHA-1": with_sha1,
    "with an HMAC": with_hmac,
    "of two assertions": two_assertions,
}
WRAPPINGS = (
    "evil first",
    "evil last",
    "same id",
    "good within evil",
    "good within the signature of evil",
    "good in extensions",
)


def _destined(response):
    response.set("Destination", "https://another.example/saml/acs")
    return response


@pytest.mark.parametrize("make", [good, whole_response_signed])
async def test_a_good_response_lets_somebody_in(nobody, saml, make):
    async with browser(nobody.app) as http:
        assert problem(await post(http, saml, make)) is None
        assert (await viewer(http))["login"] == "saml::alice"


@pytest.mark.parametrize("make", BAD_RESPONSES.values(), ids=BAD_RESPONSES)
async def test_no_other_response_does(core, nobody, saml, make):
    async with browser(nobody.app) as http:
        assert problem(await post(http, saml, make)) == "SIGN_ON_REFUSED"
        assert await viewer(http) is None
    assert await nobody_came(core)


@pytest.mark.parametrize("how", WRAPPINGS)
async def test_a_signed_assertion_vouches_for_nothing_around_it(core, nobody, saml, how):
    async with browser(nobody.app) as http:
        answer = await post(http, saml, lambda it, key: wrapped(it.signed(key), how))

        assert problem(answer) == "SIGN_ON_REFUSED"
    assert await nobody_came(core)


async def test_only_a_new_key_is_a_reason_to_ask_for_the_metadata_again(
    nobody, saml, sign_on, monkeypatch
):
    asked = []
    known = Calls.known_text

    async def listened(calls, home, url, *, at_most=REMEMBERED):
        asked.append(at_most)
        return await known(calls, home, url, at_most=at_most)

    monkeypatch.setattr(Calls, "known_text", listened)
    async with browser(nobody.app) as http:
        for make in (good, BAD_RESPONSES["for another audience"], BAD_RESPONSES["not signed"]):
            await post(http, saml, make)
        assert FRESH not in asked

        await post(http, saml, signature_of_another)
        assert asked.count(FRESH) == 1
        await post(http, saml, lambda response, key: sign(response.build(), STRANGER))
        assert asked.count(FRESH) == 2


async def test_a_response_counts_while_it_lasts_and_a_minute_longer(core, nobody, saml):
    [(now,)] = await core.rows("select now()")
    async with browser(nobody.app) as http:
        for begun in (timedelta(minutes=-7), timedelta(minutes=3)):
            answer = await post(http, saml, good, now=now + begun)
            assert problem(answer) == "SIGN_ON_REFUSED"
        assert await nobody_came(core)

        answer = await post(http, saml, good, now=now - timedelta(minutes=5, seconds=30))
        assert problem(answer) is None


async def test_a_response_to_another_request_or_to_none_lets_nobody_in(core, nobody, saml):
    async with browser(nobody.app) as http:
        for answers, where in (("_another", "/sign-in"), ("", "/sign-on")):
            made = Response(saml.saml_metadata, BASE_URL, answers)
            answer = await http.post("/saml/acs", data=posted(made.signed(saml.saml_key)))
            assert answer.headers["location"].split("?")[0] == where
    assert await nobody_came(core)


async def test_an_assertion_counts_once_whatever_it_answers(core, nobody, saml):
    async with browser(nobody.app) as http:
        assert problem(await post(http, saml, good)) is None
        assert problem(await post(http, saml, good)) == "SIGN_ON_OVER"
        assert problem(await post(http, saml, good, id="_fresh")) is None
    [(count,)] = await core.rows("select count(*) from used_assertion")
    assert count == 2


async def test_what_is_added_to_a_signed_assertion_breaks_it(nobody, saml):

    def more_attributes(response, key):
        made = response.signed(key)
        assertion = made.find("saml:Assertion", NAMES)
        statement = etree.SubElement(assertion, f"{{{SAML}}}AttributeStatement")
        attribute = etree.SubElement(statement, f"{{{SAML}}}Attribute", Name="Groups")
        etree.SubElement(attribute, f"{{{SAML}}}AttributeValue").text = "Owners"
        return made

    async with browser(nobody.app) as http:
        assert problem(await post(http, saml, more_attributes)) == "SIGN_ON_REFUSED"
