"""How much of the machine one command may have, as the operator writes it."""

from __future__ import annotations

import re
from dataclasses import dataclass

PROCESSES = 4096
"""Processes and threads of one command unless the operator says otherwise. A provider has some
dozens of threads and a large stack some dozens of providers: a thousand or two. A machine has at
least 32768 to give, so that a command which forks without end leaves it seven eighths."""

_SIZE = re.compile(r"(\d+)\s*(?:([KMGT])(?:i?B)?)?", re.IGNORECASE)
_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
LEAST_MEMORY = 64 * 1024**2
"""Bytes below which terraform does not even start: surely a unit was forgotten."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`memory` in bytes, `processes` with threads, `processors` in whole ones; None: any."""

    memory: int | None = None
    processes: int | None = None
    processors: float | None = None

    @property
    def any(self) -> bool:
        """Whether there is a bound at all."""
        return not (self.memory is None and self.processes is None and self.processors is None)


def size(text: str) -> int:
    """Bytes, as `536870912`, `512M` or `2GiB`; K, M, G, T count in 1024. Raises ValueError."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError('must be a number of bytes such as "2GiB" or "512M"')
    in_bytes = int(found[1]) * _UNITS[(found[2] or "").upper()]
    if in_bytes < LEAST_MEMORY:
        raise ValueError("must be 64 MiB or more: no tool starts with less")
    return in_bytes


def memory_shortage(in_bytes: int) -> str:
    """What a command is told that met its limit of memory."""
    return (
        f"The command needed more than the {size_in_words(in_bytes)} of memory that this worker"
        " allows (GANTRY_WORKER_MEMORY_LIMIT), and the system ended a process of it."
    )


def size_in_words(in_bytes: int) -> str:
    """Bytes for people: `512 MiB`."""
    return f"{in_bytes / 1024**2:.0f} MiB"
