"""What can be judged of a sign-on without any row."""

from __future__ import annotations

import hashlib
import re

OIDC_CALLBACK = "/oidc/exchange"
SAML_CALLBACK = "/saml/acs"
SAML_METADATA = "/saml/metadata"
GITHUB_CALLBACK = "/github/exchange"

MAX_RETURN = 2048
"""Characters of an address to come back to: what browsers take."""

_BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")


def local_path(wanted: str) -> str:
    """Where to go after signing in: within this installation, else to its first page.

    Browsers read `//host`, `/\\host` and `/<tab>/host` as addresses elsewhere.
    """
    plain = wanted.isprintable() and wanted.isascii() and "\\" not in wanted and " " not in wanted
    if not plain or len(wanted) > MAX_RETURN:
        return "/"
    return wanted if wanted.startswith("/") and not wanted.startswith("//") else "/"


def is_browser(token: str) -> bool:
    """Whether it looks like what a browser is told apart by: 32 random bytes in base64url."""
    return _BROWSER.fullmatch(token) is not None


def digest(*texts: str) -> str:
    """What is stored of something that only its holder should have."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()
