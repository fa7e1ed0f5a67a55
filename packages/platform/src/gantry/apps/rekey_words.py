"""Where a re-key stands, as people are told: by `gantry admin rekey status`, and by the doctor."""

from __future__ import annotations

from datetime import timedelta

from gantry.domains.accounts.model import Process
from gantry.domains.keys.kinds import Phase
from gantry.domains.keys.service import Standing


def words(standing: Standing) -> str:
    """Where a re-key stands, in a sentence or two."""
    rekey, progress = standing.rekey, standing.progress
    begin = f"Re-key to data key version {rekey.version}"
    far = f"{progress.done:,} of {progress.total:,} values"
    if rekey.phase is Phase.DONE:
        until = f"{rekey.finished_at:%Y-%m-%d %H:%M} UTC" if rekey.finished_at else ""
        return f"{begin} is finished: {far}, since {until}. {_OLD_KEYS}"
    if rekey.phase is Phase.UNFINISHED:
        return (
            f"{begin} is not finished: {_rows(progress.unreadable)} cannot be read. The old data"
            " key stays for as long as that is so. Set the values anew, or bring the rows back"
            " from a backup; then `gantry admin rekey resume`."
        )
    if rekey.phase is Phase.CANCELLED:
        return f"{begin} was cancelled before anything was sealed with it."
    if rekey.paused:
        return f"{begin} is paused: {far}. `gantry admin rekey resume` goes on."
    if standing.waits_for:
        learn = "use" if rekey.phase is Phase.SWITCHED else "open"
        them = ", ".join(map(_process, standing.waits_for))
        return f"{begin} waits until every process can {learn} the new key. Not yet: {them}."
    if rekey.phase is Phase.WALKING:
        left = "" if standing.left is None else f", some {_duration(standing.left)} left"
        return f"{begin}: {far} are sealed anew{left}."
    return f"{begin} has begun; a drain takes it further in a moment."


_OLD_KEYS = (
    "Older data keys are forgotten when the last token that they signed has expired; what is not"
    " ENCRYPTION_TYPE's key is not needed any more."
)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _process(one: Process) -> str:
    heard = f"{one.heard_at:%H:%M:%S} UTC"
    return f"{one.kind} on {one.host} (release {one.release}, heard of at {heard})"


def _duration(left: timedelta) -> str:
    seconds = int(left.total_seconds())
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"
