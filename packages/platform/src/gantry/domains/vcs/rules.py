"""Pure decisions about commits."""

from __future__ import annotations

import hashlib
import re

_SHA = re.compile(r"[0-9a-f]{40}")


def commit_id(repository_url: str, sha: str) -> str:
    """The identity of a commit of a repository; also the name of its archive."""
    return hashlib.sha256(f"{repository_url}\n{sha}".encode()).hexdigest()


def is_sha(text: str) -> bool:
    """Whether the text is a full commit SHA."""
    return bool(_SHA.fullmatch(text))


def title(message: str) -> str:
    """The first line of a commit's message."""
    return message.strip().split("\n", 1)[0][:200]
