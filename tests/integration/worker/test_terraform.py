"""The arguments, the override file and the reading of plans, against a real Terraform.

A state server of a few lines stands in for ours; `terraform_data` needs no provider.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import subprocess
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from gantry_worker.tools import terraform as tf
from gantry_worker.tools.overrides import (
    ForeignBackend,
    backend_env,
    backend_override,
    check_backend,
)
from gantry_worker.tools.plan_json import Delta, applied_state, output_values, read_plan, summarise
from gantry_worker.tools.redaction import SENSITIVE, UNKNOWN

TERRAFORM = shutil.which("terraform")
needs_terraform = pytest.mark.skipif(TERRAFORM is None, reason="no terraform on this machine")

FIRST, SECOND = "password-of-the-plan", "password-of-the-apply"


@dataclass
class Store:
    """One state behind HTTP, open to whoever knows the password of the hour."""

    url: str = ""
    password: str = FIRST
    state: bytes | None = None
    lock: bytes | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def answer(self, method: str, authorization: str, body: bytes) -> tuple[int, bytes]:
        expected = base64.b64encode(f"run:{self.password}".encode()).decode()
        if authorization != f"Basic {expected}":
            return 401, b""
        if method == "GET":
            return (404, b"") if self.state is None else (200, self.state)
        if method == "POST":
            self.state = body
        elif method == "LOCK" and self.lock is not None:
            return 423, self.lock
        elif method in ("LOCK", "UNLOCK"):
            self.lock = body if method == "LOCK" else None
        return 200, b""

    def env(self, password: str) -> dict[str, str]:
        return backend_env(f"{self.url}/state", "run", password)


@pytest.fixture
def store():
    store = Store()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code, content = store.answer(self.command, self.headers.get("Authorization", ""), body)
            store.asked.append((self.command, code))
            self.send_response(code)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_LOCK = do_UNLOCK = answer

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    store.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield store
    server.shutdown()
    thread.join()
    server.server_close()


@dataclass
class Tree:
    """A project and the commands run in it, each in an environment of its own."""

    root: Path

    def write(self, name: str, text: str) -> None:
        (self.root / name).write_text(text)

    def override(self) -> None:
        file = backend_override()
        self.write(file.name, file.text)

    def run(self, args: list[str], env: dict[str, str] | None = None):
        base = {"PATH": os.environ["PATH"], "HOME": str(self.root.parent), **tf.automation_env()}
        command = [str(TERRAFORM), *args]
        return subprocess.run(command, cwd=self.root, env=base | (env or {}), capture_output=True)

    def must(self, args: list[str], env: dict[str, str] | None = None) -> bytes:
        done = self.run(args, env)
        assert done.returncode in ((0, 2) if args[0] == "plan" else (0,)), done.stderr.decode()
        return done.stdout

    def recorded(self) -> bytes:
        return (self.root / ".terraform/terraform.tfstate").read_bytes()

    def holds(self, text: str) -> list[str]:
        """The files that have `text` in them, saved plans looked into."""
        found = []
        for file in sorted(self.root.rglob("*")):
            if not file.is_file():
                continue
            contents = {file.name: file.read_bytes()}
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(io.BytesIO(contents[file.name])) as inside:
                    contents |= {name: inside.read(name) for name in inside.namelist()}
            found += [name for name, content in contents.items() if text.encode() in content]
        return found


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    tree = Tree(root)
    tree.write(
        "main.tf",
        'resource "terraform_data" "a" {\n  input = "hello"\n}\n'
        'output "said" {\n  value = terraform_data.a.output\n}\n',
    )
    return tree


BACKENDS = {
    "none": "",
    "local": 'terraform {\n  backend "local" {\n    path = "mine.tfstate"\n  }\n}\n',
    "s3": 'terraform {\n  backend "s3" {\n    bucket = "b"\n    key = "k"\n'
    '    region = "eu-west-1"\n  }\n}\n',
    "http": 'terraform {\n  backend "http" {\n    address = "http://127.0.0.1:1/other"\n'
    '    password = "theirs"\n  }\n}\n',
    "cloud": 'terraform {\n  cloud {\n    organization = "o"\n    workspaces {\n'
    '      name = "n"\n    }\n  }\n}\n',
}


# ------------------------------------------------------------------ whose backend


@needs_terraform
@pytest.mark.parametrize("backend", BACKENDS)
def test_the_state_comes_to_us_whatever_backend_the_code_names(tree, store, backend):
    tree.write("backend.tf", BACKENDS[backend])
    tree.override()
    env = store.env(FIRST)

    tree.must(tf.init_args(), env)
    check_backend(tree.recorded())
    planned = tree.run(tf.plan_args("run.tfplan"), env)
    assert tf.plan_outcome(planned.returncode) == "changes"
    tree.must(tf.apply_args("run.tfplan"), env)

    assert b'"hello"' in (store.state or b"")
    assert store.lock is None
    assert {code for _, code in store.asked} <= {200, 404}
    assert not list(tree.root.glob("*.tfstate"))


@needs_terraform
def test_a_tree_that_was_initialised_with_its_own_backend_is_taken_over(tree, store):
    tree.write("backend.tf", BACKENDS["local"])
    tree.must(tf.init_args())
    tree.override()

    tree.must(tf.init_args(), store.env(FIRST))

    check_backend(tree.recorded())


@needs_terraform
def test_the_password_is_nowhere_on_disk(tree, store):
    tree.override()
    env = store.env(FIRST)
    tree.must(tf.init_args(), env)
    tree.must(tf.plan_args("run.tfplan"), env)

    assert tree.holds(FIRST) == []
    assert tree.holds(store.url) == []
    config = json.loads(tree.recorded())["backend"]["config"]
    assert set(config.values()) == {None}
    # The search looks where the plan keeps its backend: what the code says is found.
    assert "tfplan" in tree.holds("password")


@needs_terraform
def test_a_plan_made_under_one_password_is_applied_under_another(tree, store):
    tree.override()
    tree.must(tf.init_args(), store.env(FIRST))
    tree.must(tf.plan_args("run.tfplan"), store.env(FIRST))
    store.password = SECOND

    refused = tree.run(tf.apply_args("run.tfplan"), store.env(FIRST))
    assert refused.returncode == 1
    assert b"requires auth" in refused.stderr
    assert store.state is None

    tree.must(tf.apply_args("run.tfplan"), store.env(SECOND))
    assert b'"hello"' in store.state


@needs_terraform
def test_a_workspace_moved_to_another_machine_is_applied_without_a_new_init(tree, store):
    tree.override()
    tree.must(tf.init_args(), store.env(FIRST))
    tree.must(tf.plan_args("run.tfplan"), store.env(FIRST))
    store.password = SECOND
    elsewhere = tree.root.parent / "elsewhere"
    tree.root.rename(elsewhere)

    Tree(elsewhere).must(tf.apply_args("run.tfplan"), store.env(SECOND))

    assert b'"hello"' in store.state


@needs_terraform
def test_an_override_file_named_after_ours_is_found_out(tree, store):
    tree.override()
    tree.write("zzz_override.tf", BACKENDS["local"])

    tree.must(tf.init_args(), store.env(FIRST))

    with pytest.raises(ForeignBackend, match="insists on its own backend 'local'"):
        check_backend(tree.recorded())
    assert store.asked == []


@needs_terraform
def test_arguments_that_configure_the_backend_are_found_out(tree, store):
    tree.override()
    arguments = f"-backend-config=address={store.url}/another"

    tree.must(tf.init_args(), store.env(FIRST) | {"TF_CLI_ARGS_init": arguments})

    with pytest.raises(ForeignBackend, match="Something sets address of the state backend"):
        check_backend(tree.recorded())


@pytest.mark.parametrize(
    "record", [b"", b"{}", b"[]", b'{"backend": 7}', b'{"backend": {"type": "http", "config": 7}}']
)
def test_an_unreadable_record_of_the_backend_is_refused(record):
    with pytest.raises(ForeignBackend, match="no readable record"):
        check_backend(record)


def test_the_override_file_says_only_that_the_backend_is_http():
    file = backend_override()

    assert file.name == "zz_gantry_backend_override.tf.json"
    assert json.loads(file.text) == {"terraform": {"backend": {"http": {}}}}


def test_the_lock_is_at_the_states_own_address_unless_another_is_given():
    plain = backend_env("https://g/state", "run", "p")
    apart = backend_env("https://g/state", "run", "p", lock_address="https://g/lock")

    assert {plain["TF_HTTP_LOCK_ADDRESS"], plain["TF_HTTP_UNLOCK_ADDRESS"]} == {"https://g/state"}
    assert {apart["TF_HTTP_LOCK_ADDRESS"], apart["TF_HTTP_UNLOCK_ADDRESS"]} == {"https://g/lock"}


# ------------------------------------------------------------------ commands and outcomes


@needs_terraform
def test_the_outcome_of_a_plan_is_in_its_exit_code(tree):
    tree.must(tf.init_args())

    def outcome(**options) -> str:
        return tf.plan_outcome(tree.run(tf.plan_args("run.tfplan", **options)).returncode)

    assert outcome() == "changes"
    tree.must(tf.apply_args("run.tfplan"))
    assert outcome() == "no_changes"
    assert outcome(refresh=False, lock=False) == "no_changes"
    assert outcome(destroy=True) == "changes"
    tree.write("more.tf", 'output "new" {\n  value = 1\n}\n')
    assert outcome() == "changes"
    tree.write("more.tf", "nonsense")
    assert outcome() == "failed"


@needs_terraform
def test_a_destroy_plan_leaves_nothing(tree):
    tree.must(tf.init_args())
    tree.must(tf.plan_args("run.tfplan"))
    tree.must(tf.apply_args("run.tfplan"))

    tree.must(tf.plan_args("run.tfplan", destroy=True))
    summary = summarise(read_plan(tree.must(tf.show_plan_args("run.tfplan"))))
    tree.must(tf.apply_args("run.tfplan"))

    assert (summary.delta, summary.resource_count) == (Delta(delete=1), 0)
    assert applied_state(tree.must(tf.show_state_args())).resources == []


@needs_terraform
def test_a_target_keeps_the_others_out_of_the_plan_but_in_the_count(tree):
    tree.write("main.tf", 'resource "terraform_data" "a" {\n  for_each = toset(["x y", "é"])\n}\n')
    tree.must(tf.init_args())
    tree.must(tf.plan_args("run.tfplan"))
    tree.must(tf.apply_args("run.tfplan"))

    targets = ['terraform_data.a["x y"]']
    tree.must(tf.plan_args("run.tfplan", destroy=True, targets=targets))
    summary = summarise(read_plan(tree.must(tf.show_plan_args("run.tfplan"))))

    assert [change.address for change in summary.changes] == targets
    assert summary.resource_count == 1


@needs_terraform
def test_a_saved_plan_is_shown_without_asking_the_backend(tree, store):
    tree.override()
    tree.must(tf.init_args(), store.env(FIRST))
    tree.must(tf.plan_args("run.tfplan"), store.env(FIRST))
    store.asked.clear()

    summary = summarise(read_plan(tree.must(tf.show_plan_args("run.tfplan"))))

    assert summary.delta == Delta(add=1)
    assert store.asked == []


@needs_terraform
def test_a_workspace_is_selected_or_made(tree):
    tree.must(tf.init_args())

    assert tree.run(tf.workspace_select_args("team-a")).returncode == 1
    tree.must(tf.workspace_new_args("team-a"))
    tree.must(tf.workspace_select_args("default"))
    tree.must(tf.workspace_select_args("team-a"))

    assert (tree.root / ".terraform/environment").read_text() == "team-a"


@needs_terraform
def test_the_http_backend_has_no_workspaces(tree, store):
    tree.override()
    tree.must(tf.init_args(), store.env(FIRST))

    for args in (tf.workspace_select_args("default"), tf.workspace_new_args("team-a")):
        done = tree.run(args, store.env(FIRST))
        assert done.returncode == 1
        assert b"workspaces not supported" in done.stderr


@needs_terraform
def test_a_stacks_own_arguments_do_not_reach_what_we_read(tree):
    env = {"TF_CLI_ARGS": "-no-color", "TF_CLI_ARGS_version": "-nonsense", "TF_CLI_ARGS_plan": "x"}

    assert tree.run(tf.version_args(), env).returncode == 1
    assert tf.version_in(tree.must(tf.version_args(), tf.reading_env(env))) is not None
    assert tf.reading_env(env) == {"TF_CLI_ARGS_plan": "x"}


def test_a_version_is_read_from_old_and_new_answers():
    assert tf.version_in(b'{"terraform_version": "1.8.0", "platform": "linux_amd64"}') == "1.8.0"
    assert tf.version_in(b"Terraform v0.12.31\n\nYour version is out of date!\n") == "0.12.31"
    assert tf.version_in(b"OpenTofu v1.6.0\non linux_amd64\n") == "1.6.0"
    for answer in (b"", b"[]", b"{}", b'{"terraform_version": 1}', b"\xff", b"[" * 100_000):
        assert tf.version_in(answer) is None


# ------------------------------------------------------------------ words that are not handed on


def test_the_arguments_of_a_plan_are_in_one_order_and_none_is_shell_text():
    assert tf.plan_args(
        "run.tfplan", destroy=True, refresh=False, lock=False, targets=["a.b", 'module.m["$(x)"]']
    ) == [
        "plan",
        "-input=false",
        "-detailed-exitcode",
        "-out=run.tfplan",
        "-destroy",
        "-refresh=false",
        "-lock=false",
        "-target=a.b",
        '-target=module.m["$(x)"]',
    ]
    assert tf.init_args(upgrade=True) == ["init", "-input=false", "-reconfigure", "-upgrade"]


@pytest.mark.parametrize(
    ("target", "because"),
    [
        ("", "it is empty"),
        ("-destroy", "begins with a dash"),
        ("a.b\n-destroy", "a control character"),
        ("a.b\x00", "a control character"),
        ("a.b\x1b[2J", "a control character"),
        ("a.b\ud800", "a control character"),
        ("a.b\u2028", "a control character"),
        (" a.b", "does not begin with a letter"),
        ("$(x)", "does not begin with a letter"),
        ("a" * 1025, "longer than 1024 characters"),
    ],
)
def test_what_cannot_be_an_address_is_no_target(target, because):
    with pytest.raises(tf.BadTarget, match=because) as refusal:
        tf.plan_args("run.tfplan", targets=["a.b", target])

    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    "target",
    ["aws_instance.a", "module.m", "data.x.y[0]", 'a.b["ü 1/2"]', 'module.m["a.b"].x.y["-"]'],
)
def test_an_address_is_handed_on_as_it_stands(target):
    assert tf.plan_args("p", targets=[target])[-1] == f"-target={target}"


@pytest.mark.parametrize("name", ["", "-x", "a b", "a/b", "a\n", "ä", "a%20", "x" * 91])
def test_a_name_that_no_workspace_can_have_is_refused(name):
    for args in (tf.workspace_select_args, tf.workspace_new_args):
        with pytest.raises(tf.BadWorkspace):
            args(name)


@pytest.mark.parametrize("name", ["", "-auto-approve", "a\x00b"])
def test_a_plan_file_that_would_be_taken_for_an_option_is_refused(name):
    for args in (tf.plan_args, tf.show_plan_args, tf.apply_args):
        with pytest.raises(tf.BadArgument, match="not the name of a plan file"):
            args(name)


# ------------------------------------------------------------------ reading a real plan and state

BEFORE = """
resource "terraform_data" "changed" {
  input = { user = "u", pw = sensitive("hush"), list = [1, sensitive("hush")] }
}
resource "terraform_data" "old" {}
resource "terraform_data" "left" {}
resource "terraform_data" "gone" {}
resource "terraform_data" "replaced" { triggers_replace = 1 }
resource "terraform_data" "same" { input = sensitive({ deep = ["hush"] }) }
output "list" { value = [1, "x"] }
output "pw" {
  value     = sensitive("hush")
  sensitive = true
}
"""

AFTER = """
resource "terraform_data" "changed" {
  input = {
    user = "v"
    pw   = sensitive("hush")
    list = [2, sensitive("hush")]
    id   = terraform_data.new.id
  }
}
resource "terraform_data" "moved" {}
moved {
  from = terraform_data.old
  to   = terraform_data.moved
}
removed {
  from = terraform_data.left
  lifecycle { destroy = false }
}
resource "terraform_data" "replaced" { triggers_replace = 2 }
resource "terraform_data" "same" { input = sensitive({ deep = ["hush"] }) }
resource "terraform_data" "new" { input = sensitive("hush") }
import {
  to = terraform_data.imported
  id = "abc"
}
resource "terraform_data" "imported" {}
output "list" { value = [1, "x"] }
output "pw" {
  value     = sensitive("hush")
  sensitive = true
}
"""


@needs_terraform
def test_a_real_plan_is_summarised(tree):
    tree.write("main.tf", BEFORE)
    tree.must(tf.init_args())
    tree.must(tf.plan_args("run.tfplan"))
    tree.must(tf.apply_args("run.tfplan"))
    tree.write("main.tf", AFTER)

    tree.must(tf.plan_args("run.tfplan"))
    summary = summarise(read_plan(tree.must(tf.show_plan_args("run.tfplan"))))

    changes = {change.name: change for change in summary.changes}
    assert {name: change.action for name, change in changes.items()} == {
        "changed": "change",
        "moved": "move",
        "left": "forget",
        "gone": "delete",
        "replaced": "replace",
        "same": "no-op",
        "new": "add",
        "imported": "import",
    }
    assert summary.delta == Delta(add=2, change=1, delete=2, imported=1, move=1, forget=1)
    assert summary.resource_count == len(
        ["changed", "moved", "replaced", "same", "new", "imported"]
    )
    assert not summary.outputs_changed
    assert changes["changed"].after["input"] == {
        "user": "v",
        "pw": SENSITIVE,
        "list": [2, SENSITIVE],
        "id": UNKNOWN,
    }
    assert changes["changed"].before["input"]["pw"] == SENSITIVE
    assert changes["changed"].after["output"] == UNKNOWN
    assert changes["same"].after["input"] == SENSITIVE
    assert changes["moved"].previous_address == "terraform_data.old"
    assert changes["new"].provider == "terraform.io/builtin/terraform"


@needs_terraform
def test_a_real_state_is_read(tree):
    child = tree.root / "child"
    child.mkdir()
    (child / "main.tf").write_text('resource "terraform_data" "in" {}\n')
    tree.write(
        "main.tf", BEFORE + 'module "m" {\n  source   = "./child"\n  for_each = toset(["k"])\n}'
    )
    tree.must(tf.init_args())
    tree.must(tf.plan_args("run.tfplan"))
    tree.must(tf.apply_args("run.tfplan"))
    tree.must(["taint", "terraform_data.gone"])

    state = applied_state(tree.must(tf.show_state_args()))
    outputs = output_values(tree.must(tf.output_args()))

    resources = {resource.address: resource for resource in state.resources}
    assert len(resources) == 7
    assert resources["terraform_data.changed"].values["input"] == {
        "user": "u",
        "pw": SENSITIVE,
        "list": [1, SENSITIVE],
    }
    assert resources["terraform_data.gone"].tainted
    assert not resources["terraform_data.same"].tainted
    assert resources['module.m["k"].terraform_data.in'].module == 'module.m["k"]'
    assert outputs == state.outputs
    assert [(o.name, o.type, o.value, o.sensitive) for o in outputs] == [
        ("list", '["tuple",["number","string"]]', '[1,"x"]', False),
        ("pw", "string", None, True),
    ]
    revealed = output_values(tree.must(tf.output_args()), reveal=True)
    assert [output.value for output in revealed] == ['[1,"x"]', '"hush"']
