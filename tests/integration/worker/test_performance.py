"""Whole runs whose code is hostile, in the sandbox and without, as the server sees them."""

import asyncio
import base64
import gzip
import io
import json
import subprocess
import tarfile
from datetime import timedelta
from types import SimpleNamespace

import pytest
from gantry_protocol.calls import Failed, Held, PhaseDone, Planned
from gantry_protocol.manifest import EnvironmentValue, Manifest, StateBackend
from gantry_protocol.words import Phase
from gantry_worker import environment, performance, unsaved
from gantry_worker.agent import clear_leftovers
from gantry_worker.control_plane import ControlPlane
from gantry_worker.journal import Journal
from gantry_worker.keys import PoolKey
from gantry_worker.masking import Masker
from gantry_worker.performance import perform
from gantry_worker.runtimes import process, sandbox
from gantry_worker.runtimes.choice import Choice
from gantry_worker.session import Session
from gantry_worker.settings import load_settings
from gantry_worker.workspace import Workspace

from tests.integration.worker.stand_in import standing_in

CHOICES = [
    Choice("sandbox", True, sandbox.for_run),
    Choice("process", False, process.for_run),
]
CODE = b'resource "terraform_data" "it" { input = "made" }\noutput "it" { value = "made" }\n'
NOTHING_LEFT = {"accepted": True, "then": "end"}


@pytest.fixture(scope="module")
def key():
    return a_key()


def a_key():
    words = ("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    return PoolKey(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


@pytest.fixture
async def there():
    async with standing_in() as server:
        server.answers["source"] = [(200, source())]
        server.answers["logs/1"] = [took]
        yield server


@pytest.fixture(params=CHOICES, ids=lambda choice: choice.name)
def run(request, there, key, tmp_path):
    async def go(phases, *, state_version=1, run_type="TRACKED", minutes=1.0, **more):
        lease = Held(run_id="RUN", fence=len(there.bodies("report")) + 1)
        manifest = Manifest(
            run_id="RUN",
            run_type=run_type,
            stack_id="s",
            fence=lease.fence,
            phases=phases,
            source_url=None if "workspace_url" in more else f"{there.url}/source",
            **more,
        )
        given = environment.Given({}, frozenset())
        server = ControlPlane(there.url, "POOL", lambda: "proof")
        masker = Masker(environment.words_to_mask(manifest, given))
        session = Session(
            settings=load_settings(
                {"SPACELIFT_TOKEN": "t", "SPACELIFT_POOL_PRIVATE_KEY": "k"}
            ).model_copy(
                update={
                    "work_dir": tmp_path / "launcher-0",
                    "run_timeout": timedelta(minutes=minutes),
                }
            ),
            server=server,
            key=key,
            choice=request.param,
            lease=lease,
            manifest=manifest,
            workspace=Workspace(tmp_path / "runs" / f"RUN-{lease.fence}"),
            given=given,
            journal=Journal(server, lease, masker, stack_id="s", mirror=None),
            state="PREPARING",
            worker_id="W",
        )
        await perform(session, state_version)
        await server.close()
        assert list((tmp_path / "runs").iterdir()) == []
        return [json.loads(body)["report"] for body in there.bodies("report")]

    go.isolates = request.param.isolates
    return go


def source(code=CODE, more=None):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in {"main.tf": code, **(more or {})}.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return gzip.compress(raw.getvalue())


def took(path, body):
    offset = int(path.partition("offset=")[2].partition("&")[0])
    return 200, {"accepted": True, "offset": offset + len(body)}


def on(phase):
    return 200, {"accepted": True, "then": "continue", "phase": phase, "state_version": 1}


def log_of(there):
    shipped = b"".join(there.bodies("logs/1"))
    tails = [json.loads(body).get("tail") for body in there.bodies("report")]
    return (shipped + b"".join(base64.b64decode(t["data"]) for t in tails if t)).decode()


async def test_a_task_that_leaves_links_and_pipes_is_done_and_shows_no_file_of_the_host(
    run, there, tmp_path
):
    (tmp_path / "secret").write_text("SECRET=of-the-host")
    hostile = [
        # Where the worker once kept its own notes, and where it takes word from now.
        f"for at in ../.gantry $gantry_back; do mkdir -p $at; ln -sf {tmp_path}/secret $at/carried",
        f"ln -sf {tmp_path}/secret $at/exported; rm -f $at/status; mkfifo $at/status; done",
        "exec true",
    ]
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    async with asyncio.timeout(30):
        reports = await run(
            [Phase.PREPARE, Phase.PERFORM],
            command="true",
            hooks={"before_perform": ["\n".join(hostile)]},
        )

    assert reports[0]["kind"] == "phase_done"
    assert reports[1]["kind"] == "failed"
    assert "of-the-host" not in log_of(there)
    assert (tmp_path / "secret").read_text() == "SECRET=of-the-host"


async def test_what_hooks_export_reaches_after_hooks_and_secrets_in_reasons_are_masked(run, there):
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command='echo "the tool sees $HANDED on"; exit 3',
        hooks={
            "before_perform": ["export HANDED=something"],
            "after_run": ['echo "it ended $TF_VAR_spacelift_final_run_state with $HANDED"'],
        },
        environment=[EnvironmentValue(name="CODE", value="code 3", secret=True)],
    )

    assert reports[1]["reason"] == "The command failed with exit *****."
    assert "the tool sees something on" in log_of(there)
    assert "it ended FAILED with something" in log_of(there)


async def test_a_plan_is_confirmed_and_applied_elsewhere_and_hooks_begin_anew(run, there):
    def stored(path, body):
        there.answers["stored"] = [(200, body)]
        return 200, b""

    there.answers["ticket"] = [
        (200, {"accepted": True, "url": f"{there.url}/upload", "key": "RUN/1"})
    ]
    there.answers["upload"] = [stored]
    there.answers["report"] = [
        on("init"),
        on("plan"),
        (200, {"accepted": True, "then": "archive"}),
        (200, NOTHING_LEFT),
    ]
    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN],
        hooks={
            "after_init": ["export STAYS=here", 'echo "::add-mask never-shown"'],
            "before_plan": ['echo "init said $STAYS"'],
        },
    )
    plan = reports[-1]
    assert plan["workspace_key"] == "RUN/1"
    assert "init said here" in log_of(there)

    there.answers["report"] = [on("apply"), (200, NOTHING_LEFT)]
    reports = await run(
        [Phase.APPLY],
        workspace_url=f"{there.url}/stored",
        plan_sha256=plan["plan_sha256"],
        hooks={
            "before_apply": ['echo "apply finds ${STAYS:-nothing}"', "echo and never-shown"],
            "after_apply": ["cat ../.gantry/* 2>/dev/null || true"],
        },
    )

    assert reports[-1]["kind"] == "applied", log_of(there)[-2000:]
    assert "apply finds nothing" in log_of(there)
    # What a log has asked to be masked stays masked, though its hook ran before the pause.
    assert "and *****" in log_of(there)
    assert "never-shown" not in log_of(there)


async def test_a_plan_is_kept_as_json_without_secrets(run, there):
    secret = EnvironmentValue(name="TF_VAR_seen", value="hunter22-hunter22", secret=True)
    code = b'variable "seen" {}\nresource "terraform_data" "it" { input = "is ${var.seen}" }\n'
    there.answers["source"] = [(200, source(code))]
    there.answers["plan.json"] = [(200, b"")]
    there.answers["report"] = [on("init"), on("plan"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN],
        environment=[secret],
        plan_json_url=f"{there.url}/plan.json",
        plan_json_key="plans/RUN/1.json.gz",
    )

    (stored,) = there.bodies("plan.json")
    plan = json.loads(gzip.decompress(stored))
    change = plan["resource_changes"][0]["change"]
    assert (change["actions"], change["after"]["input"]) == (["create"], "is *****")
    assert plan["variables"] == {"seen": {}}
    assert reports[-1]["plan_json_key"] == "plans/RUN/1.json.gz"
    assert reports[-1]["changes"][0]["after"]["input"] == "is *****"
    assert b"hunter22" not in gzip.decompress(stored)
    assert b"hunter22" not in b"".join(there.bodies("report"))


async def test_a_plan_that_cannot_be_kept_as_json_is_no_reason_to_fail(run, there):
    there.answers["plan.json"] = [(403, b"")]
    there.answers["report"] = [on("init"), on("plan"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN],
        plan_json_url=f"{there.url}/plan.json",
        plan_json_key="plans/RUN/1.json.gz",
    )

    assert (reports[-1]["kind"], reports[-1]["plan_json_key"]) == ("planned", None)
    assert "could not be stored as JSON; the run goes on" in log_of(there)


async def test_a_task_that_fails_runs_no_after_hooks_whatever_its_exit_code(run, there):
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command="exit 2",
        skip_init=True,
        hooks={"after_perform": ["echo went well"]},
    )

    assert reports[-1]["reason"] == "The command failed with exit code 2."
    assert "went well" not in log_of(there)


@pytest.mark.parametrize(("word", "skipped"), [("true", True), ("0", False), ("maybe", None)])
async def test_applying_is_skipped_when_that_is_clearly_asked_for(run, there, word, skipped):
    there.answers["report"] = [on("init"), on("plan"), on("apply"), (200, NOTHING_LEFT)]
    switch = EnvironmentValue(name="SPACELIFT_SKIP_APPLYING", value=word)

    reports = await run([Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY], environment=[switch])

    assert ("Apply complete!" in log_of(there)) is (skipped is False)
    if skipped is None:
        assert "must be true or false, not 'maybe'" in reports[-1]["reason"]
    else:
        assert reports[-1]["kind"] == "applied"


async def test_a_destruction_is_never_skipped(run, there):
    there.answers["report"] = [on("init"), on("plan"), on("destroy"), (200, NOTHING_LEFT)]
    switches = [
        EnvironmentValue(name=f"SPACELIFT_SKIP_{phase}", value="true")
        for phase in ("APPLYING", "DESTROYING")
    ]

    # Without a state there is nothing to destroy: the plan changes an output only.
    await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.DESTROY],
        run_type="DESTROY",
        environment=switches,
    )

    assert "Skipped" not in log_of(there)
    assert "Apply complete!" in log_of(there)


async def test_a_runs_time_is_one_for_all_of_its_commands(run, there):
    there.answers["report"] = [on("init"), on("plan"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN],
        minutes=0.05,
        hooks={
            "before_init": ["sleep 2"],
            "before_plan": ["sleep 2"],
            "after_run": ["echo looks after itself"],
        },
    )

    assert reports[-1]["phase"] == "plan"
    assert reports[-1]["reason"] == "The run took longer than 0.05 minutes and was ended."
    assert "looks after itself" in log_of(there)


# -- beginning before the server has said so


def slowly(answer, look=lambda: None):
    """The answer, once whatever could be begun meanwhile has been begun and is over."""

    async def later():
        await asyncio.sleep(1)
        look()
        return answer

    return lambda path, body: later()


def empty_state(there):
    """A state that the server keeps, with nothing in it yet."""
    there.answers["/state"] = [lambda path, body: (200, b"") if body else (404, b"")]
    return StateBackend(address=f"{there.url}/state", username="u", password="of-lease")


def words_of(there, version):
    shipped = there.bodies(f"logs/{version}")
    tails = [json.loads(body).get("tail") for body in there.bodies("report")]
    mine = [t["data"] for t in tails if t and t["state_version"] == version]
    return (b"".join(shipped) + b"".join(map(base64.b64decode, mine))).decode()


async def test_a_phase_begins_while_the_one_before_is_reported_and_its_log_is_its_own(run, there):
    said, begun = on("init")[1], []

    def look():
        begun.append([path for path, _ in there.asked if path.endswith("/state")])

    there.answers["report"] = [
        slowly((200, {**said, "state_version": 2}), look),
        (200, NOTHING_LEFT),
    ]
    there.answers["logs/2"] = [took]

    reports = await run([Phase.PREPARE, Phase.INIT], backend=empty_state(there))

    assert begun[0], "the state was read while the report was under way"
    assert [report["phase"] for report in reports] == ["prepare", "init"]
    assert "Ready in" in words_of(there, 1)
    assert "init" not in words_of(there, 1).replace("initialized", "")
    assert words_of(there, 2).count(" init -input=false") == 1
    assert "has been successfully initialized" in words_of(there, 2)


async def test_a_phase_that_the_server_did_not_want_has_never_been(run, there):
    there.answers["report"] = [slowly((200, NOTHING_LEFT))]

    reports = await run([Phase.PREPARE, Phase.INIT, Phase.PLAN], backend=empty_state(there))

    assert [report["phase"] for report in reports] == ["prepare"]
    assert "init -input" not in log_of(there)


async def test_a_refused_report_ends_what_was_begun_with_it(run, there):
    there.answers["report"] = [slowly((200, {"accepted": False, "reason": "not yours"}))]

    reports = await run([Phase.PREPARE, Phase.INIT], backend=empty_state(there))

    assert len(reports) == 1
    assert "init -input" not in log_of(there)


@pytest.mark.parametrize(
    ("told", "hooks", "phases", "ahead"),
    [
        (PhaseDone(phase="prepare"), {}, "prepare init plan", "init"),
        (PhaseDone(phase="init"), {}, "prepare init plan", "plan"),
        (PhaseDone(phase="prepare"), {"before_init": ["x"]}, "prepare init", None),
        (PhaseDone(phase="init"), {"before_init": ["x"]}, "prepare init plan", "plan"),
        (PhaseDone(phase="init"), {"before_plan": ["x"]}, "prepare init plan", None),
        (PhaseDone(phase="init"), {"after_plan": ["x"]}, "prepare init plan", None),
        (PhaseDone(phase="init"), {"after_run": ["x"]}, "prepare init plan", None),
        (PhaseDone(phase="prepare"), {}, "prepare perform", None),
        (PhaseDone(phase="prepare"), {}, "prepare apply", None),
        (PhaseDone(phase="init"), {}, "prepare init perform", None),
        (Planned(changed=True), {}, "prepare init plan apply", None),
        (Failed(phase="prepare", reason="x"), {}, "prepare init", None),
    ],
)
def test_nothing_with_a_persons_hooks_and_nothing_that_changes_things_is_begun_early(
    told, hooks, phases, ahead
):
    manifest = SimpleNamespace(
        hooks=hooks, phases=[Phase(word) for word in phases.split()], backend="managed"
    )
    found = performance._harmless(SimpleNamespace(manifest=manifest), told)
    assert found == (Phase(ahead) if ahead else None)

    manifest.backend = None  # the code's own may be left locked by a command that is killed
    assert performance._harmless(SimpleNamespace(manifest=manifest), told) is None


async def test_another_plan_than_the_confirmed_one_is_not_applied(run, there):
    there.answers["report"] = [(200, NOTHING_LEFT)]

    reports = await run([Phase.PREPARE], plan_sha256="0" * 64)

    assert reports[-1]["kind"] == "failed"
    assert "not the one that was confirmed" in reports[-1]["reason"]


async def test_a_plan_that_was_changed_before_its_apply_is_not_applied(run, there, tmp_path):
    def meddled(path, body):
        (plan,) = (tmp_path / "runs").glob("*.own/plan/plan.tfplan")
        plan.write_bytes(b"another")
        return on("apply")

    there.answers["report"] = [on("init"), on("plan"), meddled, (200, NOTHING_LEFT)]

    reports = await run([Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY])

    assert reports[-1]["phase"] == "apply"
    assert "not the one that was shown" in reports[-1]["reason"]


async def test_a_report_that_the_server_cannot_take_ends_the_run_with_a_reason(run, there):
    there.answers["report"] = [
        (413, {"code": "TOO_LARGE", "message": "Too large."}),
        (200, NOTHING_LEFT),
    ]

    reports = await run([Phase.PREPARE])

    assert reports[-1]["kind"] == "failed"
    assert "Too large." in reports[-1]["reason"]


@pytest.fixture
def impatient(monkeypatch):
    """Nobody waits for a backend that is down."""
    monkeypatch.setattr("gantry_worker.steps.rescue.WAITS", (0.0, 0.0))
    monkeypatch.setattr("gantry_worker.tools.overrides.RETRIES", 0)


async def test_a_state_that_could_not_be_saved_is_offered_again_before_the_run_ends(
    run, there, impatient
):
    down = {"down": False}
    kept = []

    def state(path, body):
        if not body:
            return (200, kept[-1]) if kept else (404, b"")
        if b'"lineage"' in body:
            if down["down"] and len(there.bodies("state")) < down["until"]:
                return 500, b""
            kept.append(body)
        return 200, b""

    def then_down(path, body):
        down.update(down=True, until=len(there.bodies("state")) + 6)
        return on("apply")

    there.answers["state"] = [state]
    there.answers["report"] = [on("init"), on("plan"), then_down, (200, NOTHING_LEFT)]
    backend = StateBackend(address=f"{there.url}/state", username="u", password="of-lease")

    reports = await run([Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY], backend=backend)

    assert reports[-1]["kind"] == "failed", reports[-1]
    assert "state was saved" in reports[-1]["reason"], log_of(there)[-3000:]
    assert b"terraform_data" in kept[-1]


@pytest.fixture
async def applied_in_vain(run, there, impatient):
    """A run that has made something, and whose state nobody takes; its reports."""

    async def go():
        def state(path, body):
            return (500, b"") if b'"lineage"' in body else (200, b"") if body else (404, b"")

        there.answers["/state"] = [state]
        there.answers["report"] = [on("init"), on("plan"), on("apply"), (200, NOTHING_LEFT)]
        backend = StateBackend(address=f"{there.url}/state", username="u", password="of-lease")
        phases = [Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY]
        return await run(phases, backend=backend)

    return go


def handed_over(there):
    """(query, state) of what the server was given to keep."""
    return [
        (path.partition("?")[2], json.loads(gzip.decompress(body)))
        for path, body in there.asked
        if "/unsaved-state" in path
    ]


async def test_a_state_that_nobody_takes_is_handed_over_to_be_kept(
    applied_in_vain, there, tmp_path
):
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert reports[-1]["state_unsaved"]
    assert "gantry admin unsaved-states" in reports[-1]["reason"]
    ((query, state),) = handed_over(there)
    assert query.startswith("fence=")
    assert [resource["type"] for resource in state["resources"]] == ["terraform_data"]
    assert list((tmp_path / "unsaved").iterdir()) == []


async def test_a_state_that_cannot_even_be_handed_over_waits_sealed_on_the_worker(
    applied_in_vain, there, tmp_path, key
):
    there.answers["unsaved-state"] = [(503, b"away")]

    reports = await applied_in_vain()

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert reports[-1]["state_unsaved"]
    assert str(sealed) in reports[-1]["reason"]
    assert b"terraform_data" not in sealed.read_bytes()
    assert sealed.stat().st_mode & 0o077 == 0

    there.answers["unsaved-state"] = [(200, {"accepted": True})]
    server = ControlPlane(there.url, "POOL", lambda: "proof")
    await unsaved.hand_over_all(server, a_key(), tmp_path / "launcher-0")
    assert sealed.exists(), "another pool's worker has nothing to do with it"
    before = len(handed_over(there))

    await unsaved.hand_over_all(server, key, tmp_path / "launcher-0")

    await server.close()
    assert len(handed_over(there)) == before + 1
    assert list(sealed.parent.iterdir()) == []


async def test_a_link_in_place_of_the_state_keeps_nothing_of_the_host(run, there, tmp_path):
    (tmp_path / "secret").write_text("of-the-host")
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command=f"ln -s {tmp_path}/secret errored.tfstate; exit 1",
    )

    assert reports[-1]["kind"] == "failed"
    assert not reports[-1]["state_unsaved"]
    assert handed_over(there) == []
    assert not (tmp_path / "unsaved").exists()


async def test_a_state_is_kept_when_the_lease_is_lost_while_it_is_being_made(
    applied_in_vain, there, tmp_path
):
    """What the server answers to the next line of the log: somebody else has the run."""

    def lost(path, body):
        applying = len(there.bodies("report")) == 3
        return (200, {"accepted": False, "offset": 0}) if applying else took(path, body)

    there.answers["source"] = [(200, source(SLOW))]
    there.answers["logs/1"] = [lost]
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert [report["kind"] for report in reports] == ["phase_done", "phase_done", "planned"]
    assert [state["resources"][0]["type"] for _, state in handed_over(there)] == ["terraform_data"]


SLOW = b"""
resource "terraform_data" "it" {
  input = "made"
  provisioner "local-exec" { command = "sleep 1" }
}
"""


async def test_a_state_is_kept_when_the_worker_ends_at_once_while_it_is_being_saved(
    applied_in_vain, there, tmp_path, monkeypatch
):
    monkeypatch.setattr("gantry_worker.steps.rescue.WAITS", (60.0,))
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    task = asyncio.ensure_future(applied_in_vain())
    pending = unsaved.pending(tmp_path / "launcher-0")
    async with asyncio.timeout(30):
        while not list(pending.glob("*.sealed")):
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert sealed.suffix == ".sealed"
    assert list(pending.iterdir()) == []
    assert list((tmp_path / "runs").iterdir()) == []


async def test_a_state_that_no_disk_takes_is_handed_over_out_of_memory(
    applied_in_vain, there, tmp_path, monkeypatch
):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(unsaved, "seal", full)
    there.answers["unsaved-state"] = [(200, {"accepted": True})]

    reports = await applied_in_vain()

    assert reports[-1]["state_unsaved"]
    assert "gantry admin unsaved-states" in reports[-1]["reason"]
    assert len(handed_over(there)) == 1


async def test_a_state_that_came_with_the_commit_is_not_taken_for_the_runs_own(run, there):
    there.answers["source"] = [(200, source(b"", {"errored.tfstate": b'{"version": 4}'}))]
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run([Phase.PREPARE, Phase.PERFORM], command="exit 1")

    assert reports[-1]["reason"] == "The command failed with exit code 1."
    assert handed_over(there) == []


@pytest.mark.parametrize("ending", ["exit 0", "sleep 60"])
async def test_a_task_that_leaves_a_state_locks_its_stack_however_it_ends(
    run, there, impatient, ending
):
    there.answers["unsaved-state"] = [(200, {"accepted": True})]
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.PERFORM],
        command=f"echo '{{}}' > errored.tfstate; {ending}",
        minutes=0.05,
    )

    assert reports[-1]["state_unsaved"]
    assert [state for _, state in handed_over(there)] == [{}]


async def test_what_the_server_will_never_take_is_offered_once(applied_in_vain, there, tmp_path):
    there.answers["unsaved-state"] = [(200, {"accepted": False, "reason": "no"})]
    await applied_in_vain()
    server = ControlPlane(there.url, "POOL", lambda: "proof")

    for _ in range(2):
        await unsaved.hand_over_all(server, a_key(), tmp_path / "launcher-0")

    await server.close()
    (kept,) = (tmp_path / "unsaved").iterdir()
    assert kept.suffix == ".refused"
    assert len(handed_over(there)) == 1


def test_what_a_killed_worker_left_is_sealed_before_its_workspaces_are_cleared(tmp_path, key):
    place = tmp_path / "launcher-0"
    workspace = Workspace(place / "runs" / "RUN-7")
    workspace.make()
    (workspace.source / "errored.tfstate").write_text("what was made")
    workspace.executing.write_text("source/errored.tfstate")

    assert unsaved.take_over(place, key) == 1
    clear_leftovers(place)

    (sealed,) = (tmp_path / "unsaved").iterdir()
    assert sealed.name == "RUN-7.sealed"
    assert b"what was made" not in sealed.read_bytes()
    assert list((place / "runs").iterdir()) == []
    assert unsaved.take_over(place, key) == 0
