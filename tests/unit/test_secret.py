"""A secret gets out by being asked for, and in no other way."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
import pickle

import pytest
import structlog
from gantry.domains.people.service import SignIn
from gantry.kernel.secret import Secret
from gantry.kernel.tx import ANONYMOUS
from pydantic import BaseModel, ConfigDict

WORDS = "hunter2-and-more"


@pytest.fixture
def secret():
    return Secret(WORDS)


def test_it_is_given_up_when_asked_for(secret):
    assert secret.reveal() == WORDS


@pytest.mark.parametrize(
    "shown",
    [
        lambda s: str(s),
        lambda s: repr(s),
        lambda s: f"{s}",
        lambda s: f"{s!r:>40}",
        lambda s: f"{s:>40}",
        lambda s: "%s %r" % (s, s),  # noqa: UP031 - one more way to print
        lambda s: "{0} {0!s}".format(s),  # noqa: UP032
        lambda s: repr([s, {"password": s}, (s,)]),
        lambda s: str(SignIn(s, 0, ANONYMOUS)),
        lambda s: str(ValueError(s)),
        lambda s: json.dumps({"s": s}, default=str),
        lambda s: repr(dir(s)),
    ],
)
def test_it_cannot_be_printed(secret, shown):
    assert WORDS not in shown(secret)


def test_it_cannot_be_written_as_json(secret):
    with pytest.raises(TypeError):
        json.dumps({"password": secret})


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_cannot_be_pickled(secret, protocol):
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret, protocol)


def test_it_cannot_be_copied_into_something_that_shows_it(secret):
    for duplicate in (copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            duplicate(secret)
    with pytest.raises(TypeError):
        dataclasses.asdict(SignIn(secret, 0, ANONYMOUS))


def test_it_has_no_dictionary_to_look_into(secret):
    with pytest.raises(TypeError):
        vars(secret)
    with pytest.raises(AttributeError):
        secret.note = "x"


def test_it_is_not_logged(secret, capsys, caplog):
    renderers = [structlog.processors.JSONRenderer(), structlog.dev.ConsoleRenderer()]
    for renderer in renderers:
        log = structlog.wrap_logger(
            structlog.PrintLogger(), processors=[structlog.processors.add_log_level, renderer]
        )
        log.info("signed in", password=secret, nested={"a": [secret]})
    logging.getLogger("test").warning("password %s %r", secret, secret)

    said = capsys.readouterr().out + caplog.text
    assert said.count("signed in") == 2
    assert "********" in said
    assert WORDS not in said


def test_it_is_not_in_a_traceback_or_a_validation_error(secret):
    class Model(BaseModel):
        model_config = ConfigDict(arbitrary_types_allowed=True)
        number: int

    with pytest.raises(ValueError) as refused:
        Model(number=secret)
    assert WORDS not in str(refused.value)


def test_it_is_no_key_of_a_dictionary(secret):
    with pytest.raises(TypeError, match="not a key"):
        _ = {secret: 1}


def test_it_equals_only_another_of_the_same_words(secret):
    assert secret == Secret(WORDS)
    assert secret != Secret(WORDS + " ")
    assert secret != WORDS


@pytest.mark.parametrize("candidate", ["", "hunter2", WORDS + "x", WORDS.upper(), "ü", "\ud800"])
def test_only_the_very_words_match(secret, candidate):
    assert not secret.matches(candidate)


def test_words_that_match_do():
    assert Secret("grüße\0").matches("grüße\0")
    assert Secret("").matches("")


def test_an_empty_one_counts_as_none(secret):
    assert secret
    assert not Secret("")
