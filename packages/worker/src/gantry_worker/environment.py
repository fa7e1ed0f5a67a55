"""The environment of a phase: what the manifest gives, the worker adds, and prefixes select."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gantry_protocol.manifest import Manifest
from gantry_protocol.words import Phase

from gantry_worker.tools.overrides import backend_env

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
WRITING = (Phase.APPLY, Phase.DESTROY)
_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, slots=True)
class Given:
    """What the launcher itself passes on: variables of its own environment."""

    variables: Mapping[str, str]
    masked: frozenset[str]


def of_phase(
    manifest: Manifest, given: Given, phase: Phase, *, state: str, path: str, home: str
) -> dict[str, str]:
    """Everything a command of the phase finds in its environment.

    The worker's own come first, then the manifest's over them; `ro_` and `wo_` select by phase
    and are taken off; `${NAME}` is replaced once, from all of it; the state's address last, so
    that nothing can replace it.
    """
    found = {"PATH": path, "HOME": home, "LANG": "C.UTF-8"}
    found |= _selected(given.variables.items(), phase)
    found |= _selected(((v.name, v.value) for v in manifest.environment), phase)
    found["TF_VAR_spacelift_run_state"] = state
    known = dict(found)
    found = {
        name: _REFERENCE.sub(lambda match: known.get(match[1], match[0]), value)
        for name, value in found.items()
    }
    if manifest.backend is not None:
        b = manifest.backend
        found |= backend_env(b.address, b.username, b.password)
    return found


def _selected(values: Iterable[tuple[str, str]], phase: Phase) -> dict[str, str]:
    found = {}
    for name, value in values:
        prefix = name[:3]
        if prefix == ("wo_" if phase in WRITING else "ro_"):
            found[name[3:]] = value
        elif prefix not in ("ro_", "wo_"):
            found[name] = value
    return found


def words_to_mask(manifest: Manifest, given: Given) -> list[str]:
    """Every text that must not appear in a log."""
    words = [*manifest.mask, *(v.value for v in manifest.environment if v.secret)]
    words += [given.variables[name] for name in given.masked if name in given.variables]
    return [word for word in words if word]
