"""No secret reaches a log, in whatever notation and however the output is cut into pieces."""

import base64
import json
import random
from itertools import pairwise
from urllib.parse import quote, quote_plus

import pytest
from gantry_worker.masking import LINE_LIMIT, Masker
from gantry_worker.masking_forms import LONGEST, forms
from hypothesis import assume, given, settings
from hypothesis import strategies as st

SECRET = 'hunter2/swordfish+"q&a" ü'
LETTERS = 'abcü/+"& :\n'  # few, so that secrets overlap, repeat and begin like each other

secrets = st.lists(st.text(LETTERS, min_size=4, max_size=12), min_size=1, max_size=6)


def masked(text, *words, well_known=False):
    masker = Masker(words, well_known)
    return (masker.feed(text.encode() if isinstance(text, str) else text) + masker.flush()).decode()


def in_pieces(masker, data, cuts):
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    fed = [masker.feed(data[a:b]) for a, b in pairwise(edges)]
    return b"".join([*fed, masker.flush()])


@st.composite
def a_log(draw):
    """Secrets, and output made of them, of what encodes them, of requests to mask, and chaff."""
    words = draw(secrets)
    encoded = sorted({form for word in words for form in forms(word)})
    piece = st.one_of(
        st.sampled_from([word.encode() for word in words]),
        st.sampled_from(encoded or [b"abc"]),
        st.text(LETTERS, max_size=6).map(str.encode),
        st.text("abc ", max_size=9).map(lambda more: f"\n::add-mask {more}\n".encode()),
    )
    return words, b"".join(draw(st.lists(piece, max_size=12)))


@settings(deadline=None)
@given(log=a_log(), cuts=st.lists(st.integers(0, 500), max_size=8), well_known=st.booleans())
def test_the_result_does_not_depend_on_how_the_stream_is_cut(log, cuts, well_known):
    words, data = log

    at_once = in_pieces(Masker(words, well_known), data, [])

    assert in_pieces(Masker(words, well_known), data, cuts) == at_once
    assert in_pieces(Masker(words, well_known), data, range(len(data))) == at_once


@settings(deadline=None)
@given(log=a_log(), cuts=st.lists(st.integers(0, 500), max_size=8))
def test_the_result_never_contains_a_secret(log, cuts):
    words, data = log
    # A request to be masked is answered in words of ours, which such a secret could be part of.
    assume(not any("\n:" in word for word in words))

    result = in_pieces(Masker(words), data, cuts)

    for word in words:
        assert not word.strip() or word.encode() not in result


@settings(deadline=None)
@given(data=st.binary(max_size=300), cuts=st.lists(st.integers(0, 300), max_size=5))
def test_without_secrets_every_byte_passes_unchanged(data, cuts):
    assert in_pieces(Masker([]), data, cuts) == data


def test_a_secret_becomes_five_asterisks_whatever_its_length():
    assert masked("password=hunter2.", "hunter2") == "password=*****."
    assert masked("password=" + "x" * 99, "x" * 99) == "password=*****"


def test_secrets_that_overlap_become_one_mask():
    assert masked("<abcdefghi>", "abcdef", "defghi") == "<*****>"
    assert masked("<abcdefghi>", "abcd", "abcdefghi", "efgh") == "<*****>"
    assert masked("<abcdabcd>", "abcd") == "<**********>"


def test_a_mask_that_is_already_out_is_not_repeated_for_what_overlaps_it():
    masker = Masker(["abcdef", "defghi"])

    assert masker.feed(b"<abcdef") == b"<*****"
    assert masker.feed(b"ghi>") == b">"


@pytest.mark.parametrize("before", ["", "u", "us", "user", "user:"])
@pytest.mark.parametrize("after", ["", "\n", "@host"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_base64_is_masked_in_every_alignment_and_alphabet(before, after, encode):
    text = encode(f"{before}{SECRET}{after}".encode()).decode()

    result = masked(text, SECRET)

    assert "*****" in result
    # What is left decodes to what stood around the secret, and at most the rim of its ends.
    assert len(result) - 5 <= len(encode(before.encode())) + len(encode(after.encode())) + 2


def test_base64_of_just_the_secret_leaves_nothing_padded_or_not():
    for secret in ("hunter2", "hunter22", "hunter222"):
        text = base64.b64encode(secret.encode()).decode()
        assert masked(f"<{text}>", secret) == "<*****>"
        assert masked(f"<{text.rstrip('=')}>", secret) == "<*****>"


@pytest.mark.parametrize("width", [64, 76])
def test_base64_broken_into_lines_is_masked_line_by_line(width):
    secret = "".join(random.Random(1).choices("abcdefgh12345678", k=200))
    text = base64.b64encode(secret.encode()).decode()
    lines = [text[at : at + width] for at in range(0, len(text), width)]

    assert masked("\n".join(lines), secret).replace("*****", "").strip("\n") == ""


@pytest.mark.parametrize(
    "text",
    [
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1].replace("&", "\\u0026"),
    ],
)
def test_url_and_json_notations_are_masked(text):
    assert masked(f"<{text}>", SECRET) == "<*****>"


def test_every_line_of_a_secret_is_masked_on_its_own():
    key = "first line of it\r\n  second line of it\n}\n"

    result = masked("│ first line of it\n│     second line of it\n│ }\n", key)

    assert result == "│ *****\n│     *****\n│ }\n"


def test_what_is_too_short_or_blank_is_left_alone_so_that_logs_stay_readable():
    text = "yes, 3 to add, 0 to change      ****"
    assert masked(text, "yes", "3", "", "    ", "****", "to\n") == text


def test_bytes_that_are_not_text_are_neither_lost_nor_changed():
    masker = Masker(["hunter2"])
    assert masker.feed(b"\xff\x00hunter2\xfe") + masker.flush() == b"\xff\x00*****\xfe"


def test_a_secret_that_is_not_valid_unicode_is_masked_as_the_bytes_it_came_from():
    masker = Masker([b"pass\xffword".decode("utf-8", "surrogateescape")])
    assert masker.feed(b"<pass\xffword>") == b"<*****>"


def test_only_what_may_become_a_secret_is_held_back():
    masker = Masker(["hunter2hunter3"])

    assert masker.feed(b"Plan: 3 to add") == b"Plan: 3 to add"
    assert masker.feed(b" hunter2hun") == b" "
    assert masker.feed(b"t") == b""
    assert masker.feed(b"!") == b"hunter2hunt!"
    assert masker.feed(b"hunter2hunter2hunter") == b"hunter2"
    assert masker.flush() == b"hunter2hunter"


def test_a_document_as_a_secret_is_masked_without_being_held_back_whole():
    document = "".join(random.Random(2).choices("abcdefgh12345678", k=50_000))
    masker = Masker([document])

    early = masker.feed(document[:-1].encode())
    result = early + masker.feed(document[-1:].encode()) + masker.flush()

    assert result.strip(b"*") == b""
    assert len(early) >= 5 * ((50_000 - 1) // LONGEST - 1)


def test_a_line_can_ask_for_words_to_be_masked_from_then_on():
    text = "alpha beta\n::add-mask alpha beta\nalpha, beta; YWxwaGE=\n"

    assert masked(text) == "alpha beta\n::add-mask ***** *****\n*****, *****; *****\n"


def test_words_that_are_asked_for_are_masked_however_short():
    assert masked("::add-mask a b\r\nabc\n") == "::add-mask ***** *****\n**********c\n"


def test_only_a_whole_line_can_ask_for_masks():
    for text in ("say ::add-mask alpha\nalpha\n", "::add-mask\nalpha", "::add-maskalpha\nalpha"):
        assert masked(text) == text


def test_a_line_that_asks_for_masks_is_shown_only_once_it_is_complete():
    masker = Masker([])

    assert masker.feed(b"\n::add-m") == b"\n"
    assert masker.feed(b"ask al") == b""
    assert masker.feed(b"pha\nal") == b"::add-mask *****\n"
    assert masker.feed(b"pha") == b"*****"
    assert masker.feed(b"::add-mask beta\n") == b"::add-mask beta\n"  # not at a line's beginning
    assert masker.feed(b"::add-mask beta") == b""
    assert masker.flush() == b"::add-mask *****"


def test_a_secret_does_not_reach_into_a_request_wherever_the_stream_is_cut():
    data = b"abcd\n::add-mask beta\n"
    at_once = in_pieces(Masker(["abcd\n::"]), data, [])

    assert at_once == b"*****\n::add-mask *****\n"
    assert in_pieces(Masker(["abcd\n::"]), data, range(len(data))) == at_once


def test_an_endless_line_that_asks_for_masks_is_cut_and_its_rest_not_shown():
    word = "x" * 20
    line = "::add-mask " + f"{word} " * (LINE_LIMIT // 10)

    at_once = masked(f"{line}\n{word} and on\n")

    assert word not in at_once
    assert at_once.endswith("*****\n***** and on\n")
    data = f"{line}\n{word} and on\n".encode()
    assert in_pieces(Masker([]), data, range(0, len(data), 5000)).decode() == at_once


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "ABCD2345" * 2,
        "ghp_" + "aB3" * 12,
        "github_pat_" + "aB3_" * 20,
        "glpat-" + "aB3_" * 5,
        "xoxb-" + "123-" * 5,
        "AIza" + "aB3_-" * 7,
        "hvs." + "aB3_-" * 7,
        ".".join(["eyJhbGciOiJSUzI1NiJ9", "eyJzdWIiOiJydW4ifQ", "c2lnbmF0dXJl-_"]),
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMIIE\n"
        "-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\nMIIE\\n-----END PRIVATE KEY-----",
    ],
)
def test_tokens_known_by_their_looks_are_masked_when_asked_for(token):
    text = f'token = "{token}" # it\n'

    assert masked(text, well_known=True) == 'token = "*****" # it\n'
    assert masked(text) == text
    data = text.encode()
    assert in_pieces(Masker([], True), data, range(len(data))).decode() == 'token = "*****" # it\n'


def test_what_only_begins_like_a_token_is_shown():
    for text in ("AKIA and ASIA", "ghp_short", "eyJub3QiOiJhIGp3dCJ9", "-----BEGIN CERTIFICATE"):
        assert masked(text, well_known=True) == text


def test_a_private_key_that_never_ends_is_not_shown():
    text = "-----BEGIN PRIVATE KEY-----\n" + "MIIE\n" * 20
    assert masked(text, well_known=True) == "*****"
