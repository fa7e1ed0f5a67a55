"""What pictures show: stacks of a company that does not exist, whose runs have really been made.

The code uses Terraform's built-in resource alone, so that nothing outside is asked for.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from gantry.kernel.ids import new_id

from tests.support.git_repository import Repository
from tests.support.platform import Platform, Process, make_pool, workers_of
from tests.support.site import Site
from tools.sample_access import (
    Access,
    give_roles,
    make_contexts,
    make_people,
    make_spaces_and_roles,
)

COMPANY = "Northwind"

NETWORK = """
locals {
  zones = ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
}

resource "terraform_data" "vpc" {
  input = { cidr = "10.20.0.0/16", name = "production" }
}

resource "terraform_data" "subnet" {
  for_each = { for n, zone in local.zones : zone => n }
  input    = { cidr = cidrsubnet("10.20.0.0/16", 4, each.value), zone = each.key }
}

output "vpc_cidr" { value = terraform_data.vpc.output.cidr }
output "zones" { value = local.zones }
"""

CLUSTER = """
resource "terraform_data" "control_plane" {
  input = { version = "1.33", private = true }
}

resource "terraform_data" "node_group" {
  for_each = toset(["general", "batch"])
  input    = { name = each.key, size = 3, type = "m7i.large" }
}

resource "terraform_data" "legacy_ingress" {
  input = { name = "nginx", replicas = 2 }
}

output "version" { value = terraform_data.control_plane.output.version }
"""

CLUSTER_GROWS = """
resource "terraform_data" "control_plane" {
  input = { version = "1.34", private = true }
}

resource "terraform_data" "node_group" {
  for_each = toset(["general", "batch", "gpu"])
  input    = { name = each.key, size = each.key == "general" ? 5 : 3, type = "m7i.large" }
}

resource "terraform_data" "gateway" {
  count = 2
  input = { name = "gateway-${count.index}", replicas = 2 }
}

output "version" { value = terraform_data.control_plane.output.version }
"""

CONFIG = """
version: "2"
stack_defaults:
  before_plan:
    - terraform fmt -check
    - ./policy/check.sh --strict
stacks:
  kubernetes:
    environment:
      TF_LOG: info
      TF_VAR_zone: ${TF_VAR_region}a
"""

BILLING = """
variable "monthly_limit" { default = 0 }

resource "terraform_data" "budget" {
  input = { limit = var.monthly_limit, currency = "EUR" }

  lifecycle {
    precondition {
      condition     = var.monthly_limit > 0
      error_message = "A budget of nothing would stop everything: set monthly_limit."
    }
  }
}
"""

SMALL = """
resource "terraform_data" "it" { input = { name = "%s" } }

output "name" { value = terraform_data.it.output.name }
"""

LEDGER = """
resource "terraform_data" "database" { input = { engine = "postgres", version = 18 } }

resource "terraform_data" "migration" {
  depends_on = [terraform_data.database]
  provisioner "local-exec" { command = "echo 'migrating 41,000,000 entries'; sleep 60" }
}
"""

LOAD_TEST = """
import sys
import time

for second in range(1, 1201):
    slow = second % 37 == 0
    colour = 33 if slow else 32
    word = "slow" if slow else "ok  "
    print(
        f"\\x1b[2m{second // 60:02}:{second % 60:02}\\x1b[0m \\x1b[{colour}m{word}\\x1b[0m"
        f" {480 + second * 7 % 90} requests, p95 \\x1b[1m{38 + second * 13 % 40} ms\\x1b[0m,"
        f" {'1 retry' if slow else 'no retry'}"
    )
print("\\x1b[1;32m1,200 steps done, nothing was lost\\x1b[0m")
"""


@dataclass
class Sample(Access):
    """What there is: stacks and a run of each, by the words that pictures use."""

    stacks: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=dict)

    webhook: str = ""
    """One that was told several things."""
    idle_pool: str = ""
    """A pool without a worker, for which a run waits."""

    def code(self, word: str) -> str:
        """The address of the repository that the stack is made from."""
        found: str = self.site.look(self.stacks[word], "repositoryURL")["repositoryURL"]
        return found

    def page_of(self, word: str, tab: str = "") -> str:
        """A page of the stack that this word stands for."""
        return f"/stack/{self.stacks[word]}/{tab}".rstrip("/")

    def address_of(self, word: str) -> str:
        """The page of the run that this word stands for."""
        return f"/stack/{self.stacks[word]}/run/{self.runs[word]}"


def name_account(platform: Platform, server: Process) -> None:
    """The first step of an installation."""
    platform.admin(server, account=COMPANY)


def fill(platform: Platform, server: Process, hooks: str) -> Sample:
    """Fill a named installation; return when every run is where its picture wants it. `hooks` is
    where webhooks lead.
    """
    site = Site(platform, server, pool="eu-west-1")
    sample = Sample(site)
    workers = site.start_workers(3)
    make_spaces_and_roles(sample)
    make_contexts(sample)
    _quick_ones(sample)
    _cluster(sample, hooks)
    _troubles(sample)
    _load_test(sample)
    _waiting(sample)
    _unknown(sample, workers)
    _webhooks(sample, hooks)
    _rest(sample)
    _sign_on(sample)
    _notifications(sample)
    return sample


def _notifications(sample: Sample) -> None:
    # Kept behind the product's back: what they are about takes hours to go wrong.
    cluster = sample.stacks["kubernetes"]
    hook, pager = "WEBHOOK_SWITCHED_OFF", 'Webhook "pager" was switched off'
    off = "10 deliveries in a row failed. The last one: The endpoint answered 503. Nothing is sent"
    apart = "The stack's state does not hold what its last run changed. What the run left is kept"
    for group, about, severity, title, body, stack, times in (
        (hook, "1", "WARNING", pager, f"{off} until somebody switches it on again.", None, 1),
        (
            "STATE_KEPT_APART",
            "2",
            "ERROR",
            "A run's state was not taken by its backend",
            f"{apart} apart: somebody has to import or discard it.",
            cluster,
            1,
        ),
        (
            "AUDIT_TRAIL_NOT_DELIVERED",
            "",
            "ERROR",
            "The audit trail is not delivered",
            "45 attempts in a row failed. The last one: The endpoint answered 503.",
            None,
            3,
        ),
    ):
        sample.site.platform.change(
            "insert into notification (id, group_key, about, severity, title, body, space_id,"
            " stack_id, times, created_at, last_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s,"
            " now() - interval '5 hours', now() - interval '20 minutes')",
            *(new_id(), group, about, severity, title, body),
            *(None if stack else "root", stack, times),
        )


def _sign_on(sample: Sample) -> None:
    # Kept behind the product's back: it would ask GitHub for the organization.
    settings = {
        "organization": "northwind",
        "client_id": "Ov23liK1b2hT9",
        "address": "https://github.com",
    }
    sample.site.platform.change(
        "insert into identity_provider (id, kind, settings, revision, created_at, changed_at,"
        " changed_by) values (1, 'GITHUB', %s, 'sample', now(), now(), 'admin::admin')",
        json.dumps(settings),
    )


def _quick_ones(sample: Sample) -> None:
    site = sample.site
    ones = {
        "network": (NETWORK, "VPC and subnets", "A third zone", ["env:production"]),
        "DNS zones": (
            SMALL % "public",
            "All public zones",
            "Zone for the shop",
            ["env:production"],
        ),
        "identity": (SMALL % "sso", "Sign-on for staff", "Longer sessions", ["team:security"]),
        "object storage": (SMALL % "assets", "Buckets", "Keep versions for a week", ["team:shop"]),
    }
    for name, (code, description, commit, labels) in ones.items():
        _stack(sample, name, code, commit, description=description, labels=labels)
        sample.runs[name] = site.trigger(sample.stacks[name])
    for name in ones:
        site.api.wait_for(sample.runs[name], "UNCONFIRMED")
        site.decide("runConfirm", sample.stacks[name], sample.runs[name], "As planned on Monday")
    for name in ones:
        site.api.wait_for(sample.runs[name], "FINISHED")
    site.api.ask(LOCK, id=sample.stacks["identity"], note="The auditors look at it until Friday")


def _cluster(sample: Sample, hooks: str) -> None:
    site = sample.site
    source = _stack(
        sample,
        "kubernetes",
        CLUSTER.replace('"batch"', "").replace("1.33", "1.32"),
        "The beginning",
        description="The cluster that runs the shop",
        labels=["env:production", "team:platform", "tier:1"],
        beforePlan=["terraform fmt -check", "./policy/check.sh"],
        afterApply=["./notify.sh deployed"],
    )
    source.commit(
        {"policy/check.sh": "#!/bin/sh\n", "notify.sh": "#!/bin/sh\n"},
        "Check policies, tell the team",
    )
    for script in ("policy/check.sh", "notify.sh"):
        (source.path / script).chmod(0o755)
    source.commit(message="A cluster with general nodes, Kubernetes 1.32")
    stack = sample.stacks["kubernetes"]
    site.api.ask(STACK_HOOK, stack=stack, endpoint=f"{hooks}/deployments")
    site.configure(stack, "TF_VAR_region", "eu-west-1", description="Where the cluster is")
    site.configure(stack, "TF_LOG", "warn")
    site.configure(stack, "REGISTRY_TOKEN", "a-token-nobody-sees", writeOnly=True)
    config = base64.b64encode(b"timeout: 30s\nretries: 3\n").decode()
    site.configure(stack, "cluster/limits.yaml", config, type="FILE_MOUNT")
    site.applied(stack)
    source.commit({"main.tf": CLUSTER}, "Nodes for batches, Kubernetes 1.33")
    site.applied(stack)
    source.commit(
        {"main.tf": CLUSTER_GROWS, ".gantry/config.yml": CONFIG},
        "Kubernetes 1.34, nodes with GPUs, new gateways",
    )
    run = sample.runs["kubernetes"] = site.planned(stack)
    site.api.ask(COMMENT, stack=stack, run=run, body="The old ingress has no traffic since May.")


def _troubles(sample: Sample) -> None:
    _stack(sample, "billing", BILLING, "Budgets per team", description="Budgets and alerts")
    run = sample.runs["billing"] = sample.site.trigger(sample.stacks["billing"])
    sample.site.api.wait_for(run, "FAILED")


def _load_test(sample: Sample) -> None:
    files = {"main.tf": SMALL % "load test", "load_test.py": LOAD_TEST}
    labels = ["env:staging", "team:shop"]
    _stack(sample, "load test", files, "Twenty minutes instead of ten", labels=labels)
    run = sample.site.task(sample.stacks["load test"], "python3 load_test.py")
    sample.runs["load test"] = run
    sample.site.api.wait_for(run, "FINISHED")


def _waiting(sample: Sample) -> None:
    # Its pool has no worker: this run waits for as long as anybody looks.
    pool = sample.idle_pool = make_pool(sample.site.api, "gpu").id
    _stack(sample, "search", SMALL % "search", "One more replica", workerPool=pool)
    run = sample.runs["search"] = sample.site.trigger(sample.stacks["search"])
    sample.site.api.wait_for(run, "READY")


def _unknown(sample: Sample, workers: list[Process]) -> None:
    site = sample.site
    _stack(sample, "ledger", LEDGER, "Entries by month", description="The books", labels=["tier:1"])
    stack = sample.stacks["ledger"]
    run = sample.runs["ledger"] = site.planned(stack)
    site.decide("runConfirm", stack, run)
    site.api.wait_for(run, "APPLYING")
    site.api.wait_for_words(run, site.version(run, "APPLYING"), "migrating")
    for worker in workers:
        worker.kill()
    site.api.wait_for(run, "FAILED")
    site.start_workers(2)


def _webhooks(sample: Sample, hooks: str) -> None:
    ask = sample.site.api.ask
    made = {}
    for name, path, labels, enabled in (
        ("chat of the platform team", "chat", ["team:platform"], True),
        ("pager", "503", ["tier:1"], True),
        ("tickets", "tickets", [], False),
    ):
        wanted = {"name": name, "endpoint": f"{hooks}/{path}", "labels": labels, "enabled": enabled}
        given = {"space": "root", "secret": "a-secret-nobody-sees", "retryOnFailure": True}
        answer = ask(HOOK, input={**wanted, **given})
        made[name] = answer["namedWebhooksIntegrationCreate"]["id"]
        for _ in range(2):
            ask(HOOK_TEST, id=made[name])
    sample.webhook = made["chat of the platform team"]
    entries = [{"key": "Authorization", "value": "Bearer a-token-nobody-sees"}]
    ask(HOOK_HEADERS, id=sample.webhook, input={"entries": entries})
    ask(HOOK_TEST, id=sample.webhook)
    ask(AUDIT_HOOK, endpoint=f"{hooks}/audit")


def _rest(sample: Sample) -> None:
    """What no run is about."""
    site = sample.site
    for name in ("kubernetes", "network"):
        site.api.ask(STAR, id=sample.stacks[name])
    for name, view, shared in VIEWS:
        kept = {"name": name, "type": "stacks", "isPublic": shared}
        site.api.ask(KEEP, input={**kept, "data": json.dumps({"address": view})})
    for name, admin in (("terraform provider", True), ("night builds", False)):
        made = site.api.ask(KEY, input={"name": name, "admin": admin})["apiKeyCreate"]
        site.platform.secrets.add(made["secret"])
    make_people(sample)
    give_roles(sample, key=made["id"], stack=sample.stacks["kubernetes"])

    # The newest come first; those that were killed are missed only after a minute.
    idle = next(one for one in workers_of(site.api, site.pool) if not one["busy"])
    site.api.ask(DRAIN, pool=site.pool.id, id=idle["id"])


def _stack(
    sample: Sample, name: str, code: str | dict[str, str], commit: str, **settings: Any
) -> Repository:
    """A stack of that name, and the repository that it is made from."""
    folder = name.replace(" ", "-").lower()
    place = sample.site.platform.place / "code"
    place.mkdir(exist_ok=True)
    source = Repository(place / folder)
    source.commit(code if isinstance(code, dict) else {"main.tf": code}, commit)
    from_where = {"namespace": COMPANY.lower(), "repository": folder}
    sample.stacks[name] = sample.site.stack(source, name=name, **from_where, **settings)
    return source


VIEWS = (
    ("Shop in production", "f.label=env%3Aproduction&f.label=team%3Ashop", True),
    ("Failed, newest first", "f.state=FAILED&sort=-createdAt", True),
    ("With my stars", "f.starred=true", False),
)
"""Views that somebody keeps: name, address, whether for everybody."""
KEEP = "mutation ($input: SavedFilterInput!) { savedFilterCreate(input: $input) { id } }"
STAR = "mutation ($id: ID!) { starSet(id: $id, star: true) { id } }"
KEY = "mutation ($input: ApiKeyInput!) { apiKeyCreate(input: $input) { id secret } }"
DRAIN = """
mutation ($pool: ID!, $id: ID!) { workerDrainSet(workerPool: $pool, id: $id, drain: true) { id } }
"""
HOOK = """
mutation ($input: NamedWebhooksIntegrationInput!) {
  namedWebhooksIntegrationCreate(input: $input) { id }
}
"""
HOOK_HEADERS = """
mutation ($id: ID!, $input: NamedWebhookHeaderInput!) {
  namedWebhooksIntegrationSetHeaders(id: $id, input: $input) { id }
}
"""
HOOK_TEST = "mutation ($id: ID!) { webhookTest(webhook: $id) { id } }"
AUDIT_HOOK = """
mutation ($endpoint: String!) {
  auditTrailSetWebhook(input: {
    enabled: true, endpoint: $endpoint, includeRuns: false, secret: "a-secret-nobody-sees"
  }) { id }
}
"""
STACK_HOOK = """
mutation ($stack: ID!, $endpoint: String!) {
  webhooksIntegrationCreate(stack: $stack, input: {
    enabled: true, endpoint: $endpoint, secret: "a-secret-nobody-sees", retryOnFailure: true
  }) { id }
}
"""
LOCK = "mutation ($id: ID!, $note: String) { stackLock(id: $id, note: $note) { id } }"
COMMENT = """
mutation ($stack: ID!, $run: ID!, $body: String!) {
  runComment(stack: $stack, run: $run, body: $body) { createdAt }
}
"""
