"""Certificate authorities that an operator adds, in the one form that server and worker take."""

from __future__ import annotations

import base64
import binascii
import json
import re

_CERTIFICATE = re.compile(
    r"-----BEGIN CERTIFICATE-----\s+[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----"
)

SYSTEM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # BSD, and some containers
)
"""Where systems keep the authorities they trust, in one file of PEM."""


def decode_root_cas(text: str) -> str:
    """The certificates in ADDITIONAL_ROOT_CAS, as PEM one after the other.

    `text` is base64 of `{"caCertificates": ["<base64 of PEM>", …]}`.
    Raises ValueError with a sentence for the operator.
    """
    wrong = 'must be base64 of {"caCertificates": ["<base64 of a PEM certificate>", ...]}'
    try:
        document = json.loads(_base64(text))
        certificates = [_base64(entry).decode() for entry in document["caCertificates"]]
    except (ValueError, binascii.Error, LookupError, TypeError, RecursionError, AttributeError):
        raise ValueError(wrong) from None
    for number, pem in enumerate(certificates, start=1):
        if not _CERTIFICATE.search(pem):
            raise ValueError(f"{wrong}; certificate {number} is not PEM")
    return "\n".join(certificates)


def _base64(text: str) -> bytes:
    return base64.b64decode("".join(text.split()), validate=True)
