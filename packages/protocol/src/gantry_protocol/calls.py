"""What a worker asks of the server over HTTPS. Refusals are answers, not exceptions.

Every call carries `Authorization: Bearer <proof>`: a JWT of at most ten minutes signed with the
pool's private key (`sub` the worker's ULID, `iss` the pool's ULID, `purpose` "worker").
Paths are below `/worker/v1`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from gantry_protocol.version import PROTOCOL_VERSION
from gantry_protocol.words import Message, Phase, Then

AUDIENCE = "gantry-worker"
"""The audience of every proof; the pool id in `iss` binds it further."""

MAX_LOG_CHUNK = 1024 * 1024
"""Bytes in one log request: large enough that 20 MB of log is twenty requests."""

MAX_LOG_TAIL = 64 * 1024
"""Bytes of log that may travel with a report; more is sent before."""

MAX_REPORT = 64 * 1024 * 1024
"""Bytes in one report: a plan of some 50,000 changed resources."""


MAX_UNSAVED_STATE = 64 * 1024 * 1024
"""Bytes of a gzipped state in one request: states shrink to a tenth, so this is a large one."""


Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""Of leases, states or bytes: what a database counts to."""


class Register(Message):
    """`POST register`: sent at every start and after every refusal; repeating it is harmless."""

    protocol: int = PROTOCOL_VERSION
    version: str = ""
    metadata: dict[str, str] = Field(default_factory=dict)
    concurrency: int = Field(default=1, ge=1, le=256)


class Registered(Message):
    """How the server wants to hear from this worker."""

    worker_id: str
    heartbeat_seconds: float
    lease_seconds: float
    poll_seconds: float
    """How often to ask for work although no bell rang."""
    broker: str | None = None
    """Where the bell hangs now, as gantry_protocol.endpoint reads it; None for where the pool's
    token says, as from servers of before."""
    broker_login: Literal["proof", "certificate"] = "proof"
    """How the broker knows a worker: by a proof, which only Gantry's own broker is ever shown, or
    by the certificate of its pool, over TLS."""
    quiet_seconds: float = 0.0
    """How long after an answered question a worker that holds nothing need not beat: asking shows
    that it is there. A server of before this field wants every beat."""


class Held(Message):
    """A lease the worker believes it holds."""

    run_id: str
    fence: Count


class Ask(Message):
    """`POST next`: the worker is idle (again) and asks for one run."""

    held: list[Held] = Field(default_factory=list)


class Offer(Message):
    """A lease on a run: everything that follows must carry its fence."""

    run_id: str
    fence: int
    state: str
    state_version: int
    stack_id: str | None = None
    """What the run is of, for the worker's log; None from a server of the release before."""
    manifest: str | None = None
    """The sealed manifest; None when it could not be built yet and has to be asked for."""


class Orders(Message):
    """What the worker must know of itself."""

    drained: bool = False
    shutdown: bool = False
    """The pool is being cycled or reset: finish what is held, then exit."""


class Asked(Message):
    """One offer at most; none when the worker is drained or nothing waits."""

    offer: Offer | None = None
    orders: Orders = Orders()


class Beat(Message):
    """`POST heartbeat`: renews the leases named."""

    held: list[Held] = Field(default_factory=list)


class LeaseAnswer(Message):
    """Whether a lease is still the worker's, and whether its run should stop."""

    run_id: str
    held: bool
    stop: bool = False
    reason: str = ""
    fence: int | None = None
    """Which lease on the run this is about."""


class Beaten(Message):
    """The answer to a heartbeat."""

    leases: list[LeaseAnswer] = Field(default_factory=list)
    orders: Orders = Orders()


class Sealed(Message):
    """`POST runs/<id>/manifest`: a JWE that only the pool's private key opens."""

    manifest: str


class Delta(Message):
    """How many resources a plan adds, changes and so on."""

    add: int = 0
    change: int = 0
    delete: int = 0
    import_: int = Field(default=0, alias="import")
    move: int = 0
    forget: int = 0
    resources: int = 0


class Change(Message):
    """What happens to one resource; secret values are already replaced by words."""

    address: str
    previous_address: str | None = None
    type: str
    action: str
    before: Any = None
    after: Any = None


class Output(Message):
    """One output of the root module; `value` is JSON text, None when it is held back."""

    name: str
    value: str | None
    sensitive: bool = False
    description: str | None = None


class Resource(Message):
    """One resource in the state; secret values are already replaced by words."""

    address: str
    type: str
    name: str
    mode: str = "managed"
    module: str = ""
    provider: str = ""
    tainted: bool = False
    values: str = "{}"


class PhaseDone(Message):
    """Prepare, init and perform: finished well, nothing more to say."""

    kind: Literal["phase_done"] = "phase_done"
    phase: Phase
    tool_version: str | None = None
    wrapped_up: bool = False


class Planned(Message):
    """The plan is made."""

    kind: Literal["planned"] = "planned"
    changed: bool
    delta: Delta = Delta()
    changes: list[Change] = Field(default_factory=list)
    plan_sha256: str | None = None
    plan_json_key: str | None = None
    """Where the whole plan lies as JSON, secrets replaced by words; None when it was not stored."""
    workspace_key: str | None = None
    """Where the encrypted workspace lies, once it was asked for."""
    wrapped_up: bool = False


class Applied(Message):
    """Apply or destroy went well. Outputs and resources only where the server has no state."""

    kind: Literal["applied"] = "applied"
    phase: Phase = Phase.APPLY
    outputs: list[Output] | None = None
    resources: list[Resource] | None = None
    wrapped_up: bool = False


class Failed(Message):
    """A phase did not go well; `reason` is a sentence for the person who reads the run."""

    kind: Literal["failed"] = "failed"
    phase: Phase
    reason: str = Field(max_length=4000)
    state_unsaved: bool = False
    """Whether something was changed that the stack's state does not hold."""
    wrapped_up: bool = False


class Stopped(Message):
    """The run stopped because it was asked to."""

    kind: Literal["stopped"] = "stopped"
    phase: Phase


Report = Annotated[PhaseDone | Planned | Applied | Failed | Stopped, Field(discriminator="kind")]


class LogTail(Message):
    """The last bytes of a phase's log, sent along with its report to save a round trip."""

    state_version: Count
    offset: Count
    data: str
    """Base64."""


MAX_STEPS = 64
"""Steps told with one report: four times as many as a phase has."""


class StepTaken(Message):
    """How long one step of the phase took.

    Times count back from the moment of sending: clocks of worker and server may differ.
    """

    name: str = Field(max_length=40)
    """A word of `Step`, or one that a newer worker knows."""
    ago: float = Field(ge=0, allow_inf_nan=False)
    """Seconds since it began."""
    lasted: float = Field(ge=0, allow_inf_nan=False)
    failed: bool = False


class Reported(Message):
    """`POST runs/<id>/report`: what happened, under which fence."""

    fence: Count
    report: Report
    tail: LogTail | None = None
    steps: list[StepTaken] = Field(default_factory=list, max_length=MAX_STEPS)


class Verdict(Message):
    """The server's answer to a report.

    `accepted` is false when the fence is stale or the report does not fit the run's state;
    `reason` says which, and the worker drops the run.
    """

    accepted: bool
    reason: str = ""
    then: Then = Then.END
    phase: Phase | None = None
    state: str = ""
    state_version: int = 0


class LogAnswer(Message):
    """`POST runs/<id>/logs/<state_version>?fence=&offset=[&final=1]`, body: bytes.

    `offset` is how much the server has; bytes before it may be sent again without harm.
    `accepted` is false when nothing more is taken (stale fence, phase over, log too long).
    """

    accepted: bool
    offset: int
    reason: str = ""
    full: bool = False
    """The log has reached its limit and says so; the run goes on without it."""


class TicketWanted(Message):
    """`POST runs/<id>/ticket`: where to put or get something large."""

    fence: Count
    what: Literal["workspace"] = "workspace"


class Ticket(Message):
    """A presigned URL to PUT to, and the key to name in the report that follows."""

    accepted: bool
    reason: str = ""
    url: str = ""
    key: str = ""
    headers: dict[str, str] = Field(default_factory=dict)


class Kept(Message):
    """`POST runs/<id>/unsaved-state?fence=`, body: a gzipped state that no backend took.

    `accepted` is false when it will never be taken: not the run's newest lease, or not a state.
    Sending it again is harmless.
    """

    accepted: bool
    reason: str = ""
