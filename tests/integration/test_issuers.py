"""Tokens of other issuers are believed when every part of them is right, and never otherwise."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from dataclasses import replace

import pytest
from gantry.infra import issuers as module
from gantry.infra.issuers import MAX_DOCUMENT, OidcIssuers
from gantry.ports.issuers import BadTrust, IssuerUnreachable, Trust, UntrustedToken
from gantry.ports.outward import AddressRefused
from joserfc.jwk import RSAKey

from tests.support.certificates import Authority
from tests.support.token_issuer import CLIENT, HOST, TokenIssuer


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def issuer(authority):
    with TokenIssuer(authority) as issuer:
        yield issuer


@pytest.fixture
def checks(issuer):
    return OidcIssuers(issuer.outward(HOST))


@pytest.fixture
def trust(issuer):
    return Trust(issuer.url, CLIENT, "repo:acme/.*:ref:refs/heads/main")


def encoded(part: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def unsigned(claims: dict[str, object], header: dict[str, object]) -> str:
    return f"{encoded(header)}.{encoded(claims)}."


async def refusal(checks, trust, token) -> str:
    with pytest.raises(UntrustedToken) as refused:
        await checks.claims(trust, token)
    return refused.value.message


@pytest.mark.parametrize(("key", "alg"), [(0, "RS256"), (1, "ES256")])
async def test_a_good_token_is_believed(issuer, checks, trust, key, alg):
    token = issuer.token(key=issuer.keys[key], alg=alg, teams=["a"])

    claims = await checks.claims(trust, token)

    assert claims["sub"] == "repo:acme/infra:ref:refs/heads/main"
    assert claims["teams"] == ["a"]


async def test_one_of_several_audiences_is_enough(issuer, checks, trust):
    assert await checks.claims(trust, issuer.token(aud=["others", CLIENT]))


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"iss": "https://elsewhere.test"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "others"}, "another client"),
        ({"aud": None}, "another client"),
        ({"aud": [CLIENT + "x"]}, "another client"),
        ({"exp": -61}, "has expired"),
        ({"exp": None}, "does not say its exp"),
        ({"exp": True}, "does not say its exp"),
        ({"exp": "tomorrow"}, "does not say its exp"),
        ({"exp": float("nan")}, "does not say its exp"),
        ({"exp": 10**400}, "does not say its exp"),
        ({"iat": None}, "does not say its iat"),
        ({"iat": 120}, "not good yet"),
        ({"nbf": 120}, "not good yet"),
        ({"sub": "repo:acme/infra:ref:refs/heads/other"}, "not for whom"),
        ({"sub": "xrepo:acme/infra:ref:refs/heads/main"}, "not for whom"),
        ({"sub": "repo:acme/infra:ref:refs/heads/main\nx"}, "not for whom"),
        ({"sub": None}, "of nobody"),
        ({"sub": 7}, "of nobody"),
        ({"sub": "repo:acme/" + "x" * 1000}, "of nobody"),
    ],
    ids=str,
)
async def test_a_token_that_says_something_else_is_refused(issuer, checks, trust, claims, why):
    now = int(time.time())
    said = {
        name: now + value if type(value) is int and abs(value) < 1000 and name != "sub" else value
        for name, value in claims.items()
    }

    assert why in await refusal(checks, trust, issuer.token(**said))
    assert issuer.asked == []


async def test_clocks_may_differ_by_a_minute(issuer, checks, trust):
    now = int(time.time())
    assert await checks.claims(trust, issuer.token(exp=now - 50, iat=now + 50))


async def test_a_subject_that_no_text_is_is_refused(issuer, checks, trust):
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": CLIENT, "sub": "\ud800", "iat": now, "exp": now + 60}
    token = unsigned(claims, {"alg": "RS256"})
    assert "of nobody" in await refusal(checks, trust, token)


@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {}, {"alg": 7}], ids=str)
async def test_an_unsigned_token_is_refused(issuer, checks, trust, header):
    now = int(time.time())
    claims = {"iss": issuer.url, "aud": CLIENT, "sub": "x", "iat": now, "exp": now + 60}
    await refusal(checks, trust, unsigned(claims, header))
    assert issuer.asked == []


async def test_a_public_key_is_no_secret_to_sign_with(issuer, checks, trust):
    public = issuer.keys[0].as_pem(private=False)
    head, claims, _ = issuer.token().split(".")
    head = encoded({"alg": "HS256", "kid": "one"})
    mark = hmac.digest(public, f"{head}.{claims}".encode(), "sha256")
    forged = f"{head}.{claims}.{base64.urlsafe_b64encode(mark).decode().rstrip('=')}"

    assert "proves who signed it" in await refusal(checks, trust, forged)


async def test_another_key_of_that_name_is_refused(issuer, checks, trust):
    other = RSAKey.generate_key(2048, {"kid": "one"})
    assert "signature is not" in await refusal(checks, trust, issuer.token(key=other))


async def test_a_token_that_was_changed_is_refused(issuer, checks, trust):
    head, claims, signature = issuer.token().split(".")
    said = json.loads(base64.urlsafe_b64decode(claims + "=="))

    forged = f"{head}.{encoded({**said, 'teams': ['x']})}.{signature}"

    assert "signature is not" in await refusal(checks, trust, forged)


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "ä.b.c", "..", "\ud800.x.y"])
async def test_what_is_no_token_is_refused(issuer, checks, trust, token):
    assert "no token" in await refusal(checks, trust, token)


@pytest.mark.parametrize("crit", [5, None, [[]], "x"], ids=str)
async def test_a_malformed_head_is_refused_as_any_other(issuer, checks, trust, crit):
    head = encoded({"alg": "RS256", "kid": "one", "crit": crit})
    token = ".".join([head, *issuer.token().split(".")[1:]])

    assert await refusal(checks, trust, token)


async def test_odd_keys_beside_good_ones_change_nothing(issuer, checks, trust):
    odd = [7, {"kty": "RSA"}, {"kty": "EC", "crv": [], "x": 1}, {"kty": "EC", "crv": "no"}]
    issuer.keys_document = lambda said: {"keys": [*odd, *said["keys"]]}

    assert await checks.claims(trust, issuer.token())


async def test_a_question_that_was_broken_off_is_not_asked_again_at_once(issuer, trust):
    asked = []

    class Slow:
        async def get(self, url, **how):
            asked.append(url)
            await asyncio.Event().wait()

    checks = OidcIssuers(Slow())
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await checks.claims(trust, issuer.token())

    with pytest.raises(IssuerUnreachable):
        await checks.claims(trust, issuer.token())
    assert len(asked) == 1


async def test_keys_are_asked_for_once_and_again_for_a_key_that_is_new(
    issuer, checks, trust, monkeypatch
):
    for _ in range(2):
        await checks.claims(trust, issuer.token())
    assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
    new = RSAKey.generate_key(2048, {"kid": "three"})
    issuer.published.append(new)

    # Anybody can make such a token: not every one of them makes us ask.
    assert "does not publish" in await refusal(checks, trust, issuer.token(key=new))
    assert len(issuer.asked) == 2
    monkeypatch.setattr(module, "ASKED_AGAIN", 0.0)

    assert await checks.claims(trust, issuer.token(key=new))
    assert len(issuer.asked) == 4


async def test_keys_that_are_known_outlive_an_issuer_that_fails(issuer, checks, trust, monkeypatch):
    await checks.claims(trust, issuer.token())
    issuer.document = lambda said: None
    monkeypatch.setattr(module, "KEPT", 0.0)

    assert await checks.claims(trust, issuer.token())
    monkeypatch.setattr(module, "OUTLIVES", 0.0)

    with pytest.raises(IssuerUnreachable):
        await checks.claims(trust, issuer.token())


@pytest.mark.parametrize(
    "document",
    [
        lambda said: None,
        lambda said: b"<html>",
        lambda said: [said],
        lambda said: {**said, "issuer": "https://elsewhere.test"},
        lambda said: {**said, "jwks_uri": said["jwks_uri"].replace("https", "http")},
        lambda said: {**said, "jwks_uri": "https://10.0.0.1/keys"},
        lambda said: {**said, "jwks_uri": None},
        lambda said: {**said, "more": "x" * MAX_DOCUMENT},
    ],
    ids=["500", "html", "a list", "another issuer", "no TLS", "private", "no keys", "too large"],
)
async def test_an_issuer_that_speaks_otherwise_is_not_believed(issuer, checks, trust, document):
    issuer.document = document

    for _ in range(2):
        with pytest.raises(IssuerUnreachable):
            await checks.claims(trust, issuer.token())
    assert len(issuer.asked) == 1


@pytest.mark.parametrize(
    "keys",
    [
        lambda said: {"keys": []},
        lambda said: {"keys": "none"},
        lambda said: {"keys": [{**one, "use": "enc"} for one in said["keys"]]},
        lambda said: {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}, {"kty": "RSA"}, 7]},
    ],
    ids=["none", "no list", "for encryption", "secrets and scraps"],
)
async def test_keys_that_prove_nothing_are_not_used(issuer, checks, trust, keys):
    issuer.keys_document = keys
    with pytest.raises(IssuerUnreachable):
        await checks.claims(trust, issuer.token())


async def test_a_token_without_a_keys_name_takes_the_only_one_of_its_kind(issuer, checks, trust):
    nameless = RSAKey.import_key(issuer.keys[0].as_dict(private=True) | {"kid": ""})
    assert nameless.kid == ""
    assert await checks.claims(trust, issuer.token(key=nameless))


async def test_an_issuer_in_a_private_network_is_not_asked(issuer, trust):
    checks = OidcIssuers(issuer.outward())

    with pytest.raises(IssuerUnreachable):
        await checks.claims(trust, issuer.token())

    assert issuer.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"issuer": "http://issuer.test"},
        {"issuer": "issuer.test"},
        {"issuer": "https://user@issuer.test"},
        {"issuer": "https://issuer.test?x"},
        {"issuer": "https://issuer.test#x"},
        {"issuer": "https://[issuer"},
        {"issuer": ""},
        {"client_id": ""},
        {"subject_expression": ""},
        {"subject_expression": "("},
        {"subject_expression": r"(a)\1"},
        {"subject_expression": "(?=a)"},
        {"subject_expression": "x" * 1001},
    ],
    ids=str,
)
def test_what_no_token_can_be_checked_by_is_refused(checks, trust, change):
    with pytest.raises(BadTrust):
        checks.check(replace(trust, **change))


def test_a_private_issuer_is_refused_when_the_key_is_made(checks, trust):
    with pytest.raises(AddressRefused):
        checks.check(replace(trust, issuer="https://10.0.0.1"))


async def test_an_expression_takes_no_longer_than_its_subject_is_long(issuer, checks, trust):
    hostile = replace(trust, subject_expression="(a*)*b")
    checks.check(hostile)
    began = time.monotonic()

    assert "not for whom" in await refusal(checks, hostile, issuer.token(sub="a" * 900))

    assert time.monotonic() - began < 5
