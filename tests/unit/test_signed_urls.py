"""A signed URL allows one request, for a while, and nothing else."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from gantry.infra.object_rules import URL_LASTS_MAX, check_key, check_lasts
from gantry.infra.signed_urls import BadSignedUrl, check_signed_url, signed_url

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
EXPIRES = int(NOW.timestamp()) + 60


def sign(text: str, key: bytes = b"ours") -> str:
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def is_ours(text: str, signature: str) -> bool:
    return hmac.compare_digest(sign(text).encode(), signature.encode())


def request(**changes):
    """The request that the URL was made for, but for `changes`."""
    url = signed_url(
        sign,
        base_url="https://gantry.test/",
        method="PUT",
        bucket="run-logs",
        key="01ABC/plan.log",
        expires=EXPIRES,
    )
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    asked = {
        "method": "PUT",
        "bucket": "run-logs",
        "key": "01ABC/plan.log",
        "expires": query["expires"],
        "signature": query["signature"],
        "now": NOW,
    }
    return asked | changes


def test_a_url_names_the_method_the_object_the_end_and_the_signature():
    url = signed_url(
        sign, base_url="http://h:1/", method="GET", bucket="states", key="a/b.json", expires=99
    )

    signature = sign("GET\nstates\na/b.json\n99")
    assert url == f"http://h:1/objects/states/a/b.json?method=GET&expires=99&signature={signature}"


def test_the_request_that_was_signed_is_allowed():
    check_signed_url(is_ours, **request())


def test_it_is_allowed_up_to_its_last_moment():
    check_signed_url(is_ours, **request(now=NOW + timedelta(seconds=59.9)))


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "GET"},
        {"method": "put"},
        {"bucket": "states"},
        {"key": "01ABC/apply.log"},
        {"expires": str(EXPIRES + 1)},
        {"expires": f"0{EXPIRES}"},
        {"signature": "0" * 64},
        {"signature": ""},
        {"signature": "ü"},
        {"signature": sign("PUT\nrun-logs\n01ABC/plan.log\n" + str(EXPIRES), key=b"theirs")},
    ],
    ids=str,
)
def test_any_other_request_is_refused(changes):
    with pytest.raises(BadSignedUrl, match="does not allow") as refused:
        check_signed_url(is_ours, **request(**changes))

    assert (refused.value.code, refused.value.status) == ("BAD_SIGNED_URL", 403)


@pytest.mark.parametrize("late", [timedelta(seconds=60), timedelta(days=365)])
def test_after_its_end_it_is_refused(late):
    with pytest.raises(BadSignedUrl, match="expired"):
        check_signed_url(is_ours, **request(now=NOW + late))


@pytest.mark.parametrize("expires", ["", "soon", "-1", "1e9", "٣٣٣", " 1", "9" * 5000])
def test_an_end_that_is_no_time_is_refused_even_when_signed(expires):
    signature = sign(f"PUT\nrun-logs\n01ABC/plan.log\n{expires}")

    with pytest.raises(BadSignedUrl):
        check_signed_url(is_ours, **request(expires=expires, signature=signature))


@pytest.mark.parametrize("key", ["a", "01ABC", "a/b/c.tar.gz", "9_-.x", "a/.b", "a/" * 250 + "b"])
def test_plain_names_are_keys(key):
    check_key(key)


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/a",
        "a/",
        "a//b",
        "a/./b",
        "a/.",
        "../a",
        "a/../b",
        "a..b",
        ".a",
        "-a",
        "a\n",
        "a b",
        "a\\b",
        "a%2fb",
        "a?b",
        "ä",
        "a\0",
        "a" * 256,
        "a/" * 256 + "b",
    ],
    ids=repr,
)
def test_what_could_lead_elsewhere_is_no_key(key):
    with pytest.raises(ValueError, match="not a key"):
        check_key(key)


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1), timedelta(days=8)])
def test_a_url_lasts_for_some_time_but_not_for_longer_than_s3_allows(lasts):
    check_lasts(URL_LASTS_MAX)

    with pytest.raises(ValueError, match="lasts"):
        check_lasts(lasts)
