"""The hybrid encryption that the command line tool understands: AES-256-CBC under RSA-OAEP."""

from __future__ import annotations

import base64
import binascii
import os

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import load_der_public_key

from gantry.kernel.secret import Secret
from gantry.ports.handover import BadKey, Parcel

MAX_KEY = 4096
"""Characters of a key as it comes: one of 8192 bits has two thousand."""
BITS = range(2048, 8193)
"""Sizes of RSA keys: smaller ones are broken, larger ones only cost. The tool makes 4096."""
_HEAD, _TAIL = "-----BEGIN RSA PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----"
_BLOCK = 128
"""Bits of AES' blocks."""


class CommandLineHandover:
    """The port `Handover`."""

    def pack(self, public_key: str, token: Secret) -> Parcel:
        """See the port."""
        receiver = _read(public_key)
        key, start = os.urandom(32), os.urandom(_BLOCK // 8)
        padder = padding.PKCS7(_BLOCK).padder()
        padded = padder.update(token.reveal().encode()) + padder.finalize()
        cipher = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
        sealed = start + cipher.update(padded) + cipher.finalize()
        oaep = OAEP(mgf=MGF1(hashes.SHA512()), algorithm=hashes.SHA512(), label=None)
        return Parcel(_encoded(sealed), _encoded(receiver.encrypt(key, oaep)))


def _read(text: str) -> RSAPublicKey:
    """Base64url of PEM. The label says PKCS #1; what is in it is a SubjectPublicKeyInfo."""
    try:
        if len(text) > MAX_KEY:
            raise ValueError
        pem = _decoded(text).decode("ascii").strip()
        if not pem.startswith(_HEAD) or not pem.endswith(_TAIL):
            raise ValueError
        body = "".join(pem[len(_HEAD) : -len(_TAIL)].split())
        found = load_der_public_key(base64.b64decode(body, validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        raise BadKey("The command line tool's key cannot be read; run its login again.") from None
    if not isinstance(found, RSAPublicKey) or found.key_size not in BITS:
        raise BadKey(f"The command line tool's key is not RSA of {BITS[0]} to {BITS[-1]} bits.")
    return found


def _decoded(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
