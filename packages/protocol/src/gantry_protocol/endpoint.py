"""Where the broker is: one text in settings and pool tokens, read the same way on both sides."""

from __future__ import annotations

from urllib.parse import urlsplit


def parse_endpoint(endpoint: str) -> tuple[str, int, bool]:
    """Host, port, and whether the line is encrypted: `tls://host:port`, or `tcp://host:port` and
    `host:port` for plain TCP. Raises ValueError for anything else.
    """
    parts = urlsplit(endpoint if "://" in endpoint else f"tcp://{endpoint}")
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port or rest:
        raise ValueError("must be tls://host:port, tcp://host:port or host:port")
    return parts.hostname, parts.port, parts.scheme == "tls"
