"""Whole runs whose code is hostile, in sandboxes, containers and without, as the server sees."""

import asyncio
import base64
import gzip
import json
from types import SimpleNamespace

import pytest
from gantry_protocol.calls import Failed, PhaseDone, Planned
from gantry_protocol.manifest import EnvironmentValue
from gantry_protocol.words import Phase
from gantry_worker import performance

from tests.integration.worker.whole_run import (
    CHOICES,
    NOTHING_LEFT,
    empty_state,
    log_of,
    on,
    source,
    took,
)
from tests.support.commands import until


@pytest.fixture(params=[*CHOICES, "docker"], ids=lambda choice: getattr(choice, "name", choice))
def choice(request):
    return request.getfixturevalue("in_containers") if request.param == "docker" else request.param


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


async def test_a_secret_that_refers_to_another_variable_is_masked_as_commands_see_it(run, there):
    there.answers["report"] = [on("perform"), (200, NOTHING_LEFT)]

    await run(
        [Phase.PREPARE, Phase.PERFORM],
        command='echo "it is $PASSWORD"; echo "at $ADDRESS"',
        environment=[
            EnvironmentValue(name="PART", value="river"),
            EnvironmentValue(name="PASSWORD", value="${PART}-4711", secret=True),
            EnvironmentValue(name="ADDRESS", value="db://me:${PASSWORD}@there"),
        ],
    )

    assert "it is *****" in log_of(there)
    assert "at *****" in log_of(there)
    assert "4711" not in log_of(there)


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


def slowly(answer):
    """The answer, once whatever could be begun meanwhile has been begun and is over."""

    async def later():
        await asyncio.sleep(1)
        return answer

    return lambda path, body: later()


def words_of(there, version):
    shipped = there.bodies(f"logs/{version}")
    tails = [json.loads(body).get("tail") for body in there.bodies("report")]
    mine = [t["data"] for t in tails if t and t["state_version"] == version]
    return (b"".join(shipped) + b"".join(map(base64.b64decode, mine))).decode()


async def test_a_phase_begins_while_the_one_before_is_reported_and_its_log_is_its_own(run, there):
    async def once_the_state_was_read():
        await until(lambda: any(path.endswith("/state") for path, _ in there.asked))
        return 200, {**on("init")[1], "state_version": 2}

    there.answers["report"] = [
        lambda path, body: once_the_state_was_read(),
        (200, NOTHING_LEFT),
    ]
    there.answers["logs/2"] = [took]

    reports = await run([Phase.PREPARE, Phase.INIT], backend=empty_state(there))

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
