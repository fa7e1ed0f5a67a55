"""Keys in AWS KMS: what they wrap and sign, and what is said when they cannot."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import boto3
import pytest
from botocore.config import Config
from gantry.infra.data_keys import derived, new_data_key
from gantry.infra.kms import Kms, KmsVault, connect_kms
from gantry.infra.vault import RsaVault, generate_private_key, load_private_key, unwrap, wrap
from gantry.ports.vault import InvalidToken, KeyServiceDown, Unreadable
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey

from tests.support.object_stores import moto_server

REGION = "us-east-1"
NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
KEYS = {1: b"a" * 32, 2: b"b" * 32}


@pytest.fixture(scope="module")
def aws():
    """KMS with a key of each kind."""
    with moto_server() as url:
        client = client_at(url)
        yield SimpleNamespace(
            url=url,
            client=client,
            wraps=made(client),
            signs=made(client, KeyUsage="SIGN_VERIFY", KeySpec="RSA_4096"),
            curve=made(client, KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256"),
        )


def client_at(url: str):
    once = Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    credentials = {"aws_access_key_id": "AKIDEXAMPLE", "aws_secret_access_key": "secret"}
    return boto3.client("kms", endpoint_url=url, region_name=REGION, config=once, **credentials)


def made(client, **wanted) -> str:
    return client.create_key(**wanted)["KeyMetadata"]["KeyId"]


@pytest.fixture(scope="module")
def kms(aws):
    return Kms(aws.client, encryption_key=aws.wraps, signing_key=aws.signs)


@pytest.fixture(scope="module")
async def public_key(kms):
    return await kms.public_key()


@pytest.fixture
def a_vault(kms, public_key):
    def make(keys=KEYS, current=2, *, now=NOW):
        return KmsVault(kms, public_key, keys, current, clock=lambda: now)

    return make


def claims(**changes):
    wanted = {
        "sub": "01HUSER",
        "aud": ["gantry"],
        "purpose": "session",
        "exp": int((NOW + timedelta(hours=1)).timestamp()),
    }
    wanted.update(changes)
    return {name: value for name, value in wanted.items() if value is not None}


def refuse(vault, token, *, match="not valid"):
    with pytest.raises(InvalidToken, match=match):
        vault.verify(token, audience="gantry", purpose="session")


# ------------------------------------------------------------------ data keys


async def test_a_data_key_comes_back_from_kms_as_it_was(kms):
    key = new_data_key()

    wrapped = await kms.wrap(key)

    assert key not in wrapped
    assert await kms.unwrap(wrapped) == key


async def test_a_wrapped_key_that_was_changed_does_not_open(kms):
    wrapped = bytearray(await kms.wrap(new_data_key()))
    wrapped[-1] ^= 1

    with pytest.raises(Unreadable, match="ENCRYPTION_KMS_ENCRYPTION_KEY_ID"):
        await kms.unwrap(bytes(wrapped))


async def test_what_another_key_in_kms_wrapped_does_not_open(aws, kms):
    wrapped = await kms.wrap(new_data_key())
    other = Kms(aws.client, encryption_key=made(aws.client), signing_key=aws.signs)

    # The emulator's word; AWS says IncorrectKeyException, which is told as Unreadable.
    with pytest.raises(KeyServiceDown) as refused:
        await other.unwrap(wrapped)
    assert refused.value.detail.startswith("AccessDeniedException")


async def test_data_keys_of_one_type_are_never_tried_with_the_other(kms):
    rsa = load_private_key(generate_private_key())

    with pytest.raises(Unreadable, match="ENCRYPTION_TYPE has to be rsa"):
        await kms.unwrap(wrap(rsa, new_data_key()))
    with pytest.raises(Unreadable, match="ENCRYPTION_TYPE has to be kms"):
        unwrap(rsa, await kms.wrap(new_data_key()))


def test_values_open_whoever_keeps_the_data_keys(a_vault):
    rsa = RsaVault(load_private_key(generate_private_key()), KEYS, 2)

    sealed = rsa.seal(b"hunter2", identity="row")

    assert a_vault().open(sealed, identity="row") == b"hunter2"
    assert a_vault().check_url("/a", rsa.sign_url("/a"))


# ------------------------------------------------------------------ tokens


async def test_clouds_can_check_what_kms_signed_with_the_published_key(a_vault):
    vault = a_vault()
    published = json.loads(json.dumps(vault.jwks()))

    token = await vault.vouch(claims(purpose=None, aud="sts.example.com"))

    checked = jwt.decode(token, KeySet.import_key_set(published))
    (key,) = published["keys"]
    assert checked.claims["sub"] == "01HUSER"
    assert checked.header == {"alg": "RS256", "kid": key["kid"], "typ": "JWT"}
    assert set(key) == {"kty", "n", "e", "kid", "use", "alg"}


async def test_what_was_vouched_for_is_no_token_of_ours(a_vault):
    vault = a_vault()

    refuse(vault, await vault.vouch(claims(purpose=None)))
    with pytest.raises(ValueError, match="no purpose"):
        await vault.vouch(claims())
    with pytest.raises(ValueError, match="vouch"):
        vault.sign(claims(purpose=None))


async def test_claims_that_kms_would_not_sign_are_not_sent(a_vault):
    with pytest.raises(ValueError, match="4096 bytes"):
        await a_vault().vouch(claims(purpose=None, sub="x" * 4096))


def test_a_token_of_ours_costs_no_call_and_outlives_a_new_data_key(public_key):
    nobody = Kms(None, encryption_key="", signing_key="")
    before = KmsVault(nobody, public_key, {1: KEYS[1]}, 1, clock=lambda: NOW)
    after = KmsVault(nobody, public_key, KEYS, 2, clock=lambda: NOW)

    for signer in (before, after):
        found = after.verify(signer.sign(claims()), audience="gantry", purpose="session")
        assert found.subject == "01HUSER"


def test_tokens_are_refused_as_ever(a_vault):
    vault = a_vault()

    refuse(vault, a_vault({3: b"c" * 32}, 3).sign(claims()))
    refuse(vault, a_vault({1: b"c" * 32}, 1).sign(claims()))
    refuse(vault, vault.sign(claims(purpose="run")), match="something else")
    refuse(vault, vault.sign(claims(aud=["other"])), match="something else")
    refuse(vault, vault.sign(claims(exp=int(NOW.timestamp()) - 5)), match="expired")


@pytest.mark.parametrize("kid", [None, "", "own-1", "own-3", "../own-2"])
def test_a_token_that_names_no_key_or_another_one_is_refused(a_vault, kid):
    vault, key = a_vault(), OctKey.import_key(derived(KEYS[2], b"gantry token"))
    named = {} if kid is None else {"kid": kid}

    refuse(vault, jwt.encode({"alg": "HS256", **named}, claims(), key))
    good = vault.verify(
        jwt.encode({"alg": "HS256", "kid": "own-2"}, claims(), key),
        audience="gantry",
        purpose="session",
    )
    assert good.subject == "01HUSER"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_our_own_key_under_another_algorithm_is_refused(a_vault, algorithm):
    key = OctKey.import_key(derived(KEYS[2], b"gantry token"))
    header = {"alg": algorithm, "kid": "own-2"}

    refuse(a_vault(), jwt.encode(header, claims(), key, algorithms=[algorithm]))


def test_a_token_keyed_with_the_public_key_is_refused(a_vault):
    vault = a_vault()
    (key,) = vault.jwks()["keys"]

    for secret in (key["n"].encode(), json.dumps(key).encode()):
        forged = jwt.encode({"alg": "HS256", "kid": "own-2"}, claims(), OctKey.import_key(secret))
        refuse(vault, forged)


@settings(deadline=None)
@given(
    header=st.recursive(
        st.none() | st.booleans() | st.integers() | st.sampled_from(["HS256", "own-2", "b64", "x"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["alg", "kid", "crit", "b64", "typ"]), inner)
        ),
    ),
    rest=st.text(max_size=30),
)
def test_whatever_arrives_as_a_token_is_refused_and_breaks_nothing(public_key, header, rest):
    vault = KmsVault(
        Kms(None, encryption_key="", signing_key=""), public_key, KEYS, 2, clock=lambda: NOW
    )
    head = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()

    for token in (rest, f"{head}.{rest}", f"{head}.e30.{rest}", f"{head}.e30.AAAA"):
        refuse(vault, token)


# ------------------------------------------------------------------ refusals


async def test_a_key_that_is_not_there_is_named_by_the_word_of_kms(aws):
    gone = "00000000-0000-0000-0000-000000000000"
    nothing = Kms(aws.client, encryption_key=gone, signing_key=gone)

    for refused in (nothing.wrap(b"x"), nothing.public_key(), nothing.sign(b"x")):
        with pytest.raises(KeyServiceDown) as down:
            await refused
        assert down.value.detail == "NotFoundException: AWS KMS refuses"
        assert down.value.__suppress_context__


async def test_a_key_that_cannot_sign_for_clouds_is_found_out(aws):
    with pytest.raises(ValueError, match="not an RSA key"):
        await Kms(aws.client, encryption_key=aws.wraps, signing_key=aws.curve).public_key()


async def test_kms_that_is_away_is_told_without_the_request():
    away = Kms(client_at("http://127.0.0.1:1"), encryption_key="k", signing_key="k")

    with pytest.raises(KeyServiceDown) as down:
        await away.wrap(b"hunter2")

    assert down.value.detail == "EndpointConnectionError: AWS KMS cannot be asked"


async def test_without_credentials_that_is_said(aws, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    alone = connect_kms(
        encryption_key=aws.wraps, signing_key=aws.signs, region=REGION, endpoint=aws.url
    )

    with pytest.raises(KeyServiceDown, match="key service") as down:
        await alone.wrap(b"x")

    assert down.value.detail.startswith("NoCredentialsError")


async def test_signing_leaves_the_loop_free(kms):
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticking = asyncio.create_task(tick())
    await kms.sign(b"x")
    ticking.cancel()

    assert ticks > 1


def test_whoever_does_not_use_kms_does_not_load_its_library():
    code = "import sys, gantry.apps.wiring; sys.exit('botocore' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
