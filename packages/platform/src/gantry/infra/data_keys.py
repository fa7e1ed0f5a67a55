"""What data keys do, whoever keeps them: seal rows, and sign URLs of our own.

A sealed value is: 1 byte format, 4 bytes version of the data key (big-endian), 12 bytes nonce,
then AES-256-GCM ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gantry.infra.sealed_pieces import (
    CHANGED,
    CUT_SHORT,
    TAG_BYTES,
    PieceOpener,
    PieceSealer,
    decryption,
)
from gantry.ports.vault import Opening, Sealing, Unreadable

_FORMAT = b"\x01"
_VERSION_BYTES = 4
_NONCE_BYTES = 12  # the size GCM is defined for; random nonces are safe to 2**32 seals per key
_HEAD = len(_FORMAT) + _VERSION_BYTES + _NONCE_BYTES
_DATA_KEY_BYTES = 32  # AES-256
_MAX_VERSION = 2 ** (8 * _VERSION_BYTES) - 1


class DataKeys:
    """Seals with the `current` data key, opens with any.

    `data_keys` maps versions (0 to 2**32 - 1) to unwrapped keys of 32 bytes. Raises ValueError
    for anything else.
    """

    def __init__(self, data_keys: Mapping[int, bytes], current: int) -> None:
        if current not in data_keys:
            raise ValueError(f"There is no data key of the current version {current}.")
        for version, data_key in data_keys.items():
            if not 0 <= version <= _MAX_VERSION or len(data_key) != _DATA_KEY_BYTES:
                raise ValueError(f"Data key {version} is not 32 bytes, or its version not 32 bits.")
        self._current = current
        self._data_keys = dict(data_keys)
        self._ciphers = {version: AESGCM(key) for version, key in data_keys.items()}
        self._url_keys = {v: derived(key, b"gantry url") for v, key in data_keys.items()}

    def seal(self, plain: bytes, *, identity: str) -> bytes:
        """See the port. Sealing the same bytes twice gives two different answers."""
        nonce = os.urandom(_NONCE_BYTES)
        version = self._current.to_bytes(_VERSION_BYTES, "big")
        sealed = self._ciphers[self._current].encrypt(nonce, plain, _bound_to(identity, version))
        return _FORMAT + version + nonce + sealed

    def open(self, sealed: bytes, *, identity: str) -> bytes:
        """See the port. Which of key, identity and bytes is wrong cannot always be told."""
        if len(sealed) < _HEAD + TAG_BYTES:
            raise Unreadable(CUT_SHORT)
        version, nonce = self._read_head(sealed[:_HEAD])
        cipher = self._ciphers[int.from_bytes(version, "big")]
        try:
            return cipher.decrypt(nonce, sealed[_HEAD:], _bound_to(identity, version))
        except InvalidTag:
            raise Unreadable(CHANGED) from None

    def sealing(self, *, identity: str) -> Sealing:
        """See the port."""
        nonce = os.urandom(_NONCE_BYTES)
        version = self._current.to_bytes(_VERSION_BYTES, "big")
        return PieceSealer(
            self._data_keys[self._current],
            _FORMAT + version + nonce,
            nonce,
            _bound_to(identity, version),
        )

    def opening(self, *, identity: str) -> Opening:
        """See the port."""

        def begin(head: bytes) -> AEADDecryptionContext:
            version, nonce = self._read_head(head)
            data_key = self._data_keys[int.from_bytes(version, "big")]
            return decryption(data_key, nonce, _bound_to(identity, version))

        return PieceOpener(_HEAD, begin)

    def _read_head(self, head: bytes) -> tuple[bytes, bytes]:
        """Version and nonce. Raises Unreadable for what no key that is here has sealed."""
        if head[:1] != _FORMAT:
            raise Unreadable(CUT_SHORT)
        version, nonce = head[1 : 1 + _VERSION_BYTES], head[1 + _VERSION_BYTES :]
        if int.from_bytes(version, "big") not in self._ciphers:
            raise Unreadable("A stored secret was sealed with a key that is not here any more.")
        return version, nonce

    def sign_url(self, text: str) -> str:
        """See the port. HMAC-SHA256 with a key derived from the current data key."""
        return _url_digest(self._url_keys[self._current], text)

    def check_url(self, text: str, signature: str) -> bool:
        """See the port. Takes the same time whatever the signature is."""
        given = signature.encode(errors="replace")
        matches = [
            hmac.compare_digest(_url_digest(key, text).encode(), given)
            for key in self._url_keys.values()
        ]
        return any(matches)


def new_data_key() -> bytes:
    """A fresh data key: 32 random bytes. Wrap it before it is stored."""
    return os.urandom(_DATA_KEY_BYTES)


def derived(data_key: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose, which tells nothing of the data key or of others."""
    return HKDF(algorithm=hashes.SHA256(), length=_DATA_KEY_BYTES, salt=None, info=purpose).derive(
        data_key
    )


def _bound_to(identity: str, version: bytes) -> bytes:
    # The version has a fixed length, so no two pairs of identity and version read the same.
    return b"gantry:" + identity.encode() + version


def _url_digest(key: bytes, text: str) -> str:
    # A request's path may hold lone surrogates: no signed text does, but asking must not fail.
    return hmac.new(key, text.encode(errors="surrogatepass"), "sha256").hexdigest()
