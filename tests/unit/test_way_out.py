"""Proxies and authorities are read in one way by everybody."""

from __future__ import annotations

import base64
import json

import pytest
from gantry_protocol.authorities import decode_root_cas
from gantry_protocol.proxies import Proxies, parse_proxy

from tests.support.certificates import Authority

PROXY = "http://proxy.test:3128"


@pytest.mark.parametrize(
    ("without", "host", "by_proxy"),
    [
        ("", "gantry.test", True),
        ("other.test", "gantry.test", True),
        ("gantry.test", "gantry.test", False),
        ("gantry.test", "GANTRY.test", False),
        ("test", "gantry.test", False),
        (".test", "gantry.test", False),
        ("*.test", "gantry.test", False),
        ("antry.test", "gantry.test", True),
        (" a.test , gantry.test ", "gantry.test", False),
        ("*", "gantry.test", False),
        (",", "gantry.test", True),
        ("10.0.0.0/8", "10.1.2.3", False),
        ("10.0.0.0/8", "11.1.2.3", True),
        ("10.1.2.3", "10.1.2.3", False),
        ("fd00::/8", "fd00::1", False),
        ("", "localhost", False),
        ("", "127.0.0.1", False),
        ("", "::1", False),
    ],
)
def test_a_host_is_behind_the_proxy_unless_it_is_excepted_or_this_machine(without, host, by_proxy):
    found = Proxies(https=PROXY, without=without).to(host, encrypted=True)

    assert found == (parse_proxy(PROXY) if by_proxy else None)


def test_encrypted_and_plain_lines_have_a_proxy_each():
    proxies = Proxies(http="http://plain.test", https="https://u:p%40s@safe.test:8443")

    plain, safe = (proxies.to("gantry.test", encrypted=encrypted) for encrypted in (False, True))

    assert plain is not None
    assert (plain.host, plain.port, plain.encrypted) == ("plain.test", 80, False)
    assert safe is not None
    assert (safe.host, safe.port, safe.encrypted) == ("safe.test", 8443, True)
    assert (safe.user, safe.password) == ("u", "p@s")
    assert safe.shown == "https://safe.test:8443"
    assert Proxies().to("gantry.test", encrypted=True) is None


def test_what_a_proxy_is_printed_as_holds_no_password():
    proxies = Proxies(https="http://u:s3cr3t%2B@proxy.test:3128")

    assert "s3cr3t" not in f"{proxies} {proxies.to('gantry.test', encrypted=True)!r}"
    assert proxies.passwords() == ["s3cr3t%2B", "s3cr3t+"]


def test_commands_are_told_in_capital_and_in_small_letters():
    assert Proxies(https=PROXY, without="a").variables() == {
        "HTTPS_PROXY": PROXY,
        "https_proxy": PROXY,
        "NO_PROXY": "a",
        "no_proxy": "a",
    }


@pytest.mark.parametrize(
    "url",
    [
        "proxy.test:3128",
        "socks5://proxy.test",
        "http://",
        "http://u:s3cr3t@h:port",
        "http://h/path",
    ],
)
def test_what_is_no_proxy_is_refused_without_being_quoted(url):
    with pytest.raises(ValueError, match="must be http://host:port") as refused:
        parse_proxy(url)
    assert "s3cr3t" not in str(refused.value)


def as_set(*certificates: str) -> str:
    entries = [base64.b64encode(pem.encode()).decode() for pem in certificates]
    return base64.b64encode(json.dumps({"caCertificates": entries}).encode()).decode()


def test_authorities_are_taken_in_the_form_that_existing_deployments_have(tmp_path):
    one, other = (Authority(tmp_path / name).pem for name in ("one", "other"))

    assert decode_root_cas(as_set(one, other)) == f"{one}\n{other}"
    wrapped = "\n".join(as_set(one)[i : i + 60] for i in range(0, len(as_set(one)), 60))
    assert decode_root_cas(wrapped) == one


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN CERTIFICATE-----",
        base64.b64encode(b"{}").decode(),
        base64.b64encode(b'{"caCertificates": [1]}').decode(),
        base64.b64encode(b'{"caCertificates": ["!"]}').decode(),
        base64.b64encode(b"[]").decode(),
        as_set("no certificate"),
    ],
)
def test_authorities_in_another_form_are_refused(text):
    with pytest.raises(ValueError, match="must be base64 of"):
        decode_root_cas(text)
