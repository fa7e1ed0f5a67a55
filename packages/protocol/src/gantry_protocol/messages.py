"""What is pushed over the broker. A message says *look*; the answer comes over HTTPS."""

from __future__ import annotations

from typing import Literal

from gantry_protocol.words import Message


class Bell(Message):
    """Rung for one worker: work may wait, or a run should stop, or orders changed."""

    kind: Literal["work", "stop", "orders"] = "work"
    run_id: str | None = None
