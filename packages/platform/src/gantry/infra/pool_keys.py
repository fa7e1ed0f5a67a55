"""The key pair of the embedded worker's pool, made as an operator would make one with openssl."""

from __future__ import annotations

import base64

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

COMMON_NAME = "workers.spacelift.io"  # what existing clients put into their requests


def new_pool_key(existing: str | None) -> tuple[str | None, str]:
    """A fresh private key (base64 of PEM) and a signing request (PEM) for it.

    With an existing key, None and a request for that one. 2048 bits: the key only protects
    workspaces and proofs on this machine, and signs at every call.
    """
    if existing is None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        pem = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        made: str | None = base64.b64encode(pem).decode()
    else:
        loaded = serialization.load_pem_private_key(base64.b64decode(existing), password=None)
        if not isinstance(loaded, rsa.RSAPrivateKey):
            raise ValueError("the public pool's key is not an RSA key")
        key, made = loaded, None
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME)])
    request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    return made, request.public_bytes(serialization.Encoding.PEM).decode()
