"""What is sealed opens only where it belongs; what is signed passes only for what it is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from gantry.infra.data_keys import new_data_key
from gantry.infra.vault import (
    RsaVault,
    generate_private_key,
    load_private_key,
    unwrap,
    wrap,
)
from gantry.ports.vault import InvalidToken, Unreadable
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws, jwt
from joserfc.jwk import KeySet, RSAKey

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
KEYS = {1: b"a" * 32, 2: b"b" * 32}
ROW = "contexts/01J/elements/password"


@lru_cache
def the_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@lru_cache
def another_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def a_large_key() -> rsa.RSAPrivateKey:
    """6387 bits from two primes that everybody knows: finding fresh ones takes seconds."""
    p, q, e = 2**3217 - 1, 3 * 2**3168 + 1, 65537
    d = pow(e, -1, (p - 1) * (q - 1))
    crt = (rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q))
    numbers = rsa.RSAPrivateNumbers(p, q, d, *crt, rsa.RSAPublicNumbers(e, p * q))
    return numbers.private_key(unsafe_skip_rsa_key_validation=True)


def a_vault(keys=KEYS, current=2, *, key=None, now=NOW) -> RsaVault:
    return RsaVault(key or the_key(), keys, current, clock=lambda: now)


def claims(**changes):
    wanted = {
        "sub": "01HUSER",
        "aud": ["gantry"],
        "purpose": "session",
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
    }
    wanted.update(changes)
    return {name: value for name, value in wanted.items() if value is not None}


def at(seconds: int) -> int:
    return int(NOW.timestamp()) + seconds


def forged(header: dict, content: dict, key=None) -> str:
    """A token signed with our own key, as `sign` would never make it."""
    jose = RSAKey.import_key(key or the_key())
    header = {"kid": RSAKey.import_key(the_key()).thumbprint(), **header}
    return jws.serialize_compact(header, json.dumps(content), jose, algorithms=[header["alg"]])


def refuse(token: str, *, match="not valid", vault=None) -> None:
    with pytest.raises(InvalidToken, match=match):
        (vault or a_vault()).verify(token, audience="gantry", purpose="session")


# ---- sealing


@settings(deadline=None)  # the first example makes the key
@given(plain=st.binary(max_size=200), identity=st.text(max_size=40).filter(str.isprintable))
def test_what_is_sealed_opens_for_the_same_row(plain, identity):
    vault = a_vault()

    assert vault.open(vault.seal(plain, identity=identity), identity=identity) == plain


def test_a_value_moved_to_another_row_does_not_open():
    vault = a_vault()
    sealed = vault.seal(b"hunter2", identity=ROW)

    with pytest.raises(Unreadable):
        vault.open(sealed, identity=ROW + "2")
    assert vault.open(sealed, identity=ROW) == b"hunter2"


def test_a_sealed_value_says_its_format_and_the_version_of_its_key():
    sealed = a_vault().seal(b"hunter2", identity=ROW)

    assert sealed[:5] == b"\x01\x00\x00\x00\x02"
    assert len(sealed) == 1 + 4 + 12 + len(b"hunter2") + 16
    assert b"hunter2" not in sealed


def test_the_same_secret_is_never_sealed_the_same_way_twice():
    vault = a_vault()

    assert vault.seal(b"hunter2", identity=ROW) != vault.seal(b"hunter2", identity=ROW)


def test_values_sealed_before_a_rotation_still_open():
    sealed = a_vault({1: KEYS[1]}, 1).seal(b"hunter2", identity=ROW)

    assert a_vault(KEYS, 2).open(sealed, identity=ROW) == b"hunter2"


def test_a_value_whose_key_is_gone_says_so():
    sealed = a_vault(KEYS, 2).seal(b"hunter2", identity=ROW)

    with pytest.raises(Unreadable, match="not here any more"):
        a_vault({1: KEYS[1]}, 1).open(sealed, identity=ROW)


def test_a_value_relabelled_with_another_version_does_not_open_even_under_the_same_key():
    same = a_vault({1: KEYS[1], 2: KEYS[1]}, 2)
    sealed = bytearray(same.seal(b"hunter2", identity=ROW))
    sealed[4] = 1

    with pytest.raises(Unreadable):
        same.open(bytes(sealed), identity=ROW)


def test_no_beginning_of_a_sealed_value_opens():
    sealed = a_vault().seal(b"hunter2", identity=ROW)

    for length in range(len(sealed)):
        with pytest.raises(Unreadable):
            a_vault().open(sealed[:length], identity=ROW)


def test_a_sealed_value_with_any_byte_changed_does_not_open():
    sealed = a_vault().seal(b"hunter2", identity=ROW)

    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(Unreadable):
            a_vault().open(bytes(changed), identity=ROW)


@pytest.mark.parametrize(
    ("keys", "current"),
    [
        ({}, 1),
        ({1: b"a" * 32}, 2),
        ({1: b"short"}, 1),
        ({-1: b"a" * 32}, -1),
        ({2**32: b"a" * 32}, 2**32),
    ],
)
def test_a_vault_is_not_built_on_keys_it_could_not_use(keys, current):
    with pytest.raises(ValueError):
        a_vault(keys, current)


# ---- tokens


def test_a_token_passes_for_its_audience_and_purpose():
    token = a_vault().sign(claims(scope="read"))

    found = a_vault().verify(token, audience="gantry", purpose="session")

    assert found.subject == "01HUSER"
    assert found.claims["scope"] == "read"


def test_an_installation_whose_key_is_larger_than_usual_can_use_its_tokens():
    vault = a_vault(key=a_large_key())

    found = vault.verify(vault.sign(claims()), audience="gantry", purpose="session")

    assert found.subject == "01HUSER"


def test_a_session_token_never_passes_for_a_run_token():
    token = a_vault().sign(claims(purpose="session"))

    with pytest.raises(InvalidToken):
        a_vault().verify(token, audience="gantry", purpose="run")
    assert a_vault().verify(token, audience="gantry", purpose="session").subject == "01HUSER"


def test_a_token_made_for_other_systems_has_no_purpose_and_never_passes():
    token = a_vault().sign(claims(purpose=None, aud="https://sts.example.com"))

    with pytest.raises(InvalidToken):
        a_vault().verify(token, audience="https://sts.example.com", purpose="session")


@pytest.mark.parametrize("purpose", [["session"], 1, True, "", "Session", "session ", "\ud800"])
def test_a_purpose_that_is_almost_right_is_refused(purpose):
    refuse(forged({"alg": "RS256"}, claims(purpose=purpose)), match="something else")


@pytest.mark.parametrize(
    "audience", ["gantry", ["gantry", "other"], ["other"], [], None, ["gantry", "gantry"], [None]]
)
def test_a_token_for_any_other_list_of_audiences_is_refused(audience):
    refuse(forged({"alg": "RS256"}, claims(aud=audience)), match="something else")


@pytest.mark.parametrize("subject", [None, "", 7, ["01HUSER"]])
def test_a_token_that_speaks_for_nobody_is_refused(subject):
    refuse(forged({"alg": "RS256"}, claims(sub=subject)))


@pytest.mark.parametrize("content", [{"exp": None}, {"aud": None}, {"aud": []}, {"aud": "gantry"}])
def test_a_token_that_would_never_pass_or_never_end_is_not_signed(content):
    with pytest.raises(ValueError):
        a_vault().sign(claims(**content))


def test_signing_leaves_the_callers_claims_alone():
    given_claims = claims(exp=NOW + timedelta(hours=1))

    token = a_vault().sign(given_claims)

    assert given_claims["exp"] == NOW + timedelta(hours=1)
    assert a_vault().verify(token, audience="gantry", purpose="session").claims["exp"] == at(3600)


@pytest.mark.parametrize("times", [{"exp": at(-4)}, {"nbf": at(5)}, {"iat": at(5)}])
def test_five_seconds_between_two_clocks_are_forgiven(times):
    token = forged({"alg": "RS256"}, claims(**times))

    assert a_vault().verify(token, audience="gantry", purpose="session").subject == "01HUSER"


@pytest.mark.parametrize(
    ("times", "match"),
    [
        ({"exp": at(-5)}, "expired"),
        ({"exp": None}, "not valid"),
        ({"exp": "tomorrow"}, "not valid"),
        ({"exp": True}, "not valid"),
        ({"exp": float("nan")}, "not valid"),
        ({"exp": float("inf")}, "not valid"),
        ({"nbf": at(6)}, "not valid"),
        ({"iat": at(6)}, "not valid"),
    ],
)
def test_a_token_outside_its_time_is_refused(times, match):
    refuse(forged({"alg": "RS256"}, claims(**times)), match=match)


def test_only_a_token_that_is_otherwise_right_is_told_that_it_expired():
    old = claims(exp=at(-100))

    refuse(forged({"alg": "RS256"}, old | {"purpose": "run"}), match="something else")
    refuse(forged({"alg": "RS256"}, old, another_key()), match="not valid")


def test_a_token_of_another_installation_is_refused():
    refuse(a_vault(key=another_key()).sign(claims()))
    refuse(forged({"alg": "RS256"}, claims(), another_key()))


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_our_own_key_under_another_algorithm_is_refused(algorithm):
    refuse(forged({"alg": algorithm}, claims()))


@pytest.mark.filterwarnings("ignore:JWS algorithm")
def test_an_unsigned_token_is_refused():
    refuse(forged({"alg": "none"}, claims()))


def test_a_token_keyed_with_our_public_key_as_a_password_is_refused():
    public = the_key().public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": a_vault().jwks()["keys"][0]["kid"]}, claims())
    )
    digest = hmac.new(pem, head + b"." + body, "sha256").digest()

    refuse((head + b"." + body + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode())


@pytest.mark.parametrize("kid", ["", "another", "../../etc/passwd"])
def test_a_token_that_names_another_key_is_refused(kid):
    refuse(forged({"alg": "RS256", "kid": kid}, claims()))


def test_a_token_that_names_no_key_is_refused():
    key = RSAKey.import_key(the_key())

    refuse(jwt.encode({"alg": "RS256"}, claims(), key))


@pytest.mark.parametrize(
    "extra", [{"crit": ["b64"], "b64": True}, {"jku": "https://evil.example.com"}, {"crit": []}]
)
def test_a_token_whose_header_says_more_than_ours_do_is_refused(extra):
    refuse(forged({"alg": "RS256", **extra}, claims()))


@pytest.mark.parametrize("content", [b"[" * 60_000, b"[]", b'"text"', b"\xff", b""])
def test_a_signed_text_that_holds_no_claims_is_refused(content):
    header = {"alg": "RS256", "kid": a_vault().jwks()["keys"][0]["kid"]}

    refuse(jws.serialize_compact(header, content, RSAKey.import_key(the_key())))


@settings(deadline=None)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["RS256", "alg", "b64", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), inner)
        ),
    ),
    rest=st.text(max_size=30),
)
def test_whatever_arrives_as_a_token_is_refused_and_breaks_nothing(header, rest):
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()

    for token in (rest, f"{head}.{rest}", f"{head}.e30.{rest}", f"{head}.e30.AAAA"):
        refuse(token)


def test_a_refusal_repeats_nothing_of_the_token():
    token = forged({"alg": "RS256"}, claims(sub="alice@example.com", purpose="run"))

    with pytest.raises(InvalidToken) as refused:
        a_vault().verify(token, audience="gantry", purpose="session")

    assert "alice" not in refused.value.message
    assert "unauthorized" in refused.value.message
    assert refused.value.__cause__ is None


def test_anybody_can_check_our_tokens_with_the_published_keys():
    vault = a_vault()
    published = json.loads(json.dumps(vault.jwks()))

    token = jwt.decode(vault.sign(claims()), KeySet.import_key_set(published))

    (key,) = published["keys"]
    assert token.claims["sub"] == "01HUSER"
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}
    assert (key["kty"], key["use"], key["alg"]) == ("RSA", "sig", "RS256")
    # RFC 7638, section 3: the required members, sorted, without spaces.
    text = f'{{"e":"{key["e"]}","kty":"RSA","n":"{key["n"]}"}}'
    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
    assert key["kid"] == digest.decode() == token.header["kid"]


# ---- URLs


def test_a_signed_url_stays_valid_over_a_restart_and_a_rotation():
    signature = a_vault({1: KEYS[1]}, 1).sign_url("/files/a?until=1")

    assert a_vault({1: KEYS[1]}, 1).check_url("/files/a?until=1", signature)
    assert a_vault(KEYS, 2).check_url("/files/a?until=1", signature)
    assert a_vault(KEYS, 2).sign_url("/files/a?until=1") != signature


def test_a_signature_is_good_for_its_own_url_only():
    vault = a_vault()
    signature = vault.sign_url("/files/a?until=1")

    assert len(signature) == 64
    assert vault.check_url("/files/a?until=1", signature)
    assert not vault.check_url("/files/a?until=2", signature)
    assert not a_vault({3: b"c" * 32}, 3).check_url("/files/a?until=1", signature)


@pytest.mark.parametrize("signature", ["", "0" * 64, "é", "\ud800", "x" * 10_000])
def test_nonsense_is_no_signature(signature):
    assert not a_vault().check_url("/files/\ud800", signature)


# ---- keys


def encoded(key, password: bytes | None = None, form=serialization.PrivateFormat.PKCS8) -> str:
    how = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    pem = key.private_bytes(serialization.Encoding.PEM, form, how)
    return base64.b64encode(pem).decode()


def test_a_generated_key_loads():
    key = load_private_key(generate_private_key())

    assert key.key_size == 3072


def test_a_key_loads_in_both_pem_forms_and_however_its_base64_is_broken_into_lines():
    old = serialization.PrivateFormat.TraditionalOpenSSL
    expected = the_key().private_numbers()

    for text in (encoded(the_key()), encoded(the_key(), form=old)):
        lines = "\n".join(text[i : i + 76] for i in range(0, len(text), 76)) + "\n"
        assert load_private_key(text).private_numbers() == expected
        assert load_private_key(lines).private_numbers() == expected


def test_a_key_that_cannot_be_used_is_told_apart_and_never_quoted():
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    raw_pem = base64.b64decode(encoded(the_key())).decode()
    wrong = {
        "is not base64": raw_pem,
        "not of a PEM": base64.b64encode(b"hunter2-hunter2").decode(),
        "is encrypted": encoded(the_key(), b"passphrase"),
        "not an RSA key": encoded(ec.generate_private_key(ec.SECP256R1())),
        "1024 bits; at least 2048": encoded(small),
    }

    for sentence, text in wrong.items():
        with pytest.raises(ValueError, match=sentence) as refused:
            load_private_key(text)
        said = str(refused.value)
        assert said.startswith("ENCRYPTION_RSA_PRIVATE_KEY")
        assert said.count(".") == 1
        assert text[:20] not in said
        assert "hunter2" not in said
        assert refused.value.__cause__ is None


def test_a_wrapped_data_key_opens_with_its_own_rsa_key_only():
    data_key = new_data_key()
    wrapped = wrap(the_key(), data_key)

    assert len(data_key) == 32
    assert data_key not in wrapped
    assert unwrap(the_key(), wrapped) == data_key
    with pytest.raises(Unreadable, match="do not belong"):
        unwrap(another_key(), wrapped)
    with pytest.raises(Unreadable):
        unwrap(the_key(), wrapped[:-1])


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 1000])
@pytest.mark.parametrize("piece", [1, 7, 16, 5000])
def test_what_is_sealed_in_pieces_is_what_is_sealed_at_once(size, piece):
    vault, plain = a_vault(), os.urandom(size)
    sealing, opening = vault.sealing(identity="row:1"), vault.opening(identity="row:1")

    sealed = b"".join(sealing.take(cut) for cut in in_pieces(plain, piece)) + sealing.finish()
    opened = opened_in_pieces(opening, sealed, piece)

    assert vault.open(sealed, identity="row:1") == opened == plain


def test_what_was_sealed_at_once_can_be_opened_in_pieces_also_with_an_old_key():
    sealed = a_vault(current=1).seal(b"an old secret", identity="row:1")
    opening = a_vault(current=2).opening(identity="row:1")

    opened = opened_in_pieces(opening, sealed, 5)

    assert opened == b"an old secret"


@pytest.mark.parametrize(
    ("change", "identity"),
    [
        (lambda sealed: sealed, "row:2"),
        (lambda sealed: sealed[:-1], "row:1"),
        (lambda sealed: sealed[:30], "row:1"),
        (lambda sealed: sealed[:9], "row:1"),
        (lambda sealed: b"", "row:1"),
        (lambda sealed: sealed + b"x", "row:1"),
        (lambda sealed: sealed[:20] + bytes([sealed[20] ^ 1]) + sealed[21:], "row:1"),
        (lambda sealed: b"\x02" + sealed[1:], "row:1"),
        (lambda sealed: sealed[:1] + b"\0\0\0\x09" + sealed[5:], "row:1"),
    ],
)
def test_what_was_changed_cannot_be_opened_in_pieces_either(change, identity):
    vault = a_vault()
    sealed = change(vault.seal(b"a secret of some length", identity="row:1"))
    opening = vault.opening(identity=identity)

    with pytest.raises(Unreadable):
        opened_in_pieces(opening, sealed, 7)


def in_pieces(data, size):
    return [data[start : start + size] for start in range(0, len(data), size)]


def opened_in_pieces(opening, sealed, size):
    plain = b"".join(opening.take(cut) for cut in in_pieces(sealed, size))
    opening.finish()
    return plain
