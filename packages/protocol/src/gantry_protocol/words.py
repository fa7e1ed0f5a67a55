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


class Step(StrEnum):
    """What a worker does within a phase and measures; people read these words in traces."""

    FETCH_SOURCE = "fetch source"
    UNPACK_SOURCE = "unpack source"
    FETCH_WORKSPACE = "fetch workspace"
    UNPACK_WORKSPACE = "unpack workspace"
    WRITE_FILES = "write files"
    FIND_TOOL = "find tool"
    TOOL_INIT = "tool init"  # hooks around it included, here and below
    TOOL_PLAN = "tool plan"
    KEEP_PLAN = "keep plan"
    TOOL_SHOW = "tool show"
    READ_PLAN = "read plan"
    UPLOAD_PLAN = "upload plan"
    TOOL_APPLY = "tool apply"
    TASK = "task"
    AFTER_RUN = "after_run hooks"
    STORE_WORKSPACE = "store workspace"


class Then(StrEnum):
    """What the server wants of the worker after a report."""

    CONTINUE = "continue"  # go on with the phase named in the verdict
    ARCHIVE = "archive"  # store the workspace, then send the same report again with its key
    WRAP_UP = "wrap_up"  # run the after_run hooks, then send the same report again
    END = "end"  # nothing more to do for this run; clean up
