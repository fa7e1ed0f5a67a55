"""What is read from the configuration file of a repository, and what is said of the rest."""

from __future__ import annotations

import pytest
from gantry.domains.contexts.config_file import MAX_FILE, look

OURS, THEIRS = ".gantry/config.yml", ".spacelift/config.yml"


def read(text, path=THEIRS):
    return look({path: text.encode() if isinstance(text, str) else text})


FILE = """
version: "2"
stack_defaults:
  runner_image: your/first:runner
  before_init: &check ["terraform fmt -diff", tflint]
stacks:
  first-stack: &shared
    before_apply: [hostname]
    project_root: infra
    terraform_version: 0.12.4
  second-stack:
    <<: *shared
    terraform_version: 0.13.0
    after_run: *check
    environment:
      AWS_REGION: eu-west-1
      COUNT: 010
  third-stack:
module_version: 1.2.3
tests: [{name: x}]
"""


def test_one_file_has_a_block_for_each_stack_and_one_for_all():
    found = read(FILE)

    assert (found["path"], found["version"], found["unread"]) == (THEIRS, 2, [])
    assert found["defaults"]["values"] == {
        "runner_image": "your/first:runner",
        "hooks": {"before_init": ["terraform fmt -diff", "tflint"]},
    }
    shared = {"project_root": "infra", "hooks": {"before_apply": ["hostname"]}}
    stacks = {name: block["values"] for name, block in found["stacks"].items()}
    assert stacks == {
        "first-stack": {**shared, "terraform_version": "0.12.4"},
        "second-stack": {
            **shared,
            "hooks": {**shared["hooks"], "after_run": ["terraform fmt -diff", "tflint"]},
            "terraform_version": "0.13.0",
            "environment": {"AWS_REGION": "eu-west-1", "COUNT": "010"},
        },
        "third-stack": {},
    }


@pytest.mark.parametrize(
    ("text", "version"), [("", 1), ("stacks: {}", 1), ('version: "1"', 1), ("version: 2", 2)]
)
def test_a_file_that_does_not_say_its_version_is_of_the_first(text, version):
    assert read(text)["version"] == version


def test_of_two_files_the_one_of_this_product_counts_and_the_run_will_say_so():
    both = look({OURS: b"version: 2", THEIRS: b"version: 1"})

    assert (both["path"], both["version"]) == (OURS, 2)
    assert both["note"] == f"{THEIRS} is left alone, as there is {OURS}"
    assert look({}) == {}


def test_what_nothing_reads_is_named_with_its_line():
    found = read("colour: blue\nstacks:\n  a:\n    before_pln: [x]\n    terragrunt: {}\n")

    assert found["unread"] == ["`colour` (line 1)"]
    assert found["stacks"]["a"]["unread"] == ["`before_pln` (line 4)", "`terragrunt` (line 5)"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: b\nstacks: ]", "not YAML in line 2"),
        ("a: 1\nb: 2\na: 3", "`a` stands there twice (line 3)"),
        ("- stacks", "not a YAML mapping"),
        ("\nversion: '3'", '`version` must be "1" or "2" (line 2)'),
        ("stacks: [a]", "`stacks` must be a mapping of stacks' ids to blocks (line 1)"),
        ("? [a, b]\n: c", "A name is no text (line 1)"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (None, f"larger than {MAX_FILE} bytes"),
        ("a: &a [*a]", "contains itself"),
        ("a: " + "[" * 40 + "]" * 40, "nested deeper"),
        (
            "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
            + "".join(
                f"{b}: &{b} [{','.join(f'*{a}' for _ in range(10))}]\n"
                for a, b in ("ab", "bc", "cd", "de")
            ),
            "more than 10000 values",
        ),
        ("a: &a " + "x" * 100_000 + "\nb: [" + "*a," * 11 + "]", "larger than 1048576 bytes"),
        ("!!map [a]", "not YAML in line 1"),
        ("a: b\nstacks: !!map text", "not YAML in line 2"),
        ("stacks: {a: {project_root: !!int [b]}}", "not YAML in line 1"),
        ("a: !!python/object/apply:os.system [id]", "not YAML"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(text, words):
    assert words in read(text)["fault"]


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ("terraform_version: 1.10", "`terraform_version` must be a text; quote it (line 4)"),
        (
            "terraform_version: about one",
            "`terraform_version` is not a version or a range (line 4)",
        ),
        ("terraform_workflow_tool: CUSTOM", "`terraform_workflow_tool` must be TERRAFORM_FOSS or"),
        ("before_init: echo", "`before_init` must be a list of commands (line 4)"),
        ('before_init: ["a\\0b"]', "cannot hold a NUL"),
        ('before_init: ["\\ud800"]', "not YAML"),
        ("environment: [a]", "`environment` must be a mapping of names to values (line 4)"),
        ("environment: {A: {b: c}}", "The variable `A` must have a single value"),
        ("environment: {'A B': c}", "is not a name for an environment variable (line 4)"),
        ('project_root: "a\\0b"', "`project_root` must be a text"),
    ],
)
def test_a_block_that_is_wrong_says_why_and_leaves_the_other_stacks_alone(block, words):
    found = read(f"stacks:\n  good: {{project_root: a}}\n  bad:\n    {block}\n")

    if "fault" in found:  # what is no YAML has no blocks either
        assert words in found["fault"]
        return
    assert words in found["stacks"]["bad"]["fault"]
    assert found["stacks"]["good"]["values"] == {"project_root": "a"}


def test_nothing_that_a_database_would_not_take_comes_of_a_file():
    found = read(
        '"a\\0": 1\nstacks: {"x\\0y": {}, ok: {environment: {"\\0": v}}, "e\\u0001": {}}\n'
    )

    kept = repr(found)
    assert "\\x00" not in kept.replace("\\\\x00", "")
    assert list(found["stacks"]) == ["ok"]
    assert "is not a name" in found["stacks"]["ok"]["fault"]
