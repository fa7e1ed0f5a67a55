"""A certificate authority for tests, and what it signs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """Signs certificates of servers; `file` is its own, as a bundle of PEM."""

    def __init__(self, place: Path, name: str = "Tests' own authority") -> None:
        place.mkdir(parents=True, exist_ok=True)
        self._place, self._name = place, _named(name)
        self._key = ec.generate_private_key(ec.SECP256R1())
        signed = self._certificate(self._name, self._key, timedelta(days=2)).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.file = place / "authority.pem"
        self.file.write_bytes(_pem(signed.sign(self._key, hashes.SHA256())))

    @property
    def pem(self) -> str:
        """Its own certificate."""
        return self.file.read_text()

    def issue(
        self, *names: str, lasts: timedelta = timedelta(days=90), file: str = "server"
    ) -> tuple[Path, Path]:
        """Files of a certificate for host names or addresses, and of its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives: list[x509.GeneralName] = []
        for name in names:
            try:
                alternatives.append(x509.IPAddress(ip_address(name)))
            except ValueError:
                alternatives.append(x509.DNSName(name))
        signed = self._certificate(_named(names[0]), key, lasts).add_extension(
            x509.SubjectAlternativeName(alternatives), critical=False
        )
        certificate, secret = self._place / f"{file}.pem", self._place / f"{file}.key"
        certificate.write_bytes(_pem(signed.sign(self._key, hashes.SHA256())))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return certificate, secret

    def _certificate(
        self, name: x509.Name, key: ec.EllipticCurvePrivateKey, lasts: timedelta
    ) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + lasts)
        )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
