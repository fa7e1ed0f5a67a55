"""Whose word counts of run, file, stack and contexts: a table for each question."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from gantry.domains.contexts.config_file import look
from gantry.domains.contexts.documents import BadRuntimeConfig
from gantry.domains.contexts.kinds import ElementType, Named
from gantry.domains.runs.configuration import (
    IGNORE_FILE,
    Shared,
    World,
    commands,
    resolve,
    value,
    variables,
)
from gantry.domains.stacks.model import Vendor


def stack(**settings):
    return SimpleNamespace(
        **{
            "id": "network",
            "labels": [],
            "vendor": Vendor.TERRAFORM,
            "vendor_config": {"version": settings.pop("version", None)},
            "project_root": None,
            "sparse_checkout_paths": [],
            "runner_image": None,
            "hooks": {},
            **settings,
        }
    )


def file(text):
    return look({".spacelift/config.yml": text.encode()})


def taken(own=None, text=None, given=None, contexts=(), elements=(), image=None):
    found = {} if text is None else file(text)
    return resolve(World(own or stack(), contexts, found, given or {}, image, elements))


def variable(name, *, secret=False):
    return Named(name, ElementType.ENVIRONMENT_VARIABLE, secret)


OWN, DEFAULTS = "project_root: of-stack", "stack_defaults: {project_root: of-defaults}"
BLOCK = "stacks: {network: {project_root: of-block}}"


@pytest.mark.parametrize(
    ("version", "run", "block", "defaults", "own", "root", "source"),
    [
        (1, "r", True, True, "of-stack", "r", "RUN"),
        (2, "r", True, True, "of-stack", "r", "RUN"),
        (1, None, True, True, "of-stack", "of-block", "FILE"),
        (2, None, True, True, "of-stack", "of-block", "FILE"),
        (1, None, False, True, "of-stack", "of-stack", "STACK"),
        (2, None, False, True, "of-stack", "of-defaults", "FILE_DEFAULTS"),
        (1, None, False, True, None, "of-defaults", "FILE_DEFAULTS"),
        (2, None, False, True, None, "of-defaults", "FILE_DEFAULTS"),
        (1, None, False, False, "of-stack", "of-stack", "STACK"),
        (2, None, False, False, "of-stack", "of-stack", "STACK"),
    ],
)
def test_the_nearer_word_counts_and_the_version_says_which_is_nearer(
    version, run, block, defaults, own, root, source
):
    text = f"version: {version}\n" + "\n".join([BLOCK] * block + [DEFAULTS] * defaults)

    found = taken(stack(project_root=own), text, {"project_root": run} if run else {})

    assert found["settings"]["project_root"] == {"value": root, "source": source}


def test_a_block_of_another_stack_says_nothing():
    found = taken(stack(project_root="own"), "stacks: {other: {project_root: theirs}}")
    assert value(found, "project_root") == "own"


def test_the_root_of_the_repository_can_be_said():
    found = taken(stack(project_root="own"), 'stacks: {network: {project_root: ""}}')
    assert found["settings"]["project_root"] == {"value": "", "source": "FILE"}


@pytest.mark.parametrize(
    ("own", "text", "tool", "version"),
    [
        (stack(version="1.5.7"), "", "TERRAFORM_FOSS", "1.5.7"),
        (stack(version="1.5.7"), "{terraform_version: 1.6.0}", "TERRAFORM_FOSS", "1.6.0"),
        (stack(version="1.5.7"), "{opentofu_version: 1.8.0}", "TERRAFORM_FOSS", "1.5.7"),
        (stack(version="1.5.7"), "{terraform_workflow_tool: OPEN_TOFU}", "OPEN_TOFU", None),
        (
            stack(version="1.5.7"),
            "{terraform_workflow_tool: OPEN_TOFU, opentofu_version: 1.8.0}",
            "OPEN_TOFU",
            "1.8.0",
        ),
        (
            stack(version="1.9.0", vendor=Vendor.OPENTOFU),
            "{terraform_version: 1.6.0}",
            "OPEN_TOFU",
            "1.9.0",
        ),
    ],
)
def test_the_version_of_one_tool_says_nothing_about_the_other(own, text, tool, version):
    found = taken(own, f"stacks: {{network: {text}}}" if text else None)

    assert value(found, "terraform_workflow_tool") == tool
    name = "opentofu_version" if tool == "OPEN_TOFU" else "terraform_version"
    assert value(found, name) == version


def test_an_image_that_nobody_names_is_the_accounts():
    assert taken(image="ours")["settings"]["runner_image"] == {"value": "ours", "source": "ACCOUNT"}
    named = taken(stack(runner_image="own"), image="ours")
    assert value(named, "runner_image") == "own"
    assert value(taken(), "runner_image") is None


SHARED = Shared("c", "Shared", False, {"before_plan": ["shared"], "after_plan": ["shared"]})


@pytest.mark.parametrize(
    ("version", "text", "given", "before"),
    [
        (2, "", {}, ["shared", "own"]),
        (2, "stacks: {network: {before_plan: [block]}}", {}, ["shared", "block"]),
        (2, "stack_defaults: {before_plan: [defaults]}", {}, ["shared", "defaults"]),
        (1, "stack_defaults: {before_plan: [defaults]}", {}, ["shared", "own"]),
        (2, "stacks: {network: {before_plan: []}}", {}, ["shared"]),
        (
            2,
            "stacks: {network: {before_plan: [block]}}",
            {"hooks": {"before_plan": ["run"]}},
            ["shared", "run"],
        ),
    ],
)
def test_commands_are_replaced_phase_by_phase_and_those_of_contexts_stay(
    version, text, given, before
):
    own = stack(hooks={"before_plan": ["own"], "after_plan": ["own"]})

    found = taken(own, f"version: {version}\n{text}", given, [SHARED])

    assert commands(found)["before_plan"] == before
    assert commands(found)["after_plan"] == ["own", "shared"]


def test_it_is_known_whose_each_command_is():
    found = taken(text="stacks: {network: {before_plan: [block]}}", contexts=[SHARED])
    assert [(one["source"], one["context_name"]) for one in found["hooks"]["before_plan"]] == [
        ("CONTEXT", "Shared"),
        ("FILE", None),
    ]


BOTH = "stack_defaults: {environment: {D: d}}\nstacks: {network: {environment: {A: block, B: b}}}"


@pytest.mark.parametrize(
    ("text", "given", "source", "below", "names"),
    [
        (BOTH, {}, "FILE", False, {"A": "block", "B": "b"}),
        (
            "version: 2\nstack_defaults: {environment: {D: d}}",
            {},
            "FILE_DEFAULTS",
            False,
            {"D": "d"},
        ),
        (
            "version: 1\nstack_defaults: {environment: {D: d}}",
            {},
            "FILE_DEFAULTS",
            True,
            {"D": "d"},
        ),
        (BOTH, {"override_names": ["A"]}, "FILE", False, {"A": "block", "B": "b"}),
        (BOTH, {"environment_names": ["A"]}, None, False, {}),
        ("stacks: {network: {environment: }}\n" + BOTH.split("\n")[0], {}, "FILE", False, {}),
    ],
)
def test_of_several_maps_of_variables_one_counts_as_a_whole(text, given, source, below, names):
    found = taken(text=text, given=given)

    assert (found["environment"], found["below"]) == (source, below)
    if source:
        assert variables(found, file(text)) == names


def places(found):
    return {
        one["name"]: (
            one["context_name"] or one["source"],
            [other["context_name"] or other["source"] for other in one["instead_of"]],
        )
        for one in found["elements"]
    }


def test_of_each_variable_it_is_known_where_it_comes_from_and_what_it_stands_for():
    contexts = [Shared("c", "Shared", False, {}, [variable("A"), variable("C", secret=True)])]
    own = [variable("A"), variable("O")]

    found = taken(
        text="version: 2\n" + BOTH,
        given={"override_names": ["B", "R"]},
        contexts=contexts,
        elements=own,
    )

    assert places(found) == {
        "A": ("FILE", ["STACK", "Shared"]),
        "B": ("RUN", ["FILE"]),
        "C": ("Shared", []),
        "O": ("STACK", []),
        "R": ("RUN", []),
    }
    assert [one["name"] for one in found["elements"] if one["secret"]] == ["C"]


def test_the_defaults_of_the_first_version_are_weaker_than_stack_and_contexts():
    found = taken(
        text="stack_defaults: {environment: {A: d, D: d}}",
        contexts=[Shared("c", "Shared", False, {}, [variable("A")])],
    )
    assert places(found) == {"A": ("Shared", ["FILE_DEFAULTS"]), "D": ("FILE_DEFAULTS", [])}


def test_a_label_keeps_the_file_from_the_stack():
    found = taken(stack(labels=[IGNORE_FILE], project_root="own"), "version: [")

    assert (value(found, "project_root"), found["file"]) == ("own", None)
    assert found["notes"] == [
        f".spacelift/config.yml is left alone, as the label {IGNORE_FILE} asks"
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [", ".spacelift/config.yml cannot be used. The configuration is not YAML"),
        ("stacks: {network: [a]}", "cannot be used, for stacks.network."),
        ("stack_defaults: {before_init: x}", "cannot be used, for stack_defaults."),
    ],
)
def test_a_file_that_cannot_be_used_is_a_refusal(text, words):
    with pytest.raises(BadRuntimeConfig, match=words):
        taken(text=text)


def test_a_fault_in_the_block_of_another_stack_is_not():
    assert (
        value(taken(text="stacks: {other: [a], network: {project_root: x}}"), "project_root") == "x"
    )
