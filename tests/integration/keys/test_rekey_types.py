"""From an RSA key to keys in KMS and back, while everything runs."""

from __future__ import annotations

import json
from datetime import timedelta

import boto3
import pytest
from botocore.config import Config
from gantry.apps import key_keeper
from gantry.apps.keys import Keyrings, KmsKeyring, RsaKeyring
from gantry.apps.settings import MisconfiguredError
from gantry.domains.audit import chain
from gantry.domains.keys.kinds import Phase
from gantry.infra.kms import Kms
from gantry.infra.tokens import is_confirmed
from gantry.infra.vault import RsaVault
from gantry.kernel.tx import SYSTEM
from gantry.ports.vault import InvalidToken, KeyServiceDown, Unreadable
from joserfc import jwt
from joserfc.jwk import OctKey
from structlog.testing import capture_logs

from tests.support.object_stores import moto_server
from tests.support.rekeying import Member, keep_first_key, member, rings

REGION = "us-east-1"


@pytest.fixture(scope="module")
async def kms():
    """The keys in KMS."""
    with moto_server() as url:
        client = boto3.client(
            "kms",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="secret",
        )

        def made(**wanted) -> str:
            return client.create_key(**wanted)["KeyMetadata"]["KeyId"]

        keys = Kms(
            client,
            encryption_key=made(),
            signing_key=made(KeyUsage="SIGN_VERIFY", KeySpec="RSA_4096"),
        )
        yield KmsKeyring(keys, await keys.public_key())


@pytest.fixture
async def rsa(core):
    ring = RsaKeyring(core.keys.private)
    await keep_first_key(core.db, rings(ring), core.keys.vault.data_keys[1])
    return ring


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """How long processes wait at their start for others to hear of their keys: noted, not done."""
    noted: list[float] = []

    async def sleep(seconds: float) -> None:
        noted.append(seconds)

    monkeypatch.setattr(key_keeper, "_pause", sleep)
    return noted


async def started(core, present, other=None) -> Member:
    return await member(core.db, core.objects, core.url, rings(present, other))


async def token(core, one: Member, *, last: timedelta = timedelta(days=6)) -> str:
    async with core.db.read(SYSTEM) as tx:
        until = int((tx.now + last).timestamp())
    return one.vault.sign({"sub": "ada", "aud": ["us"], "purpose": "session", "exp": until})


async def vouched(core, one: Member) -> str:
    async with core.db.read(SYSTEM) as tx:
        until = int((tx.now + timedelta(hours=1)).timestamp())
    return await one.vault.vouch({"sub": "run", "aud": "cloud", "exp": until})


def takes(one: Member, signed: str) -> bool:
    try:
        return one.vault.verify(signed, audience="us", purpose="session").subject == "ada"
    except InvalidToken:
        return False


async def wrapped(core) -> dict[int, bool]:
    """Of each data key, whether KMS wrapped it."""
    rows = await core.rows("select version, wrapped from data_key order by version")
    return {int(str(row[0])): bytes(row[1]).startswith(b"aws-kms:") for row in rows}


async def unused_for(core, days: int) -> None:
    """No key that signs was used for so long."""
    earlier = f"last_used_at - interval '{days} days'"
    await core.change(f"update signing_key set first_used_at = {earlier}, last_used_at = {earlier}")


async def test_the_type_is_switched_and_switched_back_and_nothing_is_refused(core, rsa, kms, waits):
    old = await started(core, rsa)
    await old.beat()
    sealed = old.vault.seal(b"hunter2", identity="row")
    tokens = [await token(core, old)]
    shown = [await vouched(core, old)]
    await chain.seal(core.db)

    # Every process is restarted with the new type, one after the other; the old key stays set.
    new = await started(core, kms, rsa)
    assert waits == [17.0]  # until the others know what it signs with
    await new.beat()
    await old.beat()
    tokens.append(await token(core, new))
    shown.append(await vouched(core, new))
    for one in (old, new):
        assert all(takes(one, signed) for signed in tokens)
        assert all(is_confirmed(signed, one.vault.jwks()) for signed in shown)
        assert one.vault.open(sealed, identity="row") == b"hunter2"

    # A process of the old type that cannot open what KMS wraps is waited for.
    await new.start()
    await old.beat()
    await new.beat()
    assert await new.step() is Phase.ANNOUNCED
    assert [one.id for one in (await new.standing()).waits_for] == [old.id]
    await core.change("delete from process where id = :id", id=old.id)
    assert await new.step() is Phase.SWITCHED
    await new.beat()
    tokens.append(await token(core, new))
    assert await new.step() is Phase.DONE

    # Then the RSA key is not needed any more: not by the data key from before either.
    assert await wrapped(core) == {1: True, 2: True}
    alone = await started(core, kms)
    assert all(takes(alone, signed) for signed in tokens)
    assert all(is_confirmed(signed, alone.vault.jwks()) for signed in shown)
    assert alone.vault.open(sealed, identity="row") == b"hunter2"
    with pytest.raises(Unreadable, match="ENCRYPTION_TYPE has to be kms"):
        await started(core, rsa)

    # And back.
    back = await started(core, rsa, kms)
    await core.change("delete from process")
    await back.beat()
    assert all(takes(back, signed) for signed in tokens)
    await back.start()
    assert await back.finish() is Phase.DONE
    assert await wrapped(core) == {1: False, 2: False, 3: False}
    last = await started(core, rsa)
    assert all(takes(last, signed) for signed in tokens)
    assert all(is_confirmed(signed, last.vault.jwks()) for signed in shown)


async def test_a_key_that_is_no_longer_used_is_believed_until_its_tokens_have_expired(
    core, rsa, kms
):
    old = await started(core, rsa)
    signed, shown = await token(core, old), await vouched(core, old)
    await unused_for(core, 6)
    new = await started(core, kms, rsa)
    await new.beat()
    assert takes(new, signed)

    await unused_for(core, 2)
    await new.beat()

    assert not takes(new, signed)
    assert not is_confirmed(shown, new.vault.jwks())


async def test_checkpoints_are_proven_by_keys_that_are_gone(core, rsa, kms):
    old = await started(core, rsa)
    await old.start()
    await chain.seal(core.db)
    await chain.checkpoint(core.db, old.vault, core.objects)
    await old.finish()
    new = await started(core, kms, rsa)
    await new.start()
    await chain.seal(core.db)
    await core.change("update audit_chain set checkpoint_at = null")
    await chain.checkpoint(core.db, new.vault, core.objects)
    await core.change("delete from process")
    await new.finish()
    await core.change("update rekey set switched_at = switched_at - interval '8 days'")
    assert await new.retire() == [1, 2]

    latest = await started(core, kms)

    verdict = await chain.verify(core.db, latest.vault, core.objects)
    assert (verdict.broken_at, verdict.checkpoints) == (None, 2)


async def test_a_key_that_is_gone_proves_nothing_that_is_newer(core, rsa, kms):
    old = await started(core, rsa)
    await unused_for(core, 400)
    new = await started(core, kms, rsa)
    await new.beat()
    async with core.db.read(SYSTEM) as tx:
        now = int(tx.now.timestamp())
    forged = old.vault.sign(
        {"sub": "9", "aud": ["us"], "purpose": "checkpoint", "iat": now, "exp": now + 3600}
    )

    with pytest.raises(InvalidToken):
        new.vault.verify(forged, audience="us", purpose="checkpoint", ever=True)


async def test_whoever_can_write_the_database_cannot_add_a_key(core, rsa):
    one = await started(core, rsa)
    theirs = OctKey.generate_key(256)
    jwk = json.dumps(theirs.as_dict(private=True))
    said = json.dumps({"algorithm": "HS256", "own": True, "jwk": jwk}).encode()
    elsewhere = RsaVault(core.keys.private, {1: b"e" * 32}, 1)
    for kid, sealed in {
        "plain": said,
        "theirs": elsewhere.seal(said, identity="signing-key:theirs"),
        "moved": one.vault.seal(said, identity="signing-key:another"),
    }.items():
        await core.change(
            "insert into signing_key values (:kid, :sealed, now(), now())",
            kid=kid,
            sealed=sealed,
        )

    await one.beat()

    async with core.db.read(SYSTEM) as tx:
        until = int((tx.now + timedelta(hours=1)).timestamp())
    claims = {"sub": "ada", "aud": ["us"], "purpose": "session", "exp": until}
    for kid in ("plain", "theirs", "moved"):
        assert not takes(one, jwt.encode({"alg": "HS256", "kid": kid}, claims, theirs))
    assert takes(one, one.vault.sign(claims))


# -- keys that are away, or not for everybody


def away(kms: KmsKeyring) -> KmsKeyring:
    """The same keys, in a KMS that nobody reaches."""
    client = boto3.client(
        "kms",
        endpoint_url="http://127.0.0.1:1",
        region_name=REGION,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}),
    )
    return KmsKeyring(Kms(client, encryption_key="any", signing_key="any"), kms._public_key)


async def test_a_rekey_waits_for_a_key_service_that_is_away_and_says_so(core, rsa, kms):
    one = await started(core, kms, rsa)
    await one.start()
    await one.beat()
    assert await one.step() is Phase.SWITCHED
    await one.beat()
    one.keeper.ring = rings(away(kms), rsa)

    with capture_logs() as logged:
        assert await one.step() is None

    said = [line["reason"] for line in logged if line["event"] == "re-key waits"]
    assert len(said) == 1
    assert said[0].startswith("ENCRYPTION_KMS_ENCRYPTION_KEY_ID is not usable: AWS KMS cannot be")
    assert await core.rows("select phase, holder from rekey") == [("walking", None)]
    assert await wrapped(core) == {1: False, 2: True}
    one.keeper.ring = rings(kms, rsa)
    assert await one.step() is Phase.DONE
    assert await wrapped(core) == {1: True, 2: True}


async def test_a_rekey_waits_for_settings_that_went_too_early(core, rsa, kms):
    one = await started(core, kms, rsa)
    await one.start()
    await one.beat()
    assert await one.step() is Phase.SWITCHED
    await one.beat()
    one.keeper.ring = rings(kms)

    with capture_logs() as logged:
        assert await one.step() is None

    (line,) = (line for line in logged if line["event"] == "re-key waits")
    assert "ENCRYPTION_RSA_PRIVATE_KEY be set beside" in line["reason"]


async def test_the_other_type_s_key_that_cannot_be_used_is_waited_for(rsa):
    async def gone() -> None:
        raise MisconfiguredError("ENCRYPTION_KMS_SIGNING_KEY_ID is not usable")

    with pytest.raises(KeyServiceDown, match="ENCRYPTION_KMS_SIGNING_KEY_ID is not usable"):
        await Keyrings(rsa, gone).unwrap(b"aws-kms:anything")


async def test_a_process_starts_without_a_key_that_is_only_announced(core, rsa, kms):
    old = await started(core, rsa)
    sealed = old.vault.seal(b"hunter2", identity="row")
    new = await started(core, kms, rsa)
    await new.start()

    late = await started(core, rsa)

    assert late.vault.open(sealed, identity="row") == b"hunter2"
    assert not late.vault.opens(2)
    await late.beat()
    await new.beat()
    assert await new.step() is Phase.ANNOUNCED
    assert [one.id for one in (await new.standing()).waits_for] == [late.id]
