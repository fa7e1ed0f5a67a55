"""What a run may see of its credentials while it plans, and while it applies; in the sandbox and
without."""

import base64
import platform

from gantry_protocol.manifest import EnvironmentValue, MountedFile
from gantry_protocol.words import Phase

from tests.integration.worker.whole_run import NOTHING_LEFT, empty_state, log_of, on, source

READS, WRITES, ALWAYS = "key-that-reads", "key-that-writes", "key-of-both"
ENVIRONMENT = [
    EnvironmentValue(name="ro_CLOUD_KEY", value=READS, secret=True),
    EnvironmentValue(name="wo_CLOUD_KEY", value=WRITES, secret=True),
    EnvironmentValue(name="wo_ONLY_APPLYING", value=f"also-{WRITES}"),
    EnvironmentValue(name="BOTH", value=ALWAYS, secret=True),
    EnvironmentValue(name="URL", value="db://${CLOUD_KEY}@there"),
]

# Everything that a command of this run can lay its hands on, backwards: masking, which knows
# these words, must not be what hides them.
LOOK = """{
  env
  cat /proc/self/environ /proc/$PPID/environ | tr '\\0' '\\n'
  [ "$ISOLATED" != yes ] || cat /proc/[0-9]*/environ | tr '\\0' '\\n'
  grep -rahs -e key-that -e key-of .. "$HOME" "${gantry_back%/back}"
  [ "$ISOLATED" != yes ] || grep -rahs -e key-that -e key-of /tmp /var/tmp /dev/shm /etc /mnt
} 2>/dev/null | sed "s/^/ $SAYING: /" | rev
"""

CODE = b"""
resource "terraform_data" "it" {
  provisioner "local-exec" { command = "SAYING=tool; export SAYING\\n. ../look" }
}
"""


def seen(there, who):
    """What one of the looks has shown, put right again."""
    lines = [line[::-1] for line in log_of(there).replace("\r", "").split("\n")]
    return "\n".join(line for line in lines if line.startswith(f" {who}: "))


def looking(phase, when):
    return [f"SAYING={when}_{phase}; export SAYING", LOOK]


async def test_keys_for_applying_are_nowhere_while_a_run_plans_and_the_other_way_round(run, there):
    wrap_up = (200, {"accepted": True, "then": "wrap_up", "state": "FINISHED"})
    there.answers["report"] = [on("init"), on("plan"), on("apply"), wrap_up, (200, NOTHING_LEFT)]
    hooks = {
        f"{when}_{phase}": looking(phase, when)
        for phase in ("init", "plan", "apply")
        for when in ("before", "after")
    }
    isolated = EnvironmentValue(name="ISOLATED", value="yes" if run.isolates else "no")
    look = MountedFile(path="look", content=base64.b64encode(LOOK.encode()).decode())

    there.answers["source"] = [(200, source(CODE))]
    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN, Phase.APPLY],
        environment=[*ENVIRONMENT, isolated],
        files=[look],
        hooks={**hooks, "after_run": looking("run", "after")},
        backend=empty_state(there),
    )

    assert reports[-1]["kind"] == "applied", log_of(there)[-3000:]
    planning = [f"{when}_{phase}" for phase in ("init", "plan") for when in ("before", "after")]
    applying = ["before_apply", "after_apply", "after_run"]
    for who in planning:
        said = seen(there, who)
        assert READS in said
        assert ALWAYS in said
        assert f"URL=db://{READS}@there" in said
        assert WRITES not in said, who
        assert "ONLY_APPLYING" not in said
    for who in applying:
        said = seen(there, who)
        assert f"CLOUD_KEY={WRITES}" in said, who
        assert f"ONLY_APPLYING=also-{WRITES}" in said
        assert f"URL=db://{WRITES}@there" in said
        assert ALWAYS in said
        assert READS not in said, who
    assert "_CLOUD_KEY" not in "".join(seen(there, who) for who in (*planning, *applying))


HOSTILE = """#!/bin/sh
exec 2>/dev/null
{
  tr '\\0' '\\n' < /proc/self/environ
  cat /proc/[0-9]*/environ | tr '\\0' '\\n'
} > "$LOOT/loot"
"""


async def test_a_hostile_provider_finds_only_what_reads_while_its_data_source_is_planned(
    run, there, tmp_path
):
    """Terraform itself starts it, as it starts every provider, to read a data source."""
    root = "/mnt/workspace" if run.isolates else str(tmp_path / "runs" / "RUN-1")
    machine = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
    at = f"mirror/example.test/evil/evil/1.0.0/linux_{machine}/terraform-provider-evil_v1.0.0"
    rc = f'provider_installation {{ filesystem_mirror {{ path = "{root}/source/mirror" }} }}\n'
    code = (
        "terraform {\n  required_providers {\n"
        '    evil = { source = "example.test/evil/evil" }\n  }\n}\n'
        'data "evil_thing" "it" {}\n'
    )
    there.answers["source"] = [(200, source(code.encode(), {at: HOSTILE.encode()}))]
    there.answers["report"] = [on("init"), on("plan"), (200, NOTHING_LEFT)]

    reports = await run(
        [Phase.PREPARE, Phase.INIT, Phase.PLAN],
        environment=[*ENVIRONMENT, EnvironmentValue(name="LOOT", value=root)],
        files=[MountedFile(path="a.terraformrc", content=base64.b64encode(rc.encode()).decode())],
        hooks={"before_init": [f"chmod +x {at}"], "after_run": ["rev < ../loot"]},
        backend=empty_state(there),
    )

    assert reports[-1]["reason"] == "Planning failed with exit code 1.", log_of(there)[-3000:]
    loot = log_of(there)[::-1]
    assert f"CLOUD_KEY={READS}" in loot
    assert (
        "TF_PLUGIN_MAGIC_COOKIE" in loot or "PLUGIN_PROTOCOL_VERSIONS" in loot
    )  # it was Terraform
    assert WRITES not in loot
