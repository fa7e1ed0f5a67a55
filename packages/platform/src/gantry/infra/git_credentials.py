"""What lets into private repositories: files that the operator keeps, read at each visit.

Passwords stand one a line, as `git credential-store` keeps them: `https://user:password@host/path`.
A line counts for the repositories at its path and below; the longest path that fits wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import structlog

from gantry.infra.git_access import Credentials, Password, SshKey
from gantry.kernel.secret import Secret

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Line:
    """Host and port, path, and who gets in there."""

    place: tuple[str, int | None]
    path: str
    login: Password

    def fits(self, place: tuple[str, int | None], path: str) -> bool:
        return self.place == place and (not self.path or f"{path}/".startswith(f"{self.path}/"))


def credentials(
    passwords: Path | None, ssh_key: Path | None, known_hosts: Path | None
) -> Credentials:
    """What to get in with, for any address that was checked. A file that cannot be read opens
    nothing, and is logged.
    """
    key = SshKey(ssh_key, known_hosts) if ssh_key is not None and known_hosts is not None else None

    def find(url: str) -> Password | SshKey | None:
        parts = urlsplit(url)
        if parts.scheme == "ssh":
            return key
        if parts.scheme != "https" or passwords is None:
            return None
        place, path = _place(url), parts.path.rstrip("/").removesuffix(".git")
        fitting = [line for line in _lines(passwords) if line.fits(place, path)]
        return max(fitting, key=lambda line: len(line.path)).login if fitting else None

    return find


def _lines(path: Path) -> list[_Line]:
    try:
        text = path.read_text()
    except OSError as error:
        log.error("git credentials not read", path=str(path), reason=error.strerror)
        return []
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parts = urlsplit(line.strip())
        if parts.scheme != "https" or not parts.hostname or parts.password is None:
            log.error("git credential not understood", path=str(path), line=number)
            continue
        login = Password(unquote(parts.username or ""), Secret(unquote(parts.password)))
        where = parts.path.rstrip("/").removesuffix(".git")
        found.append(_Line(_place(line.strip()), where, login))
    return found


def _place(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    return (parts.hostname or "").lower(), None if parts.port == 443 else parts.port
