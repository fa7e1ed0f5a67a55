"""Slugs are what existing clients compute on their own side, and are never taken for ids."""

from __future__ import annotations

import re
import string

import pytest
from gantry.kernel.ids import SLUG_MAX, is_ulid, new_id, slug, unique_slug
from hypothesis import example, given
from hypothesis import strategies as st

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
names = st.text(max_size=300) | st.text(st.sampled_from("aZ9_ -,'&#;🐢ß."), max_size=40)
ulids = st.builds(
    lambda head, tail: head + "".join(tail),
    st.sampled_from("01234567"),
    st.lists(st.sampled_from(CROCKFORD + CROCKFORD.lower()), min_size=25, max_size=25),
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # The first two are examples that clients test themselves with.
        ("ąśśdasdaććąsadwsd", "assdasdaccasadwsd"),
        ("turtle 🐢", "turtle-emoji-turtle"),
        ("Network (prod)", "network-prod"),
        ("  spaces  around  ", "spaces-around"),
        ("under_score", "under_score"),
        ("_both_ends_", "both_ends"),
        ("a---b", "a-b"),
        ("Straße", "strasse"),
        ("日本", "ri-ben"),
        ("1,000 things", "1-000-things"),
        ("fish & chips", "fish-and-chips"),
        ("fish &amp; chips", "fish-andamp-chips"),
        ("&#381;", "and-381"),
        ("me@home", "meathome"),
        ("it's", "its"),
        ("it\N{RIGHT SINGLE QUOTATION MARK}s", "its"),
        ('"quoted"', "quoted"),
        ("Вольт", "vol-t"),
        ("a👍b", "a-emoji-thumbs_up-b"),
        ("...", ""),
        ("", ""),
    ],
)
def test_a_slug_follows_the_rule_that_clients_know(name, expected):
    assert slug(name) == expected


@given(st.text(st.sampled_from(string.printable), max_size=300))
@example("0,0")
@example("&lt;")
@example("x" * 255 + "-y")
def test_of_plain_text_only_letters_digits_and_underscores_stay(text):
    spelled = re.sub("[\"']", "", text).replace("&", "and").replace("@", "at")
    rule = re.sub(r"[^a-z0-9_]+", "-", spelled.lower()).strip("-_")[:SLUG_MAX].strip("-_")
    assert slug(text) == rule


@given(names)
def test_the_slug_of_a_slug_is_itself(name):
    assert slug(slug(name)) == slug(name)


@given(names)
def test_a_slug_has_only_its_own_characters_and_never_too_many(name):
    assert re.fullmatch(r"([a-z0-9]([a-z0-9_-]*[a-z0-9])?)?", slug(name))
    assert len(slug(name)) <= SLUG_MAX


@given(names | ulids)
def test_a_stack_id_is_never_taken_for_a_ulid(name):
    found = unique_slug(name, set())

    assert found
    assert not is_ulid(found)
    assert slug(found) == found


@given(names | ulids)
@example("x" * 249 + "-and-so-on")
def test_a_taken_slug_is_not_given_again(name):
    taken = {unique_slug(name, set())}

    second = unique_slug(name, taken)

    assert second not in taken
    assert not is_ulid(second)
    assert slug(second) == second
    assert len(second) <= SLUG_MAX


def test_ids_are_ulids_in_the_order_they_were_made():
    assert is_ulid(new_id())
    assert new_id()[:10] <= new_id()[:10]
    assert len({new_id() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(
    "text",
    [
        "",
        "network",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",  # above 128 bits
        "01ARZ3NDEKTSV4RRFFQ69G5FA",  # one short
        "01ARZ3NDEKTSV4RRFFQ69G5FAVX",
        "01ARZ3NDEKTSV4RRFFQ69G5FAU",  # U is not in the alphabet
        "01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
    ],
)
def test_what_is_no_ulid_is_told_apart(text):
    assert not is_ulid(text)


def test_a_ulid_is_one_in_either_case():
    assert is_ulid("01ARZ3NDEKTSV4RRFFQ69G5FAV")
    assert is_ulid("01arz3ndektsv4rrffq69g5fav")
