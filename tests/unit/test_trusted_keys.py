"""Tokens of keys that are no longer in use, and who cannot make use of that."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from gantry.infra.data_keys import derived
from gantry.infra.vault import RsaVault
from gantry.ports.vault import InvalidToken, KeptKey
from joserfc import jwt
from joserfc.jwk import OctKey

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
KEYS = {1: b"a" * 32}
WEEK = timedelta(days=7)


@lru_cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_vault(number: int = 0) -> RsaVault:
    return RsaVault(key(number), KEYS, 1, clock=lambda: NOW)


def token(vault, *, made: datetime = NOW) -> str:
    until = int((NOW + timedelta(hours=1)).timestamp())
    claims = {"sub": "ada", "aud": ["us"], "purpose": "p", "iat": int(made.timestamp())}
    return vault.sign({**claims, "exp": until})


def kept(vault, *, used_at: datetime, own: bool = True) -> KeptKey:
    (one,) = vault.signers()
    return KeptKey(one.kid, one.algorithm, own, one.jwk, used_at)


def takes(vault, signed: str, *, ever: bool = False) -> bool:
    try:
        vault.verify(signed, audience="us", purpose="p", ever=ever)
    except InvalidToken:
        return False
    return True


def test_a_key_that_was_in_use_until_lately_is_believed_and_published():
    old, new = a_vault(1), a_vault()
    signed = token(old)
    assert not takes(new, signed)

    new.trust([kept(old, used_at=NOW - WEEK)], since=NOW - WEEK)

    assert takes(new, signed)
    assert [one["kid"] for one in new.jwks()["keys"]] == [
        new.signers()[0].kid,
        old.signers()[0].kid,
    ]


def test_a_key_that_signed_for_others_alone_is_published_and_lets_nobody_in():
    old, new = a_vault(1), a_vault()

    new.trust([kept(old, used_at=NOW, own=False)], since=NOW - WEEK)

    assert len(new.jwks()["keys"]) == 2
    assert not takes(new, token(old))
    assert not takes(new, token(old), ever=True)


def test_a_key_that_is_long_out_of_use_counts_for_what_was_made_then_and_only_with_ever():
    old, new = a_vault(1), a_vault()
    then = NOW - 2 * WEEK
    new.trust([kept(old, used_at=then)], since=NOW - WEEK)

    assert not takes(new, token(old, made=then))
    assert takes(new, token(old, made=then), ever=True)
    assert not takes(new, token(old, made=NOW), ever=True)
    assert len(new.jwks()["keys"]) == 1


def test_nothing_is_kept_secret_or_published_of_an_rsa_key_but_its_public_half():
    (one,) = a_vault().signers()

    assert set(json.loads(one.jwk)) == {"kty", "n", "e", "kid", "use", "alg"}


def test_secrets_of_data_keys_count_only_where_one_of_them_ever_signed():
    vault, secret = a_vault(), OctKey.import_key(derived(KEYS[1], b"gantry token"))
    claims = {"sub": "ada", "aud": ["us"], "purpose": "p", "exp": int(NOW.timestamp()) + 60}
    signed = jwt.encode({"alg": "HS256", "kid": "own-1"}, claims, secret)
    assert not takes(vault, signed)

    jwk = json.dumps(secret.as_dict(private=True)).encode()
    vault.trust([KeptKey("own-1", "HS256", True, jwk, NOW)], since=NOW - WEEK)

    assert takes(vault, signed)


def test_the_public_key_of_another_is_no_secret_to_sign_with():
    old, new = a_vault(1), a_vault()
    one = kept(old, used_at=NOW)
    new.trust([one], since=NOW - WEEK)
    claims = {"sub": "ada", "aud": ["us"], "purpose": "p", "exp": int(NOW.timestamp()) + 60}

    for secret in (one.jwk, json.loads(one.jwk)["n"].encode()):
        signed = jwt.encode({"alg": "HS256", "kid": one.kid}, claims, OctKey.import_key(secret))
        assert not takes(new, signed)


@pytest.mark.parametrize("head", ["", "e30", "bnVsbA", "W10", "!!", "eyJraWQiOjF9", "A" * 5000])
def test_a_head_without_a_name_of_a_key_is_refused(head):
    assert not takes(a_vault(), f"{head}.e30.AAAA")
