"""Whom this worker believes: the system's authorities, and those that the operator adds."""

from __future__ import annotations

import ssl
from pathlib import Path


def trust(ca_bundle: Path | None) -> ssl.SSLContext:
    """A context for clients that trusts the system's authorities and those in the bundle (PEM).

    Both, because the same worker also reads object storage and mirrors that are not the
    operator's own. Raises OSError when the bundle cannot be read.
    """
    context = ssl.create_default_context()
    if ca_bundle is not None:
        context.load_verify_locations(cafile=ca_bundle)
    return context
