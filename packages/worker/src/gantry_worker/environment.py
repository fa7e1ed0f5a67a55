"""The environment of a phase: what the manifest gives, the worker adds, and prefixes select."""

from __future__ import annotations

import base64
import binascii
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from gantry_protocol.manifest import Manifest, MountedFile
from gantry_protocol.words import Phase

from gantry_worker.endings import StepFailed
from gantry_worker.interpolation import TooLong, interpolated
from gantry_worker.masking_forms import SHORTEST
from gantry_worker.tools.overrides import backend_env

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WRITING = (Phase.APPLY, Phase.DESTROY)
SHORTEST_LINE = 8
"""Bytes of a secret file's line that is masked: shorter ones are braces and keywords of its
format, and masking them would shred the log."""

TRUSTED_BY = (
    "SSL_CERT_FILE",  # Go programs, Terraform among them, and OpenSSL
    "GIT_SSL_CAINFO",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",  # Python
    "AWS_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
)
"""Variables by which programs are told of a file of authorities."""

_BACKEND = "TF_HTTP_"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """What the launcher itself passes on: variables of its own environment."""

    variables: Mapping[str, str]
    masked: frozenset[str]
    hidden: tuple[str, ...] = ()
    """Parts of them that must not appear in a log, such as a proxy's password."""


@dataclass(frozen=True, slots=True)
class Around:
    """What the worker knows of a command's surroundings.

    `root` is the workspace as commands see it, `carried` what hooks exported in earlier phases,
    `final_state` how the run will end, `image` the variables of the image that commands run in.
    """

    state: str
    path: str
    home: str
    root: str
    carried: Mapping[str, str] = field(default_factory=dict)
    final_state: str | None = None
    image: Mapping[str, str] = field(default_factory=dict)
    authorities: str | None = None
    """A file of all authorities to trust, where the system's are not enough."""


def of_phase(manifest: Manifest, given: Given, phase: Phase, around: Around) -> dict[str, str]:
    """Everything a command of the phase finds in its environment.

    An image's come first of all, the worker's own and then the manifest's over them; `ro_` and
    `wo_` select by phase and are taken off; `${NAME}` is replaced, from all of it; then what
    hooks exported; the state's address last, so that nothing can replace or extend it. Raises
    StepFailed for variables with which no command could be started.
    """
    found = dict(around.image)
    found |= {"PATH": around.path, "HOME": around.home, "LANG": "C.UTF-8"}
    # Computed, so anything else of these names wins (run configuration contract §2.1).
    found["TF_VAR_spacelift_run_state"] = around.state
    found["TF_VAR_spacelift_workspace_root"] = around.root
    if around.authorities is not None:
        found |= dict.fromkeys(TRUSTED_BY, around.authorities)
    found |= _selected(given.variables.items(), phase)
    beneath = dict(found)
    found |= _selected(((v.name, v.value) for v in manifest.environment), phase)
    try:
        found = interpolated(found, beneath)
    except TooLong as error:
        raise StepFailed(str(error)) from None
    found |= around.carried
    if around.final_state is not None:
        found["TF_VAR_spacelift_final_run_state"] = around.final_state
    if manifest.backend is not None:
        b = manifest.backend
        found = {name: value for name, value in found.items() if not name.startswith(_BACKEND)}
        found |= backend_env(b.address, b.username, b.password)
    return found


def _selected(values: Iterable[tuple[str, T]], phase: Phase) -> dict[str, T]:
    found: dict[str, T] = {}
    for name, value in values:
        prefix = name[:3]
        if prefix == ("wo_" if phase in WRITING else "ro_"):
            found[name[3:]] = value
        elif prefix not in ("ro_", "wo_"):
            found[name] = value
    return found


def words_to_mask(manifest: Manifest, given: Given) -> list[str]:
    """Every text that must not appear in a log."""
    words = [*manifest.mask, *secrets(manifest, given)]
    for file in manifest.files:
        if file.secret:
            words += _words_of(file)
    return [word for word in words if word]


def secrets(manifest: Manifest, given: Given) -> list[str]:
    """The values of secret variables as they were written, whichever phase they are for."""
    masked = {bare(name) for name in given.masked}
    values = [v.value for v in manifest.environment if v.secret]
    values += [value for name, value in given.variables.items() if bare(name) in masked]
    values += given.hidden
    if manifest.backend is not None:
        values.append(manifest.backend.password)
    return [value for value in values if value]


def replaced_secrets(manifest: Manifest, given: Given, around: Around) -> set[str]:
    """What secret variables are once their references are replaced, and values that a secret was
    put into, whichever phase they are for: what is planned with one is shown by the apply.
    """
    known, found = secrets(manifest, given), set[str]()
    for phase in (Phase.PLAN, Phase.APPLY):  # one that only reads, and one that writes
        # A phase that nothing can be started in has nothing to show either.
        with contextlib.suppress(StepFailed):
            values = of_phase(manifest, given, phase, around)
            names = _secret_names(manifest, given, phase)
            final = {value for name in names if (value := values.get(name))}
            found |= final | derived(values, {*known, *final})
    return found


def _secret_names(manifest: Manifest, given: Given, phase: Phase) -> list[str]:
    """Of the phase's variables those whose value, wherever it came from at last, is secret."""
    masked = {bare(name) for name in given.masked}
    told = _selected(((name, bare(name) in masked) for name in given.variables), phase)
    told |= _selected(((v.name, v.secret) for v in manifest.environment), phase)
    return [name for name, secret in told.items() if secret]


def derived(environment: Mapping[str, str], known: Iterable[str]) -> set[str]:
    """Values that a secret was put into: encoded as a whole, they would not show the secret.

    Secrets of fewer than SHORTEST bytes are not looked for: see there.
    """
    looked_for = [secret for secret in set(known) if len(secret.encode()) >= SHORTEST]
    return {
        value
        for value in environment.values()
        if any(secret in value and secret != value for secret in looked_for)
    }


def truth(name: str, value: str) -> bool:
    """What a person means by the value of a switch. Raises ValueError for anything unclear."""
    word = value.strip().lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("", "false", "0", "no", "off"):
        return False
    raise ValueError(f"{name} must be true or false, not {value[:20]!r}.")


def bare(name: str) -> str:
    """A variable's name without the prefix that selects phases."""
    return name[3:] if name[:3] in ("ro_", "wo_") else name


def _words_of(file: MountedFile) -> list[str]:
    try:
        content = base64.b64decode(file.content)
    except binascii.Error:
        return [file.content]  # it will not be mounted either
    lines = {line.strip() for line in content.decode("utf-8", "replace").splitlines()}
    return [file.content, *(line for line in lines if len(line.encode()) >= SHORTEST_LINE)]
