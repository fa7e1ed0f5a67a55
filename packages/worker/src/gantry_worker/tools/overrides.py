"""How a run's state comes to live with us whatever backend its code names.

An override file replaces the backend block with an empty `http` one; address and password come
from the environment of each command. So no secret is on disk: neither in the tree, nor in
`.terraform`, nor in a saved plan, which records only what the files said (all null). Each
process reads the variables anew: a plan made under one password is applied under another.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

RETRIES = 14
"""With waits of 1, 2, 4, 8, 16 and then 30 seconds: five minutes, as long as an upgrade or the
failover of a database may take. A state that was not saved costs more than waiting, and it stays
below the silence after which a command is ended."""

WAIT_MIN, WAIT_MAX = 1, 30  # seconds; Terraform's own defaults


class ForeignBackend(ValueError):
    """The tree has been initialised with another backend than ours; the message says which."""


@dataclass(frozen=True, slots=True)
class OverrideFile:
    """A file to put next to the root module's own."""

    name: str
    text: str


def backend_override() -> OverrideFile:
    """The override file; it belongs in the project root, before `init`.

    It also replaces a `cloud` block. Among override files the last by name wins, so that one
    named after ours would win over it: `check_backend` after `init` finds that out.
    """
    text = json.dumps({"terraform": {"backend": {"http": {}}}})
    return OverrideFile("zz_gantry_backend_override.tf.json", text + "\n")


def backend_env(
    address: str, username: str, password: str, *, lock_address: str | None = None
) -> dict[str, str]:
    """The variables that every command which reaches the state needs.

    They must win over the stack's own. The state is read with GET and written with POST at
    `address`; LOCK and UNLOCK go to `lock_address`, by default the same.
    """
    locks = lock_address or address
    return {
        "TF_HTTP_ADDRESS": address,
        "TF_HTTP_UPDATE_METHOD": "POST",
        "TF_HTTP_LOCK_ADDRESS": locks,
        "TF_HTTP_LOCK_METHOD": "LOCK",
        "TF_HTTP_UNLOCK_ADDRESS": locks,
        "TF_HTTP_UNLOCK_METHOD": "UNLOCK",
        "TF_HTTP_USERNAME": username,
        "TF_HTTP_PASSWORD": password,
        "TF_HTTP_RETRY_MAX": str(RETRIES),
        "TF_HTTP_RETRY_WAIT_MIN": str(WAIT_MIN),
        "TF_HTTP_RETRY_WAIT_MAX": str(WAIT_MAX),
    }


def check_backend(recorded: bytes) -> None:
    """Make sure that `init` took up our backend, and nobody's arguments wrote into it.

    `recorded` is `.terraform/terraform.tfstate` (in TF_DATA_DIR when that is set) after `init`.
    Raises ForeignBackend when the backend is another one, or has values of its own: from an
    override file named after ours, or from `-backend-config` in TF_CLI_ARGS_init.
    """
    try:
        backend = json.loads(recorded)["backend"]
        kind, config = backend["type"], backend.get("config") or {}
        own = sorted(name for name, value in config.items() if value is not None)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise ForeignBackend("init left no readable record of the backend it chose.") from None
    if kind != "http":
        raise ForeignBackend(
            f"The code insists on its own backend {kind!r}, though this stack's state is managed "
            "here. Remove override files that set a backend, or let the stack manage its state."
        )
    if own:
        raise ForeignBackend(
            f"Something sets {', '.join(own)} of the state backend, though this stack's state is "
            "managed here. Look for -backend-config arguments and override files."
        )
