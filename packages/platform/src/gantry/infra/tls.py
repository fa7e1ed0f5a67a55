"""TLS: certificates of our own ports, kept up to date, and whom we believe elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from cryptography import x509
from gantry_protocol.authorities import SYSTEM_BUNDLES

LOOK_EVERY = 10.0
"""Seconds between looks at the files of a certificate. Whoever renews them does so days before the
old one ends."""
ALERT_SECONDS = 1.0
"""For the other side to refuse our certificate: in TLS 1.3 its word comes after the handshake."""

log = structlog.get_logger()


class BadCertificate(ValueError):
    """A certificate and a key that cannot be used; the message is for the operator."""


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """What a port speaks TLS with: 1.2 or newer. Raises BadCertificate."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, certificate, key)
    return context


def _load(context: ssl.SSLContext, certificate: Path, key: Path) -> None:
    try:
        # Without a password of its own, OpenSSL would ask for one on the terminal.
        context.load_cert_chain(certificate, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise BadCertificate(f"the key in {key} is not that of {certificate}") from None
        raise BadCertificate(
            f"{certificate} and {key} are not a certificate and its key in PEM, not encrypted"
        ) from None
    except OSError as error:
        raise BadCertificate(f"{error.filename or certificate}: {error.strerror}") from None


def _end_of(certificate: Path) -> datetime:
    """When the first certificate of the file ends: the server's own, before its chain."""
    try:
        return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        # OpenSSL has read it a moment ago: somebody is exchanging the files just now.
        raise BadCertificate(f"{certificate} cannot be read") from None


class KeptCertificate:
    """A port's certificate from two files, taken up anew when they change.

    `context` serves from the first moment on; connections that stand keep what they began with.
    `shown` is told when the one that is shown from now on ends. Raises BadCertificate.
    """

    def __init__(
        self, certificate: Path, key: Path, *, shown: Callable[[datetime], None] = lambda at: None
    ) -> None:
        self._files, self._shown = (certificate, key), shown
        self._seen = self._look()
        self.context = server_context(certificate, key)
        self._shown(_end_of(certificate))

    async def keep(self, *, every: float = LOOK_EVERY) -> None:
        """Look at the files until cancelled."""
        while True:
            await asyncio.sleep(every)
            await asyncio.to_thread(self.renew)

    def renew(self) -> bool:
        """Take up files that have changed; whether that was done. Blocking.

        Files that do not fit together, as when one is written before the other, change nothing
        and are looked at again.
        """
        found = self._look()
        if found == self._seen:
            return False
        try:
            server_context(*self._files)  # before the one in use is touched
            _load(self.context, *self._files)
            self._shown(_end_of(self._files[0]))
        except BadCertificate as error:
            log.warning("certificate not renewed", reason=str(error))
            return False
        self._seen = found
        log.info("certificate renewed", file=str(self._files[0]))
        return True

    def _look(self) -> Sequence[object]:
        """What changes with a file, and with the links that lead to it in mounted secrets."""
        found: list[object] = []
        for file in self._files:
            try:
                stat = file.stat()
                found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
            except OSError as error:
                found.append(error.errno)
        return found


@dataclass(frozen=True)
class Trust:
    """Whom this process believes: the system's authorities, and `added` ones (PEM)."""

    added: str | None = None

    def context(self) -> ssl.SSLContext:
        """For clients. A new one each time: whoever asks may add to it. Blocking."""
        context = ssl.create_default_context()
        if self.added is not None:
            context.load_verify_locations(cadata=self.added)
        return context

    def bundle(self) -> str | None:
        """All of them as PEM, for programs that take one file; None if the system's will do."""
        if self.added is None:
            return None
        for name in (ssl.get_default_verify_paths().cafile, *SYSTEM_BUNDLES):
            if name is not None and (file := Path(name)).is_file():
                return f"{file.read_text(errors='replace')}\n{self.added}\n"
        return self.added


def present(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    """Let clients with this context show a certificate. Blocking; both are PEM."""
    # OpenSSL takes them from files only.
    with tempfile.TemporaryDirectory(prefix="gantry-") as place:
        file = Path(place) / "client.pem"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(certificate_pem + key_pem)
        context.load_cert_chain(file)


@dataclass(frozen=True, slots=True)
class Peer:
    """What the other side showed."""

    expires_at: datetime


async def shake_hands(
    host: str, port: int, context: ssl.SSLContext, *, wait_for_word: bool = True
) -> Peer:
    """Make an encrypted connection, see whether our own certificate is taken, and end it.

    `wait_for_word` is whether to wait for the other side's word on that. Raises OSError;
    `why_not` makes a sentence of it.
    """
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    try:
        peer = peer_of(writer.get_extra_info("ssl_object"))
        # One that waits for us to begin has no objection.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ALERT_SECONDS if wait_for_word else 0):
                await reader.read(1)
        return peer
    finally:
        writer.transport.abort()


def peer_of(connection: ssl.SSLObject) -> Peer:
    """Who is at the other end of a connection that was verified."""
    der = connection.getpeercert(binary_form=True)
    if der is None:
        raise ValueError("the other side showed no certificate")
    return Peer(x509.load_der_x509_certificate(der).not_valid_after_utc)


def why_not(error: Exception) -> str:
    """What an encrypted connection failed for, in words for an operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not believed: {error.verify_message.rstrip('.')}"
    if isinstance(error, ssl.SSLError) and error.reason is not None:
        alert = error.reason.lower().replace("_", " ")
        if "alert" in alert:
            return f"it refuses our certificate: {alert}"
        if error.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
            return "it does not speak TLS"
        return alert
    return str(error) or type(error).__name__
