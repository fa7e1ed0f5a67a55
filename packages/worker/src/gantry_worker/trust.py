"""Whom this worker believes: the system's authorities, and those that the operator adds."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass
from pathlib import Path

from gantry_protocol.authorities import SYSTEM_BUNDLES


@dataclass(frozen=True, slots=True)
class Trust:
    """The system's authorities, those in the file `bundle` and those in `added`, both PEM.

    All of them, because the same worker also reads object storage and mirrors that are not the
    operator's own.
    """

    bundle: Path | None = None
    added: str | None = None

    def context(self) -> ssl.SSLContext:
        """For clients; a new one each time. Blocking. Raises OSError for a bundle that cannot be
        read.
        """
        context = ssl.create_default_context()
        if self.bundle is not None:
            context.load_verify_locations(cafile=self.bundle)
        if self.added is not None:
            context.load_verify_locations(cadata=self.added)
        return context

    def as_pem(self) -> str | None:
        """All of them, for programs that take one file; None if the system's will do. Blocking.

        Raises OSError.
        """
        if self.bundle is None and self.added is None:
            return None
        parts = [self.bundle.read_text()] if self.bundle is not None else []
        if self.added is not None:
            parts.append(self.added)
        for name in (ssl.get_default_verify_paths().cafile, *SYSTEM_BUNDLES):
            if name is not None and (file := Path(name)).is_file():
                parts.insert(0, file.read_text(errors="replace"))
                break
        return "\n".join(parts) + "\n"


def present(context: ssl.SSLContext, certificate_pem: str, key_pem: str) -> None:
    """Let clients with this context show a certificate (both are PEM)."""
    # OpenSSL takes keys from files only; this one is in memory, and never on a disk.
    handle = os.memfd_create("pool", os.MFD_CLOEXEC)
    with os.fdopen(handle, "w") as file:
        file.write(certificate_pem + key_pem)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{handle}")
