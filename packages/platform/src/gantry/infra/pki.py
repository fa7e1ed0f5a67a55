"""The certificate authority of worker pools, and what is checked and sealed with their keys."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from joserfc import jwe
from joserfc.jwk import RSAKey

from gantry.infra.tokens import CLOCK_SKEW, check_token, token_rules, utc_now
from gantry.kernel.ids import is_ulid
from gantry.ports.pki import BadCertificateRequest, PoolCertificate
from gantry.ports.vault import InvalidToken

PROOF_PURPOSE = "worker"
MAX_PROOF = timedelta(minutes=10)  # gantry_protocol.calls: a proof lasts ten minutes at most

# A pool lives until somebody resets it, its certificate is part of a token that operators paste
# into their deployments, and nothing renews it: a shorter life would only stop pools one day.
# Reset is how a pool is revoked. The authority itself lives as long for the same reason.
_TEN_YEARS = timedelta(days=3653)
_BACKDATED = timedelta(minutes=5)  # whoever checks a new certificate may have a slow clock

_MIN_BITS = 2048  # NIST SP 800-131A: the least that is still allowed
_MAX_BITS = 6144  # joserfc opens no longer wrapped key: 1024 characters of base64
_MAX_REQUEST = 64 * 1024  # characters: twenty times the request of the largest key we take


class PoolAuthority:
    """Signs pools' certificates with a CA made by `new_ca`; both arguments are PEM.

    Raises ValueError when they cannot be read or do not belong together.
    """

    def __init__(
        self,
        ca_key_pem: str,
        ca_certificate_pem: str,
        *,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        try:
            key = serialization.load_pem_private_key(ca_key_pem.encode(), password=None)
            certificate = x509.load_pem_x509_certificate(ca_certificate_pem.encode())
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ValueError("The key or certificate of the pool authority is not PEM.") from None
        if not isinstance(key, (ec.EllipticCurvePrivateKey, RSAPrivateKey)):
            raise ValueError("The key of the pool authority is neither an EC nor an RSA key.")
        if key.public_key() != certificate.public_key():
            raise ValueError("The key and certificate of the pool authority do not match.")
        self._key = key
        self._certificate = certificate
        self._proofs = token_rules("RS256", "PS256")
        self._sealing = jwe.JWERegistry(algorithms=["RSA-OAEP-256", "A256GCM"])
        self._clock = clock

    def issue(self, request: str, *, pool_id: str) -> PoolCertificate:
        """See the port. Of the request only its key is used; name and rights are ours to give.

        The key must be RSA of 2048 to 6144 bits, because what workers receive is encrypted to it.
        """
        public_key = _requested_key(request)
        return PoolCertificate(
            certificate_pem=self._sign(pool_id, public_key, _TEN_YEARS),
            public_key_pem=public_key.public_bytes(
                serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
            ).decode(),
        )

    def _sign(
        self, name: str, public_key: RSAPublicKey | ec.EllipticCurvePublicKey, lasts: timedelta
    ) -> str:
        now = self._clock().replace(microsecond=0)
        ends = min(now + lasts, self._certificate.not_valid_after_utc)
        if ends <= now:
            raise RuntimeError("the pool authority's own certificate has expired")
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        certificate = (
            x509.CertificateBuilder()
            .subject_name(_named(name))
            .issuer_name(self._certificate.subject)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(digital_signature=True, key_encipherment=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(issuer_id, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def certificate(self) -> str:
        """The authority's own certificate, as PEM: what recognises every pool."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def client(self, name: str, *, lasts: timedelta) -> tuple[str, str]:
        """A certificate of a client that is no pool, and its key, made just now; both are PEM.

        Nothing but an external broker lets anybody in for it: pools are known by their keys.
        """
        if is_ulid(name):
            raise ValueError("the name is one that a pool could have")
        key = ec.generate_private_key(ec.SECP256R1())
        return self._sign(name, key.public_key(), lasts), _key_pem(key)

    def check_proof(self, proof: str, *, public_key_pem: str, audience: str, pool_id: str) -> str:
        """See the port. RS256 or PS256; the id is a ULID; `exp` is at most ten minutes ahead,
        give or take five seconds.
        """
        now = self._clock()
        token = check_token(
            proof,
            RSAKey.import_key(public_key_pem),
            self._proofs,
            audience=audience,
            purpose=PROOF_PURPOSE,
            now=now,
        )
        latest = now.timestamp() + MAX_PROOF.total_seconds() + CLOCK_SKEW
        if token.claims["exp"] > latest:
            raise InvalidToken("the proof lasts too long")
        if token.claims.get("iss") != pool_id:
            # Two pools may be made from one signing request.
            raise InvalidToken("the proof is for another pool")
        # The length is asked too because a pattern's `$` lets a last line break pass.
        if len(token.subject) != 26 or not is_ulid(token.subject):
            raise InvalidToken("the proof names no worker")
        return token.subject

    def encrypt_for(self, public_key_pem: str, plain: bytes) -> str:
        """See the port. RSA-OAEP-256 and A256GCM.

        Not compressed: RFC 8725 section 3.6 advises against it, and joserfc inflates no more
        than 250 KiB.
        """
        header = {"alg": "RSA-OAEP-256", "enc": "A256GCM"}
        key = RSAKey.import_key(public_key_pem)
        return jwe.encrypt_compact(header, plain, key, registry=self._sealing)


def new_ca(name: str) -> tuple[str, str]:
    """A fresh authority called `name` (1 to 64 characters): its key and its self-signed
    certificate, both PEM. Lasts ten years.
    """
    # P-256: as strong as RSA with 3072 bits, made in a millisecond at the first start, and its
    # signature adds 70 bytes instead of 384 to the token that every worker carries.
    key = ec.generate_private_key(ec.SECP256R1())
    now = utc_now().replace(microsecond=0)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _TEN_YEARS)
        # Path length 0: it signs pools, never another authority.
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _key_pem(key), certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _requested_key(request: str) -> RSAPublicKey:
    """The key of a signing request that is signed with it. Raises BadCertificateRequest."""
    pem = _pem(request)
    try:
        parsed = x509.load_pem_x509_csr(pem)
        public_key = parsed.public_key()
        own = parsed.is_signature_valid
    except (ValueError, UnsupportedAlgorithm):
        raise BadCertificateRequest(
            "The certificate signing request cannot be read: it is damaged, not a PKCS #10"
            " request, or uses an algorithm that is not supported."
        ) from None
    if not isinstance(public_key, RSAPublicKey):
        raise BadCertificateRequest(
            "The certificate signing request must carry an RSA key, because what workers receive"
            " is encrypted with RSA; EC and other keys cannot be used for a worker pool."
        )
    if not _MIN_BITS <= public_key.key_size <= _MAX_BITS:
        raise BadCertificateRequest(
            f"The RSA key of the certificate signing request has {public_key.key_size} bits;"
            f" {_MIN_BITS} to {_MAX_BITS} are accepted."
        )
    if not own:
        raise BadCertificateRequest(
            "The certificate signing request is not signed with the key that it carries."
        )
    return public_key


def _pem(request: str) -> bytes:
    """The PEM in a request that is PEM or base64 of it (contract notes, "Worker pools")."""
    if len(request) > _MAX_REQUEST:
        raise BadCertificateRequest("The certificate signing request is too long to be one.")
    try:
        if "-----BEGIN" in request:
            return request.strip().encode()
        return base64.b64decode("".join(request.split()), validate=True)
    except (ValueError, binascii.Error):
        raise BadCertificateRequest(
            "The certificate signing request is neither PEM nor base64 of PEM."
        ) from None


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(
    *,
    digital_signature: bool = False,
    key_encipherment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    """A key usage in which everything that is not named is forbidden."""
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
