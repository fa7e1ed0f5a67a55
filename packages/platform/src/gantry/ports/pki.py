"""The certificates of worker pools."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gantry.kernel.errors import UserError


class BadCertificateRequest(UserError):
    """A certificate signing request that cannot be read, or whose key is too weak."""

    code = "BAD_CERTIFICATE_REQUEST"


@dataclass(frozen=True, slots=True)
class PoolCertificate:
    """A certificate that our CA signed, and the public key it speaks for (both PEM)."""

    certificate_pem: str
    public_key_pem: str


class Authority(Protocol):
    """Our own certificate authority, and what is checked against its certificates."""

    def issue(self, request: str, *, pool_id: str) -> PoolCertificate:
        """Sign a PEM (or base64 of PEM) signing request. Raises BadCertificateRequest."""
        ...

    def check_proof(self, proof: str, *, public_key_pem: str, audience: str, pool_id: str) -> str:
        """The worker id in a short-lived JWT that the pool's private key signed for this pool.

        Raises InvalidToken (ports.vault).
        """
        ...

    def encrypt_for(self, public_key_pem: str, plain: bytes) -> str:
        """A compact JWE that only the holder of the pool's private key can read."""
        ...
