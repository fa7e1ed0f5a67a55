"""The words both sides use for phases, outcomes and what comes next."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A frozen message; unknown fields are ignored so that versions may drift by one."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Phase(StrEnum):
    """What a worker does, in the order it may do it. Hooks are named after these."""

    PREPARE = "prepare"
    INIT = "init"
    PLAN = "plan"
    APPLY = "apply"
    DESTROY = "destroy"
    PERFORM = "perform"


class Then(StrEnum):
    """What the server wants of the worker after a report."""

    CONTINUE = "continue"  # go on with the phase named in the verdict
    ARCHIVE = "archive"  # store the workspace, then send the same report again with its key
    WRAP_UP = "wrap_up"  # run the after_run hooks, then send the same report again
    END = "end"  # nothing more to do for this run; clean up
