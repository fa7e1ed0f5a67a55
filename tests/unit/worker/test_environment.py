"""What a phase's commands find in their environment, and which of it is masked."""

import base64
from dataclasses import replace

import pytest
from gantry_protocol.manifest import EnvironmentValue, Manifest, MountedFile, StateBackend
from gantry_protocol.words import Phase
from gantry_worker import script
from gantry_worker.environment import (
    TRUSTED_BY,
    Around,
    Given,
    of_phase,
    replaced_secrets,
    truth,
    words_to_mask,
)
from gantry_worker.masking import Masker

NOTHING = Given({}, frozenset())
BACKEND = StateBackend(address="https://ours/state", username="run", password="of-the-lease")


def manifest(**more):
    return Manifest(
        run_id="R", run_type="TRACKED", stack_id="s", fence=1, phases=[Phase.PLAN], **more
    )


def around(**carried):
    return Around("PLANNING", "/usr/bin", "/home", "/mnt/workspace", carried)


def exported(tmp_path, text, given=None, before=None):
    (tmp_path / "exported").write_bytes(text)
    return script.exported(tmp_path, given or {}, before or {})


def test_nothing_takes_the_place_of_the_states_address_or_adds_to_it():
    told = manifest(
        backend=BACKEND,
        environment=[EnvironmentValue(name="TF_HTTP_SKIP_CERT_VERIFICATION", value="true")],
    )

    found = of_phase(told, NOTHING, Phase.PLAN, around(TF_HTTP_ADDRESS="https://theirs"))

    assert found["TF_HTTP_ADDRESS"] == "https://ours/state"
    assert "TF_HTTP_SKIP_CERT_VERIFICATION" not in found


def test_an_images_variables_are_there_unless_the_run_has_them():
    image = {"CLOUDSDK": "there", "LANG": "of-the-image", "A": "of-the-image"}
    own = EnvironmentValue(name="A", value="mine")
    place = replace(around(), image=image)

    found = of_phase(manifest(environment=[own]), NOTHING, Phase.PLAN, place)

    assert (found["CLOUDSDK"], found["LANG"], found["A"]) == ("there", "C.UTF-8", "mine")


def test_a_backend_of_the_codes_own_keeps_its_variables():
    told = manifest(environment=[EnvironmentValue(name="TF_HTTP_ADDRESS", value="https://own")])

    assert of_phase(told, NOTHING, Phase.PLAN, around())["TF_HTTP_ADDRESS"] == "https://own"


def test_computed_variables_are_given_and_can_be_replaced():
    own = EnvironmentValue(name="TF_VAR_spacelift_run_state", value="mine")

    plain = of_phase(manifest(), NOTHING, Phase.PLAN, around())
    replaced = of_phase(manifest(environment=[own]), NOTHING, Phase.PLAN, around())

    assert plain["TF_VAR_spacelift_run_state"] == "PLANNING"
    assert plain["TF_VAR_spacelift_workspace_root"] == "/mnt/workspace"
    assert replaced["TF_VAR_spacelift_run_state"] == "mine"


def test_a_switch_is_read_as_people_write_it_and_never_guessed():
    for word in ("true", "TRUE", "1", "yes", " on "):
        assert truth("NAME", word)
    for word in ("", "false", "0", "No", "off"):
        assert not truth("NAME", word)
    with pytest.raises(ValueError, match="NAME must be true or false, not 'perhaps'"):
        truth("NAME", "perhaps")


def test_hooks_hand_on_what_they_exported_but_not_what_the_worker_relies_on(tmp_path):
    words = b"MINE=1\0PATH=/evil\0HOME=/evil\0LD_PRELOAD=/evil.so\0TF_HTTP_ADDRESS=x\0"
    words += b"TF_CLI_CONFIG_FILE=x\0TF_DATA_DIR=x\0TF_PLUGIN_CACHE_DIR=x\0SAME=same\0"

    assert exported(tmp_path, words, {"SAME": "same"}) == {"MINE": "1"}


def test_what_an_earlier_hook_exported_stays_until_it_is_unset(tmp_path):
    kept = exported(tmp_path, b"A=1\0", {"A": "1"}, {"A": "1", "B": "2"})

    assert kept == {"A": "1"}


def test_an_environment_that_is_no_plain_file_is_not_taken(tmp_path):
    (tmp_path / "exported").symlink_to("/proc/self/environ")
    try:
        kept = script.exported(tmp_path, {}, {})
    except script.returned.Unfit:
        kept = None

    assert kept is None


def test_an_exit_code_is_not_read_through_a_link(tmp_path):
    (tmp_path / "elsewhere").write_text("0")
    (tmp_path / "status").symlink_to("elsewhere")

    assert script.tool_exit(tmp_path) is None


def test_passed_on_variables_are_masked_whichever_phase_they_are_for():
    given = Given({"ro_TOKEN": "reads-only", "wo_KEY": "writes"}, frozenset({"TOKEN", "wo_KEY"}))

    assert {"reads-only", "writes"} <= set(words_to_mask(manifest(), given))


def test_parts_of_passed_on_variables_may_be_hidden_on_their_own():
    given = Given({"HTTPS_PROXY": "http://u:s3cr3t-word@proxy"}, frozenset(), ("s3cr3t-word",))

    assert "s3cr3t-word" in words_to_mask(manifest(), given)
    assert of_phase(manifest(), given, Phase.PLAN, around())["HTTPS_PROXY"].endswith("@proxy")


def test_commands_are_told_of_authorities_unless_the_stack_names_its_own():
    own = manifest(environment=[EnvironmentValue(name="SSL_CERT_FILE", value="/own.pem")])
    told = replace(around(), authorities="/mnt/authorities.pem")

    found = of_phase(own, NOTHING, Phase.PLAN, told)

    assert found["SSL_CERT_FILE"] == "/own.pem"
    assert found["GIT_SSL_CAINFO"] == "/mnt/authorities.pem"
    assert not set(TRUSTED_BY) & set(of_phase(manifest(), NOTHING, Phase.PLAN, around()))


def test_a_value_that_a_secret_was_put_into_is_masked_as_a_whole():
    told = manifest(
        environment=[
            EnvironmentValue(name="PASSWORD", value="hunter22", secret=True),
            EnvironmentValue(name="URL", value="db://me:${PASSWORD}@there"),
            EnvironmentValue(name="PLAIN", value="nothing of that"),
        ]
    )

    found = replaced_secrets(told, NOTHING, around())

    assert found - {"hunter22"} == {"db://me:hunter22@there"}
    whole = base64.b64encode(b"db://me:hunter22@there")
    assert whole not in Masker(found).feed(whole + b"\n")


def test_a_secret_that_is_put_together_is_masked_as_it_is_then_and_whatever_it_is_put_into():
    told = manifest(
        environment=[
            EnvironmentValue(name="PLACE", value="eu-west"),
            EnvironmentValue(name="PASSWORD", value="${PLACE}-${NUMBER}", secret=True),
            EnvironmentValue(name="NUMBER", value="4711"),
            EnvironmentValue(name="URL", value="db://me:${PASSWORD}@there"),
            EnvironmentValue(name="AGAIN", value="${URL}/x"),
        ]
    )
    passed = Given({"TOKEN": "t-${NUMBER}"}, frozenset({"TOKEN"}))

    found = replaced_secrets(told, passed, around())

    url = "db://me:eu-west-4711@there"
    assert found == {"eu-west-4711", "t-4711", url, f"{url}/x"}


def test_what_a_secret_becomes_is_masked_whichever_phase_it_is_for_and_a_plain_one_is_not():
    told = manifest(
        environment=[
            EnvironmentValue(name="WORD", value="letters"),
            EnvironmentValue(name="ro_TOKEN", value="reads-${WORD}", secret=True),
            EnvironmentValue(name="wo_TOKEN", value="writes-${WORD}"),
        ]
    )

    assert replaced_secrets(told, NOTHING, around()) == {"reads-letters"}


def test_a_phase_that_cannot_be_started_does_not_keep_the_others_secrets_from_being_masked():
    told = manifest(
        environment=[
            EnvironmentValue(name="LONG", value="x" * 100_000),
            EnvironmentValue(name="ro_TOKEN", value="${LONG}${LONG}", secret=True),
            EnvironmentValue(name="wo_TOKEN", value="a${HOME}", secret=True),
        ]
    )

    assert replaced_secrets(told, NOTHING, around()) == {"a/home"}


def test_lines_of_secret_files_are_masked_and_their_braces_are_not():
    content = base64.b64encode(b'{\n  "key": "of-the-cloud"\n}\n').decode()
    told = manifest(files=[MountedFile(path="key.json", content=content, secret=True)])

    masker = Masker(words_to_mask(told, NOTHING))

    assert masker.feed(b'{"key": "of-the-cloud"}\n{}\n' + content.encode() + b"\n") == (
        b"{*****}\n{}\n*****\n"
    )


def test_a_sentence_apart_is_masked_with_what_the_log_asked_for():
    masker = Masker(["hunter22"])
    masker.feed(b"::add-mask later\n")

    assert masker.once("hunter22 and later") == "***** and *****"
    assert masker.feed(b"and on\n") == b"and on\n"
