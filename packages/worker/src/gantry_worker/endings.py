"""How a step of a run may end other than well."""

from __future__ import annotations


class StepFailed(Exception):
    """A phase did not go well; the message is a sentence for the person who reads the run."""


class StateUnsaved(StepFailed):
    """Something was changed that the stack's state does not hold."""


class StepStopped(Exception):
    """A phase ended because the run was asked to stop."""
