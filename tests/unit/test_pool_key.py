"""A worker proves who it is, opens what was sealed for its pool, and trusts only its own seals."""

from __future__ import annotations

import base64
import hashlib
import stat
import tempfile
import tracemalloc
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from gantry.infra.pki import PoolAuthority, new_ca
from gantry.ports.vault import InvalidToken
from gantry_protocol.calls import AUDIENCE
from gantry_worker.keys import CorruptWorkspace, PoolKey, Undecryptable, load_pool_key
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import RSAKey

NOW = datetime(2030, 5, 1, 12, 0, tzinfo=UTC)
WORKER = "01J9Z6Y8V7W5T3R1Q0P9N8M7K7"
PEM = serialization.Encoding.PEM
MIB = 1024 * 1024
SEALED = MIB + 16  # a chunk with its tag
HEAD = 4 + 256 + 7 + 256  # format, wrapped key, nonce prefix, signature: of a 2048-bit key


class Clock:
    """Shows what it was set to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@lru_cache
def made_once(name: str) -> rsa.RSAPrivateKey:
    """One key for each name: making them is slow."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def rsa_key(name: str = "pool") -> rsa.RSAPrivateKey:
    return made_once(name)  # always called the same way, or the cache would hold two keys


def pem_of(key, password: bytes | None = None) -> str:
    how = (
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption()
    )
    return key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, how).decode()


def public_pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(PEM, form).decode()


def a_pool_key(name: str = "pool", clock=None) -> PoolKey:
    return PoolKey(pem_of(rsa_key(name)), clock=clock or Clock())


@lru_cache
def the_ca() -> tuple[str, str]:
    return new_ca("Gantry pools")


def authority(clock) -> PoolAuthority:
    return PoolAuthority(*the_ca(), clock=clock)


# ---- proofs

POOL = "01J00000000000000000000P01"


def test_the_control_plane_believes_the_proof_of_a_pools_worker():
    clock = Clock()
    proof = a_pool_key(clock=clock).proof(worker_id=WORKER, audience=AUDIENCE, pool_id=POOL)

    found = authority(clock).check_proof(
        proof, public_key_pem=public_pem(rsa_key()), audience=AUDIENCE, pool_id=POOL
    )

    assert found == WORKER


def test_the_control_plane_does_not_believe_another_pool_or_another_audience():
    clock = Clock()
    proof = a_pool_key("other", clock).proof(worker_id=WORKER, audience=AUDIENCE, pool_id=POOL)
    other = public_pem(rsa_key("other"))

    for key, audience, pool in (
        (public_pem(rsa_key()), AUDIENCE, POOL),
        (other, "gantry", POOL),
        (other, AUDIENCE, "01J00000000000000000000P02"),
    ):
        with pytest.raises(InvalidToken):
            authority(clock).check_proof(proof, public_key_pem=key, audience=audience, pool_id=pool)


@pytest.mark.parametrize("ahead", [timedelta(minutes=5), timedelta(minutes=-4)])
def test_a_worker_whose_clock_is_minutes_off_is_still_believed(ahead):
    key = a_pool_key(clock=Clock(NOW + ahead))
    proof = key.proof(worker_id=WORKER, audience=AUDIENCE, pool_id=POOL)

    found = authority(Clock()).check_proof(
        proof, public_key_pem=public_pem(rsa_key()), audience=AUDIENCE, pool_id=POOL
    )

    assert found == WORKER


def test_a_proof_is_used_again_until_a_minute_before_it_ends():
    clock = Clock()
    key = a_pool_key(clock=clock)
    first = key.proof(worker_id=WORKER, audience=AUDIENCE)

    clock.now = NOW + timedelta(seconds=239)
    assert key.proof(worker_id=WORKER, audience=AUDIENCE) == first

    clock.now = NOW + timedelta(seconds=240)
    second = key.proof(worker_id=WORKER, audience=AUDIENCE)
    assert second != first
    clock.now = NOW + timedelta(seconds=400)
    assert key.proof(worker_id=WORKER, audience=AUDIENCE) == second


def test_a_proof_is_never_lent_to_another_worker_audience_or_pool():
    key = a_pool_key()
    proofs = {
        key.proof(worker_id=WORKER, audience=AUDIENCE),
        key.proof(worker_id=WORKER[::-1], audience=AUDIENCE),
        key.proof(worker_id=WORKER, audience="mqtt"),
        key.proof(worker_id=WORKER, audience=AUDIENCE, pool_id=POOL),
        key.proof(worker_id=WORKER, audience=AUDIENCE, lasts=timedelta(minutes=2)),
    }

    assert len(proofs) == 5


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1), timedelta(minutes=11)])
def test_a_proof_that_would_be_refused_is_not_made(lasts):
    with pytest.raises(ValueError, match="ten minutes"):
        a_pool_key().proof(worker_id=WORKER, audience=AUDIENCE, lasts=lasts)


# ---- messages


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
def test_a_worker_opens_what_the_control_plane_sealed_for_its_pool(size):
    plain = b"x" * size

    sealed = authority(Clock()).encrypt_for(public_pem(rsa_key()), plain)

    assert a_pool_key().decrypt(sealed) == plain


def test_what_was_sealed_for_another_pool_does_not_open_and_says_what_to_check():
    sealed = authority(Clock()).encrypt_for(public_pem(rsa_key("other")), b"secret")

    with pytest.raises(Undecryptable, match="SPACELIFT_POOL_PRIVATE_KEY"):
        a_pool_key().decrypt(sealed)


def test_a_message_with_any_part_changed_does_not_open():
    sealed = authority(Clock()).encrypt_for(public_pem(rsa_key()), b"secret")

    for place in range(5):
        parts = sealed.split(".")
        first = "B" if parts[place][0] == "A" else "A"
        parts[place] = first + parts[place][1:]
        with pytest.raises(Undecryptable):
            a_pool_key().decrypt(".".join(parts))


@pytest.mark.filterwarnings("ignore:JWE algorithm")
@pytest.mark.parametrize(
    "header",
    [
        {"alg": "RSA-OAEP", "enc": "A256GCM"},
        {"alg": "RSA1_5", "enc": "A256GCM"},
        {"alg": "RSA-OAEP-256", "enc": "A128CBC-HS256"},
        {"alg": "RSA-OAEP-256", "enc": "A256GCM", "zip": "DEF"},
    ],
)
def test_a_message_sealed_in_any_other_way_is_refused(header):
    key = RSAKey.import_key(public_pem(rsa_key()))
    sealed = jwe.encrypt_compact(header, b"secret", key, algorithms=list(header.values()))

    with pytest.raises(Undecryptable):
        a_pool_key().decrypt(sealed)


@pytest.mark.parametrize(
    "text",
    ["", "a.b.c", "....", "\ud800", "ImFsZyBlbmMi.AA.AA.AA.AA", "eyJhbGciOltdLCJlbmMiOltdfQ...."],
)
def test_what_is_no_message_is_refused(text):
    with pytest.raises(Undecryptable):
        a_pool_key().decrypt(text)


# ---- workspaces


def seal(plain: bytes, folder: Path, *, run_id: str = "run-1", name: str = "pool") -> bytes:
    source, target = folder / "plain", folder / "sealed"
    source.write_bytes(plain)
    a_pool_key(name).seal_file(source, target, run_id=run_id)
    return target.read_bytes()


def opened(sealed: bytes, folder: Path, *, run_id: str = "run-1") -> bytes:
    source, target = folder / "arrived", folder / "opened"
    source.write_bytes(sealed)
    a_pool_key().open_file(source, target, run_id=run_id)
    return target.read_bytes()


def refuse(sealed: bytes, folder: Path, **how) -> None:
    """Opening raises, leaves what was at the target, and leaves nothing else behind."""
    (folder / "opened").write_bytes(b"what was there")
    before = {path.name for path in folder.iterdir()} | {"arrived"}
    with pytest.raises(CorruptWorkspace):
        opened(sealed, folder, **how)
    assert (folder / "opened").read_bytes() == b"what was there"
    assert {path.name for path in folder.iterdir()} == before


def three_chunks() -> bytes:
    return b"a" * MIB + b"b" * MIB + b"c" * 1000


@settings(max_examples=15, deadline=None)
@given(chunks=st.integers(0, 2), more=st.integers(-40, 40), seed=st.binary(min_size=1, max_size=64))
@example(chunks=0, more=0, seed=b"x")
@example(chunks=1, more=0, seed=b"x")
@example(chunks=1, more=1, seed=b"x")
@example(chunks=1, more=-1, seed=b"x")
@example(chunks=2, more=0, seed=b"x")
def test_a_workspace_of_any_size_comes_back_as_it_was(chunks, more, seed):
    size = max(0, chunks * MIB + more)
    plain = (seed * (size // len(seed) + 1))[:size]

    with tempfile.TemporaryDirectory() as folder:
        sealed = seal(plain, Path(folder))
        assert opened(sealed, Path(folder)) == plain

    assert len(sealed) == HEAD + size + 16 * max(1, -(-size // MIB))


@pytest.mark.parametrize("size", [0, 1000, MIB, 2 * MIB, 2 * MIB + 1000])
def test_a_workspace_cut_at_any_border_of_its_chunks_is_refused(size, tmp_path):
    sealed = seal(b"x" * size, tmp_path)
    borders = [0, 4, HEAD - 256, HEAD, *range(HEAD + SEALED, len(sealed), SEALED)]

    for border in borders:
        for cut in {max(0, border - 1), border, border + 1, border + 16} - {len(sealed)}:
            refuse(sealed[:cut], tmp_path)


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_workspace_cut_anywhere_is_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        sealed = seal(three_chunks(), Path(folder))
        cut = data.draw(st.integers(0, len(sealed) - 1))

        refuse(sealed[:cut], Path(folder))


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_workspace_with_any_bit_changed_is_refused(data):
    with tempfile.TemporaryDirectory() as folder:
        sealed = bytearray(seal(three_chunks(), Path(folder)))
        # Half of the tries in the head, which is a small part of the whole.
        place = data.draw(st.integers(0, HEAD - 1) | st.integers(HEAD, len(sealed) - 1))
        sealed[place] ^= 1 << data.draw(st.integers(0, 7))

        refuse(bytes(sealed), Path(folder))


def test_a_workspace_whose_chunks_are_moved_left_out_repeated_or_added_is_refused(tmp_path):
    sealed = seal(b"a" * MIB + b"b" * MIB + b"c" * MIB, tmp_path)
    head = sealed[:HEAD]
    a, b, c = (sealed[HEAD + i * SEALED : HEAD + (i + 1) * SEALED] for i in range(3))
    assert sealed == head + a + b + c

    for order in (b + a + c, a + c, b + c, c, a + b, a + a + b + c, a + b + c + c, a + c + b):
        refuse(head + order, tmp_path)
    refuse(sealed + b"\0", tmp_path)


def test_a_chunk_of_another_workspace_does_not_fit(tmp_path):
    first, second = seal(three_chunks(), tmp_path), seal(three_chunks(), tmp_path)
    border = HEAD + SEALED

    refuse(first[:border] + second[border:], tmp_path)
    refuse(first[:HEAD] + second[HEAD:], tmp_path)


def test_a_workspace_of_another_run_or_another_pool_is_refused(tmp_path):
    refuse(seal(b"plan", tmp_path, run_id="run-2"), tmp_path)
    refuse(seal(b"plan", tmp_path, name="other"), tmp_path)


def as_an_intruder_would(plain: bytes, run_id: str) -> bytes:
    """A perfect workspace for the pool's public key, but for the signature of somebody else."""
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    key, prefix = b"k" * 32, b"n" * 7
    head = b"GWA\x01" + rsa_key().public_key().encrypt(key, oaep) + prefix
    signature = rsa_key("other").sign(head + run_id.encode(), pss, hashes.SHA256())
    chunk = AESGCM(key).encrypt(prefix + b"\0\0\0\0\1", plain, None)
    return head + signature + chunk


def test_whoever_has_only_the_public_key_cannot_put_another_workspace_in_place(tmp_path):
    genuine = seal(b"good plan", tmp_path)
    forged = as_an_intruder_would(b"evil plan", "run-1")

    assert len(forged) == len(genuine)
    refuse(forged, tmp_path)
    refuse(genuine[: HEAD - 256] + forged[HEAD - 256 :], tmp_path)
    refuse(forged[: HEAD - 256] + genuine[HEAD - 256 : HEAD] + forged[HEAD:], tmp_path)
    assert opened(genuine, tmp_path) == b"good plan"


def test_nothing_that_is_written_can_be_read_by_others(tmp_path):
    opened(seal(b"secret", tmp_path), tmp_path)

    for name in ("sealed", "opened"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert b"secret" not in (tmp_path / "sealed").read_bytes()


def test_sealing_a_file_that_is_not_there_leaves_nothing_behind(tmp_path):
    with pytest.raises(FileNotFoundError):
        a_pool_key().seal_file(tmp_path / "missing", tmp_path / "sealed")

    assert list(tmp_path.iterdir()) == []


def test_a_large_workspace_is_never_held_in_memory(tmp_path):
    (tmp_path / "plain").write_bytes(b"x" * (24 * MIB))
    key = a_pool_key()

    tracemalloc.start()
    try:
        key.seal_file(tmp_path / "plain", tmp_path / "sealed")
        key.open_file(tmp_path / "sealed", tmp_path / "opened")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 5 * MIB
    assert (tmp_path / "opened").stat().st_size == 24 * MIB


# ---- the key itself


def encoded(pem: str) -> str:
    return base64.b64encode(pem.encode()).decode()


def test_the_key_loads_from_its_variable_and_tells_its_fingerprint():
    der = (
        rsa_key()
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    key = load_pool_key(encoded(pem_of(rsa_key())) + "\n")

    assert key.fingerprint == hashlib.sha256(der).hexdigest()
    assert key.fingerprint != a_pool_key("other").fingerprint


def test_a_key_that_cannot_be_used_is_told_apart_and_never_quoted():
    small = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    wrong = {
        "is not base64": pem_of(rsa_key()),
        "not a PEM": encoded("hunter2-hunter2"),
        "not a PEM private key": base64.b64encode(b"\xff\xfe").decode(),
        "is encrypted": encoded(pem_of(rsa_key(), b"passphrase")),
        "not an RSA key": encoded(pem_of(ec.generate_private_key(ec.SECP256R1()))),
        "1024 bits": encoded(pem_of(small)),
    }

    for sentence, value in wrong.items():
        with pytest.raises(ValueError, match=sentence) as refused:
            load_pool_key(value)
        said = str(refused.value)
        assert said.startswith("SPACELIFT_POOL_PRIVATE_KEY")
        assert "hunter2" not in said
        assert value[:20] not in said
        assert refused.value.__cause__ is None


def test_a_key_does_not_show_itself_when_printed():
    numbers = rsa_key().private_numbers()

    shown = repr(a_pool_key()) + str(vars(a_pool_key()))

    assert str(numbers.d) not in shown
    assert "PRIVATE KEY" not in shown
