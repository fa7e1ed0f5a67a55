"""Identity providers to sign on with, and somebody at a browser who does.

Real ones from npm (tools/bootstrap.sh test installs them): oidc-provider speaks OpenID Connect, and
samlp speaks SAML 2.0. One Node.js process serves both, and starts in a second.
"""

from __future__ import annotations

import contextlib
import html
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.support.platform import free_port

PACKAGES = Path(__file__).parents[2] / ".cache/providers"
CLIENT_ID, CLIENT_SECRET = "gantry", "a secret of: the client & ours"


@dataclass(frozen=True)
class SigningKey:
    """A key, and a certificate that names nobody in particular."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    @property
    def certificate_pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def signing_key() -> SigningKey:
    """A fresh one, whose certificate is over already: in metadata that says nothing."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "identity provider")])
    begins = datetime.now(UTC) - timedelta(days=30)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    return SigningKey(key, certificate)


@dataclass(frozen=True)
class Providers:
    """Where they are, and what SAML assertions are signed with."""

    address: str
    saml_key: SigningKey

    @property
    def saml_metadata(self) -> str:
        """The address of the SAML provider's metadata, which is its entity id as well."""
        return f"{self.address}/saml/metadata"


@contextlib.contextmanager
def identity_providers(installation: str) -> Iterator[Providers]:
    """Both of them, for the installation at this address."""
    if not (PACKAGES / "installed.json").exists():
        assert shutil.which("npm") is None, "providers missing: run tools/bootstrap.sh test"
        pytest.skip("identity providers need Node.js and npm")
    port, key = free_port(), signing_key()
    address = f"http://127.0.0.1:{port}"
    settings = {
        "PACKAGES": str(PACKAGES),
        "ISSUER": address,
        "PORT": str(port),
        "INSTALLATION": installation,
        "CERTIFICATE": key.certificate_pem,
        "KEY": key.key_pem,
    }
    serve = Path(__file__).parent / "providers/serve.mjs"
    process = subprocess.Popen(
        ["node", "--no-deprecation", serve],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={"PATH": os.environ["PATH"], **settings},
    )
    try:
        assert process.stdout is not None
        assert any("ready" in line for line in process.stdout), "the providers did not start"
        yield Providers(address, key)
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


class Wanderer:
    """Somebody's browser at a provider: follows redirects and fills in forms, until it is sent back
    to the installation.
    """

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self.http = httpx2.Client(follow_redirects=False, timeout=30)

    def through_oidc(self, location: str, login: str) -> str:
        """Sign in and agree; the address of the installation that the browser is sent back to."""
        for _ in range(20):
            if not location.startswith(self.providers.address):
                return location
            answer = self.http.get(location)
            if answer.status_code == 200:
                action, fields = form_of(answer.text)
                fields |= {"login": login, "password": "x"} if "login" in answer.text else {}
                answer = self.http.post(urljoin(location, action), data=fields)
            assert answer.is_redirect, answer.text
            location = urljoin(location, answer.headers["location"])
        raise AssertionError("the provider never let go")

    def through_saml(self, location: str, login: str) -> dict[str, str]:
        """Sign in; the form that the browser posts to the installation."""
        parts = urlsplit(location)
        query = dict(parse_qsl(parts.query)) | {"login": login}
        answer = self.http.get(location.split("?")[0], params=query)
        assert answer.status_code == 200, answer.text
        return form_of(answer.text)[1]


def form_of(page: str) -> tuple[str, dict[str, str]]:
    """Where a page's form goes, and its fields that have values already."""
    action = re.search(r'<form[^>]*\saction="([^"]*)"', page)
    fields = {}
    for tag in re.findall(r"<input[^>]*>", page):
        said = dict(re.findall(r'(\w+)="([^"]*)"', tag))
        if "name" in said and "value" in said:
            fields[said["name"]] = html.unescape(said["value"])
    return html.unescape(action[1]) if action else "", fields
