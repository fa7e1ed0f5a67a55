"""Where commands may connect to, and what they ask of the proxy."""

import ipaddress

import pytest
from gantry_worker.runtimes.egress import BadEntry, is_public, parse
from gantry_worker.runtimes.proxying import BadRequest, answer_of_one, understood

PUBLIC = ipaddress.ip_address("93.184.216.34")
METADATA = ipaddress.ip_address("169.254.169.254")


def at(text):
    return ipaddress.ip_address(text)


def test_a_host_is_known_by_its_whole_name_on_the_webs_ports():
    allowed = parse(["Registry.Example.COM."])

    assert allowed.knows("registry.example.com", 443)
    assert allowed.knows("registry.example.com", 80)
    for host, port in (
        ("registry.example.com", 22),
        ("evil-registry.example.com", 443),
        ("a.registry.example.com", 443),
        ("example.com", 443),
        ("registry.example.com.evil.com", 443),
    ):
        assert not allowed.knows(host, port)


def test_a_star_stands_for_what_is_below_a_name_and_not_for_the_name():
    allowed = parse(["*.example.com"])

    assert allowed.knows("a.example.com", 443)
    assert allowed.knows("a.b.example.com", 443)
    for host in ("example.com", "notexample.com", "a.example.com.evil.com", "1.2.3.4"):
        assert not allowed.knows(host, 443)


def test_a_port_of_an_entry_is_the_only_one():
    allowed = parse(["git.example.com:8443", "[2001:db8::1]:8443"])

    assert allowed.knows("git.example.com", 8443)
    assert not allowed.knows("git.example.com", 443)
    assert allowed.knows("2001:db8::1", 8443)
    assert not allowed.knows("2001:db8::1", 443)


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
        "64:ff9b::a9fe:a9fe", "2002:7f00:1::1",
    ],
)  # fmt: skip
def test_a_listed_name_does_not_open_addresses_that_are_not_public(address):
    allowed = parse(["example.com", "*"])

    assert not is_public(at(address))
    assert allowed.knows("example.com", 443)
    assert not allowed.leads_to("example.com", 443, at(address))
    assert not allowed.knows(address, 443)
    assert allowed.leads_to("example.com", 443, PUBLIC)
    assert allowed.knows(str(PUBLIC), 443)


def test_private_addresses_are_reached_when_they_are_listed_themselves():
    allowed = parse(["git.corp", "10.0.0.0/8", "127.0.0.1:9000"])

    assert allowed.leads_to("git.corp", 443, at("10.1.2.3"))
    assert not allowed.leads_to("git.corp", 443, at("192.168.1.1"))
    assert allowed.knows("10.1.2.3", 443)
    assert not allowed.knows("10.1.2.3", 22)
    assert allowed.knows("127.0.0.1", 9000)
    assert not allowed.knows("127.0.0.1", 443)
    assert not allowed.knows("other.corp", 443)


def test_an_address_by_another_name_is_the_same_address():
    assert not parse(["*"]).knows("::ffff:127.0.0.1", 443)
    assert parse(["127.0.0.1:9000"]).knows("::ffff:127.0.0.1", 9000)


def test_the_installations_own_server_is_known_wherever_it_is_and_nothing_beside_it():
    allowed = parse([], "https://gantry.corp")

    assert allowed.knows("gantry.corp", 443)
    assert allowed.leads_to("gantry.corp", 443, at("10.0.0.1"))
    assert not allowed.knows("gantry.corp", 80)
    assert not allowed.knows("10.0.0.1", 443)
    assert allowed.local() == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:1983", "http://localhost:1983"])
def test_a_server_on_this_machine_is_reached_at_its_own_port(url):
    assert parse(["127.0.0.1:9000", "::1"], url).local() == [
        ("127.0.0.1", 1983),
        ("127.0.0.1", 9000),
    ]


@pytest.mark.parametrize(
    "entry", ["https://example.com", "exa mple.com", "*.", "a*.example.com", "example.com:", ":443",
              "example.com:70000", "10.0.0.1/8", "example.com/path", "-a.com", "a..b"],
)  # fmt: skip
def test_an_entry_that_means_nothing_is_refused_and_quoted(entry):
    with pytest.raises(BadEntry) as refused:
        parse([entry])
    assert repr(entry) in str(refused.value)


def test_a_tunnel_is_asked_for_by_host_and_port():
    asked = understood(b"CONNECT Example.COM:443 HTTP/1.1\r\nHost: other:1\r\n\r\n")
    assert (asked.host, asked.port, asked.tunnel) == ("example.com", 443, True)
    assert understood(b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n").host == "::1"


def test_the_host_that_was_judged_is_the_one_that_is_asked_for():
    head = (
        b"GET http://good.example:8080/a?b HTTP/1.1\r\nHost: evil.example\r\nAccept: */*\r\n"
        b"Proxy-Authorization: Basic x\r\nProxy-Connection: keep-alive\r\n\r\n"
    )

    asked = understood(head)

    assert (asked.host, asked.port) == ("good.example", 8080)
    assert asked.opening == (
        b"GET /a?b HTTP/1.1\r\nHost: good.example:8080\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    )


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET https://example.com/ HTTP/1.1\r\n\r\n",
        b"GET http://example.com:no/ HTTP/1.1\r\n\r\n",
        b"CONNECT example.com HTTP/1.1\r\n\r\n",
        b"CONNECT example.com:99999 HTTP/1.1\r\n\r\n",
        b"CONNECT a:1:2 HTTP/1.1\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"\x16\x03\x01\x02\r\n\r\n",
    ],
)
def test_what_no_proxy_answers_is_refused(head):
    with pytest.raises(BadRequest):
        understood(head)


def test_an_answer_says_that_its_connection_ends():
    head = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n"
    assert answer_of_one(head) == (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
    )
