"""Sealing and opening what is too large to be held twice: AES-256-GCM over pieces.

Together the pieces are what the vault makes in one go, so that either way opens the other's.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import (
    AEADDecryptionContext,
    AEADEncryptionContext,
    Cipher,
)
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import GCM

from gantry.ports.vault import Unreadable

TAG_BYTES = 16
CHANGED = "A stored secret cannot be opened: it was changed, moved, or its key was."
CUT_SHORT = "A stored secret is cut short or of an unknown format."


class PieceSealer:
    """Seals one thing, a piece at a time. `head` goes before it as it is."""

    def __init__(self, data_key: bytes, head: bytes, nonce: bytes, bound_to: bytes) -> None:
        self._head = head
        self._cipher: AEADEncryptionContext = Cipher(AES256(data_key), GCM(nonce)).encryptor()
        self._cipher.authenticate_additional_data(bound_to)

    def take(self, plain: bytes | memoryview) -> bytes:
        """The next piece, sealed."""
        head, self._head = self._head, b""
        return head + self._cipher.update(plain)

    def finish(self) -> bytes:
        """What goes after the last piece."""
        return self.take(b"") + self._cipher.finalize() + self._cipher.tag


class PieceOpener:
    """Opens one thing, a piece at a time. `begin` reads its head of `head_bytes`."""

    def __init__(self, head_bytes: int, begin: Callable[[bytes], AEADDecryptionContext]) -> None:
        self._head_bytes, self._begin = head_bytes, begin
        self._cipher: AEADDecryptionContext | None = None
        self._rest = b""
        """Not looked at yet: less than a head, or what may be the tag."""

    def take(self, sealed: bytes) -> bytes:
        """Plain text, not to be used before `finish` has said that it is whole."""
        rest = self._rest + sealed
        if self._cipher is None:
            if len(rest) < self._head_bytes:
                self._rest = rest
                return b""
            self._cipher = self._begin(rest[: self._head_bytes])
            rest = rest[self._head_bytes :]
        split = max(len(rest) - TAG_BYTES, 0)
        self._rest = rest[split:]
        return self._cipher.update(memoryview(rest)[:split])

    def finish(self) -> None:
        """Everything was taken. Raises Unreadable unless it is what was sealed."""
        if self._cipher is None or len(self._rest) < TAG_BYTES:
            raise Unreadable(CUT_SHORT)
        try:
            self._cipher.finalize_with_tag(self._rest)
        except InvalidTag:
            raise Unreadable(CHANGED) from None


def decryption(data_key: bytes, nonce: bytes, bound_to: bytes) -> AEADDecryptionContext:
    """What opens pieces, once their head has said how."""
    cipher: AEADDecryptionContext = Cipher(AES256(data_key), GCM(nonce)).decryptor()
    cipher.authenticate_additional_data(bound_to)
    return cipher
