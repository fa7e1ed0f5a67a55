"""The pool's private key in a worker: proves who calls, opens what the server sealed, and seals
workspaces so that neither the server nor its storage can read or change them.

A sealed workspace is a head and then chunks. The head holds the format, a random AES-256 key
wrapped with the pool's public key (RSA-OAEP, SHA-256), the first 7 bytes of every nonce, and a
signature (RSA-PSS, SHA-256) over all that and the run's id: the public key is no secret, so
wrapping alone would let anybody put another workspace in place. Each chunk is 1 MiB of plain text
(the last one less) under AES-256-GCM; its nonce ends in the chunk's number and in whether it is
the last, so that chunks cannot be moved, left out, cut off or added.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwe, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from gantry_worker.trust import present

PROOF_PURPOSE = "worker"
MAX_PROOF = timedelta(minutes=10)  # gantry_protocol.calls: a proof lasts ten minutes at most
PROOF_LASTS = timedelta(minutes=5)  # half of that: the clocks may be minutes apart
_RENEWED = timedelta(seconds=60)  # longer than a call takes, so that no proof ends under way

# A manifest with every file that a stack may mount is some megabytes: a larger one is a mistake,
# and has to be refused before it fills the worker's memory. Characters of base64.
_MAX_SEALED = 64 * 1024 * 1024

_MIN_BITS = 2048  # the control plane signs no certificate for a weaker key
_MAX_BITS = 6144  # nor for a larger one

_FORMAT = b"GWA\x01"  # no JWT begins with this, so a proof's signature never passes for a head's
_PREFIX_BYTES = 7  # of 12 bytes of nonce; 4 are the chunk's number and 1 says whether it is last
_TAG_BYTES = 16
_CHUNK = 1024 * 1024  # bytes: large enough that the tags are nothing, small enough to hold three

_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)


class CorruptWorkspace(Exception):
    """A sealed workspace that is not, byte for byte, what this pool sealed for this run."""


class Undecryptable(Exception):
    """A message that was not sealed for this pool's key, or was changed on its way."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


class PoolKey:
    """The private key of a worker pool, from PEM (RSA of 2048 to 6144 bits, not encrypted).

    Raises ValueError with a sentence for the operator. Safe to use from several threads.
    """

    def __init__(self, private_key_pem: str, *, clock: Callable[[], datetime] = _utc_now) -> None:
        self._private = _rsa_key(private_key_pem.encode())
        self._jose = RSAKey.import_key(self._private)
        self._size = (self._private.key_size + 7) // 8  # bytes of a wrapped key and of a signature
        self._sealing = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"])
        self._sealing.max_ciphertext_length = _MAX_SEALED
        self._proofs: dict[tuple[str, str, str, timedelta], tuple[str, datetime]] = {}
        self._clock = clock

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the public key in DER, as `openssl pkey -pubout -outform DER` has it."""
        der = self._private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return hashlib.sha256(der).hexdigest()

    def proof(
        self, *, worker_id: str, audience: str, pool_id: str = "", lasts: timedelta = PROOF_LASTS
    ) -> str:
        """A JWT that this worker makes this call; the same one until a minute before it ends.

        `pool_id` becomes `iss` (gantry_protocol.calls). Raises ValueError for more than ten
        minutes, which the control plane would refuse.
        """
        if not timedelta(0) < lasts <= MAX_PROOF:
            raise ValueError("a proof lasts more than no time and at most ten minutes")
        now = self._clock()
        key = (worker_id, audience, pool_id, lasts)
        proof, ends = self._proofs.get(key, ("", now))
        if now < ends - _RENEWED:
            return proof
        ends = now + lasts
        # No `iat` or `nbf`: a worker whose clock is a minute fast would be turned away.
        claims = {
            "sub": worker_id,
            "aud": [audience],
            "purpose": PROOF_PURPOSE,
            "exp": int(ends.timestamp()),
        }
        if pool_id:
            claims["iss"] = pool_id
        proof = jwt.encode({"alg": "RS256"}, claims, self._jose, algorithms=["RS256"])
        kept = {old: made for old, made in self._proofs.items() if made[1] > now}
        self._proofs = {**kept, key: (proof, ends)}
        return proof

    def present(self, context: ssl.SSLContext, certificate_pem: str) -> None:
        """Let connections made with the context show the pool's certificate. Blocking."""
        pem = self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        present(context, certificate_pem, pem.decode())

    def decrypt(self, sealed: str) -> bytes:
        """What the control plane sealed for this pool (a compact JWE). Raises Undecryptable."""
        try:
            opened = jwe.decrypt_compact(sealed, self._jose, registry=self._sealing).plaintext
        # joserfc 1.8 raises the latter three for messages that are not even odd JSON.
        except (JoseError, ValueError, TypeError, RecursionError):
            opened = None
        if opened is None:
            raise Undecryptable(
                "what the control plane sent cannot be opened with this pool's private key;"
                " check that SPACELIFT_TOKEN and SPACELIFT_POOL_PRIVATE_KEY are of the same pool"
            )
        return opened

    def seal_file(self, source: Path, target: Path, *, run_id: str = "") -> None:
        """Write `source` to `target` so that only this pool's workers can read it, for this run.

        Blocks; holds some 3 MiB whatever the size. `target` appears whole or not at all.
        """
        key = os.urandom(32)  # AES-256
        prefix = os.urandom(_PREFIX_BYTES)
        head = _FORMAT + self._private.public_key().encrypt(key, _OAEP) + prefix
        signature = self._private.sign(head + run_id.encode(), _PSS, hashes.SHA256())
        cipher = AESGCM(key)
        with source.open("rb") as plain, _appearing(target) as sealed:
            sealed.write(head + signature)
            for number, (chunk, last) in enumerate(_chunks(plain, _CHUNK)):
                sealed.write(cipher.encrypt(_nonce(prefix, number, last), chunk, None))

    def open_file(self, source: Path, target: Path, *, run_id: str = "") -> None:
        """Write to `target` what `seal_file` was given with the same `run_id`.

        Blocks; holds some 3 MiB whatever the size. Raises CorruptWorkspace for anything that was
        changed, cut short, mixed up, or sealed by another pool or for another run; nothing of it
        appears at `target` then, and what was there stays.
        """
        with source.open("rb") as sealed, _appearing(target) as plain:
            cipher, prefix = self._read_head(sealed, run_id)
            for number, (chunk, last) in enumerate(_chunks(sealed, _CHUNK + _TAG_BYTES)):
                try:
                    plain.write(cipher.decrypt(_nonce(prefix, number, last), chunk, None))
                except InvalidTag:
                    raise CorruptWorkspace(
                        "the stored workspace was changed or cut short;"
                        f" it is right up to byte {number * _CHUNK}"
                    ) from None

    def _read_head(self, sealed: BinaryIO, run_id: str) -> tuple[AESGCM, bytes]:
        """The cipher and the start of its nonces. Raises CorruptWorkspace."""
        head = sealed.read(len(_FORMAT) + self._size + _PREFIX_BYTES)
        signature = sealed.read(self._size)
        if not head.startswith(_FORMAT):
            raise CorruptWorkspace("the stored workspace is not one, or of another version")
        try:
            self._private.public_key().verify(
                signature, head + run_id.encode(), _PSS, hashes.SHA256()
            )
            key = self._private.decrypt(head[len(_FORMAT) : -_PREFIX_BYTES], _OAEP)
        except (InvalidSignature, ValueError):
            raise CorruptWorkspace(
                "the stored workspace was not sealed by this pool for this run, or was changed"
            ) from None
        return AESGCM(key), head[-_PREFIX_BYTES:]


def load_pool_key(value: str) -> PoolKey:
    """The key in SPACELIFT_POOL_PRIVATE_KEY: base64 of the whole PEM file, on one line.

    Line breaks are ignored. Raises ValueError with a sentence for the operator, which never
    quotes the value.
    """
    name = "SPACELIFT_POOL_PRIVATE_KEY"
    try:
        pem = base64.b64decode("".join(value.split()), validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(
            f"{name} is not base64; encode the whole key file with `base64 -w0`"
        ) from None
    try:
        return PoolKey(pem.decode())
    except UnicodeDecodeError:
        raise ValueError(f"{name}: this is not a PEM private key") from None
    except ValueError as wrong:
        raise ValueError(f"{name}: {wrong}") from None


def _rsa_key(pem: bytes) -> RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise ValueError("the key is encrypted; store it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ValueError("this is not a PEM private key") from None
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("the key is not an RSA key")
    if not _MIN_BITS <= key.key_size <= _MAX_BITS:
        raise ValueError(f"the key has {key.key_size} bits; {_MIN_BITS} to {_MAX_BITS} will do")
    return key


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    # Four bytes of number are 4 PiB of chunks; more would raise OverflowError, never repeat.
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _chunks(file: BinaryIO, size: int) -> Iterator[tuple[bytes, bool]]:
    """The file in pieces of `size` bytes, each with whether it is the last.

    An empty file is one empty piece: even nothing at all has to be sealed.
    """
    chunk = file.read(size)
    while following := file.read(size):
        yield chunk, False
        chunk = following
    yield chunk, True


@contextmanager
def _appearing(target: Path) -> Iterator[BinaryIO]:
    """A file that takes `target`'s place when the block ends well, and vanishes when not.

    Readable by its owner only, from the start: it holds a state file's secrets.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    unfinished = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        unfinished.replace(target)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
