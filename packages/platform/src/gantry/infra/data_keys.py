"""What data keys do, whoever keeps them: seal rows, and sign URLs of our own.

A sealed value is: 1 byte format, 4 bytes version of the data key (big-endian), 12 bytes nonce,
then AES-256-GCM ciphertext with its 16-byte tag.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import AEADDecryptionContext
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc.jwk import OctKey

from gantry.infra.sealed_pieces import (
    CHANGED,
    CUT_SHORT,
    TAG_BYTES,
    PieceOpener,
    PieceSealer,
    decryption,
)
from gantry.infra.trusted_keys import TrustedKeys
from gantry.kernel.sealed import VERSION_BYTES, named
from gantry.ports.vault import KeptKey, Opening, Sealing, SignedToken, Unreadable

_FORMAT = b"\x01"
_NONCE_BYTES = 12  # the size GCM is defined for; random nonces are safe to 2**32 seals per key
_HEAD = len(_FORMAT) + VERSION_BYTES + _NONCE_BYTES
_DATA_KEY_BYTES = 32  # AES-256
_MAX_VERSION = 2 ** (8 * VERSION_BYTES) - 1


class DataKeys:
    """Seals with the current data key, opens with any, and checks tokens by `trusted`.

    `data_keys` maps versions (0 to 2**32 - 1) to unwrapped keys of 32 bytes. Raises ValueError
    for anything else. Both may change while it is at work: see `learn`.
    """

    def __init__(
        self,
        data_keys: Mapping[int, bytes],
        current: int,
        trusted: TrustedKeys,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._trusted, self._clock = trusted, clock
        self.fetch: Callable[[int], None] = _nowhere
        """Is asked for the key of a version that is not here; may call `learn`, and may block."""
        self.learn(data_keys, current)

    def learn(self, data_keys: Mapping[int, bytes], current: int) -> None:
        """These are the data keys from now on, and no others."""
        if current not in data_keys:
            raise ValueError(f"There is no data key of the current version {current}.")
        for version, data_key in data_keys.items():
            if not 0 <= version <= _MAX_VERSION or len(data_key) != _DATA_KEY_BYTES:
                raise ValueError(f"Data key {version} is not 32 bytes, or its version not 32 bits.")
        own = {
            version: OctKey.import_key(derived(key, b"gantry token"))
            for version, key in data_keys.items()
        }
        self._trusted.set_secrets({_own_kid(version): key for version, key in own.items()})
        # One assignment: a thread that seals meanwhile has all of the old or all of the new.
        self._held = _Held(
            current,
            dict(data_keys),
            {version: AESGCM(key) for version, key in data_keys.items()},
            {version: derived(key, b"gantry url") for version, key in data_keys.items()},
            own[current],
        )

    @property
    def seals_with(self) -> int:
        """See the port."""
        return self._held.current

    def opens(self, version: int) -> bool:
        """See the port."""
        return version in self._held.keys

    @property
    def data_keys(self) -> Mapping[int, bytes]:
        """The unwrapped keys by version, for whoever learns more of them. Secret."""
        return self._held.keys

    @property
    def _own(self) -> tuple[str, OctKey]:
        """What signs tokens of our own where no RSA key does: its `kid`, and the key."""
        held = self._held
        return _own_kid(held.current), held.own

    def seal(self, plain: bytes, *, identity: str) -> bytes:
        """See the port. Sealing the same bytes twice gives two different answers."""
        nonce, held = os.urandom(_NONCE_BYTES), self._held
        version = named(held.current)
        sealed = held.ciphers[held.current].encrypt(nonce, plain, _bound_to(identity, version))
        return _FORMAT + version + nonce + sealed

    def open(self, sealed: bytes, *, identity: str) -> bytes:
        """See the port. Which of key, identity and bytes is wrong cannot always be told."""
        if len(sealed) < _HEAD + TAG_BYTES:
            raise Unreadable(CUT_SHORT)
        version, nonce, held = self._read_head(sealed[:_HEAD])
        cipher = held.ciphers[int.from_bytes(version, "big")]
        try:
            return cipher.decrypt(nonce, sealed[_HEAD:], _bound_to(identity, version))
        except InvalidTag:
            raise Unreadable(CHANGED) from None

    def sealing(self, *, identity: str) -> Sealing:
        """See the port."""
        nonce, held = os.urandom(_NONCE_BYTES), self._held
        version = named(held.current)
        return PieceSealer(
            held.keys[held.current],
            _FORMAT + version + nonce,
            nonce,
            _bound_to(identity, version),
        )

    def opening(self, *, identity: str) -> Opening:
        """See the port."""

        def begin(head: bytes) -> AEADDecryptionContext:
            version, nonce, held = self._read_head(head)
            data_key = held.keys[int.from_bytes(version, "big")]
            return decryption(data_key, nonce, _bound_to(identity, version))

        return PieceOpener(_HEAD, begin)

    def _read_head(self, head: bytes) -> tuple[bytes, bytes, _Held]:
        """Version, nonce and the keys. Raises Unreadable for what no key that is here sealed."""
        if head[:1] != _FORMAT:
            raise Unreadable(CUT_SHORT)
        version, nonce = head[1 : 1 + VERSION_BYTES], head[1 + VERSION_BYTES :]
        if not self.opens(number := int.from_bytes(version, "big")):
            self.fetch(number)
        held = self._held
        if number not in held.keys:
            raise Unreadable("A stored secret was sealed with a key that is not here any more.")
        return version, nonce, held

    def sign_url(self, text: str) -> str:
        """See the port. HMAC-SHA256 with a key derived from the current data key."""
        held = self._held
        return _url_digest(held.url_keys[held.current], text)

    def check_url(self, text: str, signature: str) -> bool:
        """See the port. Takes the same time whatever the signature is."""
        given = signature.encode(errors="replace")
        matches = [
            hmac.compare_digest(_url_digest(key, text).encode(), given)
            for key in self._held.url_keys.values()
        ]
        return any(matches)

    def verify(self, token: str, *, audience: str, purpose: str, ever: bool = False) -> SignedToken:
        """See the port. Asks for `exp`, a `sub`, and an `aud` list of exactly this audience;
        allows five seconds between the clocks.
        """
        return self._trusted.verify(
            token, audience=audience, purpose=purpose, now=self._clock(), ever=ever
        )

    def trust(self, kept: Sequence[KeptKey], *, since: datetime) -> None:
        """Take tokens of these keys too: for `verify` in general if they were used at `since` or
        later, and else only with `ever`.
        """
        self._trusted.trust(kept, since=since)

    def jwks(self) -> Mapping[str, Any]:
        """See the port."""
        return self._trusted.published()


@dataclass(frozen=True, slots=True, repr=False)
class _Held:
    """The data keys, and what is made of them, by version. Not shown to anybody."""

    current: int
    keys: Mapping[int, bytes]
    ciphers: Mapping[int, AESGCM]
    url_keys: Mapping[int, bytes]
    own: OctKey


def _nowhere(version: int) -> None:
    """For vaults whose keys are all there are."""


def _own_kid(version: int) -> str:
    return f"own-{version}"


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
