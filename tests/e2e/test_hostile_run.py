"""A run whose code is hostile, on a real worker beside a run of somebody else.

What it looks for are canaries: words that are where it must not get. It says what it found
backwards, because masking must not be what hides it, and it does find what it may: its own.
"""

from __future__ import annotations

import base64
import platform
import socket
import uuid
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.replicas import Replicas
from tests.support.site import Site

OWN = f"canary-own-{uuid.uuid4().hex}"
OTHER = f"canary-other-{uuid.uuid4().hex}"
HOST = f"canary-host-{uuid.uuid4().hex}"

LOOK = r"""{
  echo "--- processes"
  cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline /proc/[0-9]*/task/*/environ | tr '\0' '\n'
  cat /proc/1/root/etc/shadow /proc/1/cwd/../key /proc/[0-9]*/root"$WORKERS"/launcher-*/lock
  for p in $WORKER $SERVER 1; do
    cat /proc/$p/environ /proc/$p/maps /proc/$p/mem /proc/$p/cwd/* | head -c 1000000
    kill -0 $p && [ $p != 1 ] && echo "alive:$p"
  done
  ls -d /proc/[0-9]* | wc -l | sed 's/^/processes:/'

  echo "--- files"
  find / -xdev -path /proc -prune -o -name '*.key' -print -o -name '*.pem' -print
  for at in "$WORKERS" "$PLACE" "$HOSTS" /root /home /var/lib/gantry-worker /etc/shadow /run \
      /var/run /sys/fs/cgroup /boot /srv /opt /var/log /var/lib /work; do
    grep -rahs canary- "$at" | head -c 100000
    find "$at" -type f 2>/dev/null | sed 's/^/file:/' | head -n 50
  done
  grep -rahs canary- /tmp /var/tmp /dev/shm /mnt /etc | head -c 100000
  cat ../../../*/source/secret.txt ../../*/secret.txt

  echo "--- kernel"
  cat /proc/kcore /proc/kmsg /proc/keys /proc/sysrq-trigger | head -c 1000000
  dmesg

  echo "--- doors"
  find / -type s | sed 's/^/socket:/'
  for at in /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /usr/bin /etc /sys /dev \
      "$WORKERS" /proc/1; do
    (: >"$at/made" || : >>"$at") && echo "wrote:$at"
  done
  mount -t tmpfs none /tmp && echo "mounted"
  nsenter -t 1 -a true && echo "entered"
  unshare -Ur true && echo "unshared"
  chroot / true && echo "chrooted"
} 2>/dev/null | rev
"""

LINKS = """
rm -rf ../.home ../a-link errored.tfstate
ln -s "$HOSTS" ../.home
ln -s "$HOSTS/canary" errored.tfstate
ln -s "$HOSTS/canary" ../a-link
ln -sf "$HOSTS/canary" "$gantry_back/exported"
ln -sf "$HOSTS/canary" "$gantry_back/plan.tfplan"
true
"""

WAIT = 'echo "$OTHER" > written.txt; echo at-work; while [ ! -e stop ]; do sleep 0.2; done'


MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
PROVIDER = f"mirror/example.test/evil/evil/1.0.0/linux_{MACHINE}/terraform-provider-evil_v1.0.0"
READS_DATA = """
terraform {
  required_providers {
    evil = { source = "example.test/evil/evil" }
  }
}
data "evil_thing" "it" {}
"""
FROM_THE_TREE = """
provider_installation { filesystem_mirror { path = "/mnt/workspace/source/mirror" } }
"""


@dataclass
class Attack:
    """What the attacker laid hands on, put right again, and the run itself."""

    loot: str
    log: str
    run: dict[str, object]
    stack: str


@pytest.fixture(scope="module")
def hosts():
    """A directory of the host's in which there is a canary, in /tmp beside the sandbox's own."""
    path = Path(f"/tmp/gantry-hosts-{uuid.uuid4().hex}")
    path.mkdir()
    (path / "canary").write_text(HOST)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(path / "docker.sock"))
        yield path
    for at in path.iterdir():
        at.unlink()
    path.rmdir()


@pytest.fixture(scope="module")
def attacks(site: Site, replicas: Replicas, hosts: Path) -> dict[str, Attack]:
    """What a hook finds that a run begins to plan with, and what a provider does that Terraform
    starts for a data source; both while a run of somebody else is at work.
    """
    victim = site.stack(site.repository({"main.tf": "", "secret.txt": OTHER}))
    site.configure(victim, "OTHER", OTHER, writeOnly=True)
    busy = site.task(victim, WAIT, skip_init=True)
    site.api.wait_for(busy, "PERFORMING")
    site.api.wait_for_words(busy, site.version(busy, "PERFORMING"), "at-work")
    try:
        assert site.source(busy).joinpath("written.txt").read_text().strip() == OTHER

        workers = [worker for worker in site.pool.workers if worker.alive]
        assert workers
        where = {
            "WORKERS": str(site.platform.place / "worker"),
            "PLACE": str(site.platform.place),
            "HOSTS": str(hosts),
            "WORKER": " ".join(str(worker.pid) for worker in workers),
            "SERVER": str(replicas.servers["a"].pid),
        }
        hook = site.stack('resource "terraform_data" "it" {}\n', beforePlan=[LOOK])
        hostile = f"#!/bin/sh\n{LOOK.rstrip()} >$LOOT\n"
        provider = site.stack(
            site.repository({"main.tf": READS_DATA, PROVIDER: hostile}),
            beforeInit=[f"chmod +x {PROVIDER}"],
            afterRun=["cat $LOOT"],
        )
        site.configure(provider, "LOOT", "/mnt/workspace/loot")
        rc = base64.b64encode(FROM_THE_TREE.encode()).decode()
        site.configure(provider, "a.terraformrc", rc, type="FILE_MOUNT")
        found = {}
        for name, stack, end in (
            ("hook", hook, "UNCONFIRMED"),
            ("provider", provider, "FAILED"),  # which is none, and says nothing to Terraform
        ):
            for variable, value in where.items():
                site.configure(stack, variable, value)
            site.configure(stack, "OWN", OWN, writeOnly=True)
            run = site.trigger(stack)
            ended = site.api.wait_for(run, end)
            log = site.api.whole_log(run)
            lines = (line.rstrip("\r")[::-1] for line in log.split("\n"))
            found[name] = Attack("\n".join(lines), log, ended, stack)
        site.decide("runDiscard", hook, str(found["hook"].run["id"]))
    finally:
        (site.source(busy) / "stop").touch()
        site.api.wait_for(busy, "FINISHED")
    return found


@pytest.fixture(params=["hook", "provider"])
def attack(request, attacks) -> Attack:
    return attacks[request.param]


def test_the_provider_was_started_by_terraform(attacks):
    assert "TF_PLUGIN_MAGIC_COOKIE" in attacks["provider"].loot
    assert attacks["provider"].run["failureReason"].startswith("Planning failed")
    assert "TF_PLUGIN_MAGIC_COOKIE" not in attacks["hook"].loot


def test_it_finds_its_own_so_that_it_would_have_found_the_rest(attack):
    assert f"OWN={OWN}" in attack.loot
    for part in ("processes", "files", "kernel", "doors"):
        assert f"--- {part}" in attack.loot


def test_it_does_not_find_the_workers_key(site, attack):
    key = base64.b64decode(site.pool.key).decode()
    lines = [line for line in key.splitlines() if len(line) > 20 and "--" not in line]
    assert len(lines) > 10
    for word in (site.pool.key, "PRIVATE_KEY", "PRIVATE KEY", "SPACELIFT_TOKEN=", *lines):
        assert word not in attack.loot, word[:20]


def test_it_does_not_find_anything_of_another_run(attack):
    assert OTHER not in attack.loot
    # Of all that workers keep it sees what it was given to execute, at its place.
    files = {line for line in attack.loot.splitlines() if line.startswith("file:")}
    own = f"/{attack.run['id']}-1.own/"
    assert all(own in line for line in files), files
    assert {line.split(own)[1] for line in files} <= {
        "scripts/init.sh",
        "scripts/plan.sh",
        "back/status",
    }


def test_it_finds_nothing_of_the_hosts_files_processes_and_kernel(attack):
    assert HOST not in attack.loot
    assert "root:$" not in attack.loot
    assert "alive:" not in attack.loot
    (count,) = (line for line in attack.loot.splitlines() if line.startswith("processes:"))
    assert int(count.partition(":")[2]) < 12
    kernel = attack.loot.split("--- kernel\n")[1].split("--- doors")[0]
    assert kernel.strip() == ""


def test_no_door_is_open(site, attack, hosts):
    # In the sandbox's own /tmp it may make what it likes, the workers' directory among it.
    workers = site.platform.place / "worker"
    assert not (workers / "made").exists()
    attack.loot = attack.loot.replace(f"wrote:{workers}\n", "")
    doors = attack.loot.split("--- doors")[1]
    assert "socket:" not in doors
    for word in ("wrote:", "mounted", "entered", "unshared", "chrooted"):
        assert word not in doors
    assert (hosts / "canary").read_text() == HOST


def test_the_worker_follows_no_link_that_a_run_left_in_its_way(site, hosts):
    stack = site.stack('resource "terraform_data" "it" {}\n', afterPlan=[LINKS])
    site.configure(stack, "HOSTS", str(hosts))
    run = site.trigger(stack)

    ended = site.api.wait_for(run, "FAILED")

    assert "The plan cannot be kept" in ended["failureReason"]
    assert HOST not in site.api.whole_log(run)
    assert (hosts / "canary").read_text() == HOST
    assert sorted(at.name for at in hosts.iterdir()) == ["canary", "docker.sock"]
