"""Calls to addresses that people configured reach the internet and what an operator opened, and
nothing else. The names end in .test: only the tests' own look-up knows them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from gantry.infra.outward import OutwardHttp, parse
from gantry.infra.outward_allowed import Allowed, parse_allowed
from gantry.infra.tls import Trust, server_context
from gantry.ports.outward import AddressRefused, BadAddress, Unreached
from gantry_protocol.proxies import Proxies

from tests.support.certificates import Authority
from tests.support.forward_proxy import ForwardProxy
from tests.support.receiver import Receiver

SOON = timedelta(seconds=5)
HERE = parse_allowed(["127.0.0.0/8"])
PUBLIC = "93.184.216.34"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


class Names:
    """Looks names up in a list of answers, each of which is given once; the last one stays."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = {name.replace("_", "."): given for name, given in answers.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        given = self.answers.get(host, [[host]])
        return given.pop(0) if len(given) > 1 else given[0]


def client(allowed: Allowed = HERE, names: Names | None = None, **more) -> OutwardHttp:
    given = {"trust": Trust(), "proxies": Proxies(), **more}
    return OutwardHttp(allowed=allowed, resolve=names, **given)


async def post(http: OutwardHttp, url: str, *, timeout=SOON, limit=1000, **more):
    return await http.post(
        url, headers={"x-open": "1"}, body=b"{}", limit=limit, timeout=timeout, **more
    )


async def get(http: OutwardHttp, url: str, *, limit=1000, **more):
    return await http.get(url, headers={}, limit=limit, timeout=SOON, **more)


async def test_a_call_arrives_as_it_was_made_and_its_answer_comes_back(receiver):
    answer = await post(client(), f"{receiver.url}/in?a=b%20c")

    assert (answer.status, answer.body, answer.cut) == (200, b"thank you", False)
    assert answer.header("Content-Length") == "9"
    (call,) = receiver.calls
    assert (call.method, call.path, call.body) == ("POST", "/in?a=b%20c", b"{}")
    assert call.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert call.headers["x-open"] == "1"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "0.0.0.0",
        "192.0.0.192",
        "168.63.129.16",
        "::1",
        "::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
    ],
)
async def test_what_only_this_machine_can_reach_is_refused_by_number_and_by_name(receiver, address):
    names = Names(inside_test=[[address]])
    shown = f"[{address}]" if ":" in address else address

    for url in (f"http://{shown}:{receiver.port}/", f"http://inside.test:{receiver.port}/"):
        with pytest.raises(AddressRefused):
            await post(client(Allowed(), names), url)

    assert receiver.calls == []


async def test_one_private_address_among_public_ones_is_enough_to_refuse(receiver):
    names = Names(both_test=[[PUBLIC, "127.0.0.1"]])

    with pytest.raises(AddressRefused):
        await post(client(Allowed(), names), f"http://both.test:{receiver.port}/")

    assert receiver.calls == []


@pytest.mark.parametrize("url", ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/"])
async def test_other_ways_to_write_a_number_lead_nowhere_else(url):
    with pytest.raises((AddressRefused, Unreached)):
        await post(client(Allowed()), url)


async def test_a_name_that_changes_its_address_after_it_was_looked_at_gains_nothing(receiver):
    # Whoever looks a name up twice sees the harmless address first and connects to the other.
    names = Names(rebound_test=[["127.0.0.1"], ["10.0.0.1"]])
    url = f"http://rebound.test:{receiver.port}/"

    first = await post(client(HERE, names), url)
    with pytest.raises(AddressRefused):
        await post(client(HERE, names), url)

    assert first.status == 200
    assert names.asked == ["rebound.test", "rebound.test"]
    assert [call.headers["host"] for call in receiver.calls] == [f"rebound.test:{receiver.port}"]


async def test_a_redirect_is_looked_at_like_the_first_address(receiver):
    target = "http://169.254.169.254/latest/meta-data/"

    for call, path in ((get, "/to/302?"), (post, "/to/307?")):
        with pytest.raises(AddressRefused):
            await call(client(), f"{receiver.url}{path}{target}")

    assert len(receiver.calls) == 2


async def test_a_post_stays_a_post_through_redirects_or_is_not_sent_again(receiver):
    kept = await post(client(), f"{receiver.url}/to/308?/in")
    changed = await post(client(), f"{receiver.url}/to/303?/in")

    assert (kept.status, changed.status) == (200, 303)
    assert [(call.method, call.body) for call in receiver.calls] == [("POST", b"{}")] * 3
    assert [call.path for call in receiver.calls][-1].startswith("/to/303")


async def test_a_post_that_is_to_stay_is_taken_to_no_other_origin(receiver):
    with Receiver() as other:
        answer = await post(client(), f"{receiver.url}/to/307?{other.url}/in", stay=True)

        assert answer.status == 307
        assert other.calls == []
    assert (await post(client(), f"{receiver.url}/to/307?/in", stay=True)).status == 200


async def test_redirects_end(receiver):
    with pytest.raises(Unreached, match="more than 3"):
        await get(client(), f"{receiver.url}/to/302?/to/302?/to/302?/to/302?/to/302?/in")

    assert len(receiver.calls) == 4


async def test_a_redirect_to_what_is_no_address_is_refused(receiver):
    for call, path in ((get, "/to/302?"), (post, "/to/307?")):
        with pytest.raises(BadAddress, match="redirects to a malformed address"):
            await call(client(), f"{receiver.url}{path}http://[")


async def test_another_origin_is_not_given_private_headers(receiver):
    with Receiver() as other:
        here, there = f"{receiver.url}/to/307?/in", f"{receiver.url}/to/307?{other.url}/in"
        for url in (here, there):
            await post(client(), url, private={"authorization": "s3cr3t"})

        assert ["authorization" in call.headers for call in receiver.calls] == [True] * 3
        (call,) = other.calls
        assert "authorization" not in call.headers
        assert call.headers["x-open"] == "1"


async def test_an_answer_is_read_as_far_as_was_asked(receiver):
    answer = await get(client(), f"{receiver.url}/large", limit=100)

    assert (len(answer.body), answer.cut) == (100, True)


async def test_bytes_that_trickle_do_not_make_an_exchange_last(receiver):
    with pytest.raises(Unreached, match=r"did not answer within 0\.3 seconds"):
        await post(client(), f"{receiver.url}/trickle", limit=10**9, timeout=timedelta(seconds=0.3))


async def test_tls_proves_the_name_and_not_the_number(authority):
    certificate = authority.issue("hooks.test")
    names = Names(hooks_test=[["127.0.0.1"]], other_test=[["127.0.0.1"]])
    with Receiver(server_context(*certificate)) as receiver:
        http = client(HERE, names, trust=Trust(authority.pem))

        answer = await post(http, f"https://hooks.test:{receiver.port}/in")
        for host in ("other.test", "127.0.0.1"):
            with pytest.raises(Unreached, match="certificate is not believed"):
                await post(http, f"https://{host}:{receiver.port}/in")

        assert answer.status == 200
        assert receiver.names[:2] == ["hooks.test", "other.test"]
        assert len(receiver.calls) == 1


async def test_tls_is_not_left_on_the_way(authority, receiver):
    names = Names(hooks_test=[["127.0.0.1"]])
    with Receiver(server_context(*authority.issue("hooks.test"))) as safe:
        http = client(HERE, names, trust=Trust(authority.pem))
        with pytest.raises(Unreached, match="without TLS"):
            await post(http, f"https://hooks.test:{safe.port}/to/307?{receiver.url}/in")

    assert receiver.calls == []


async def test_a_proxy_is_asked_for_the_address_that_was_looked_at(authority):
    certificate = authority.issue("hooks.test")
    names = Names(hooks_test=[[PUBLIC]], inside_test=[["10.0.0.1"]])
    with Receiver(server_context(*certificate)) as receiver, ForwardProxy() as proxy:
        proxies = Proxies(proxy.url, proxy.url)
        http = client(Allowed(), names, trust=Trust(authority.pem), proxies=proxies)

        answer = await post(http, f"https://hooks.test:{receiver.port}/in")
        with pytest.raises(AddressRefused):
            await post(http, f"https://inside.test:{receiver.port}/in")

        assert answer.status == 200
        assert receiver.names == ["hooks.test"]
        assert proxy.asked == [f"{PUBLIC}:{receiver.port}"]


async def test_a_name_that_the_operator_allows_is_left_to_the_proxy(receiver):
    names = Names()
    with ForwardProxy() as proxy:
        http = client(parse_allowed([".corp.test"]), names, proxies=Proxies(proxy.url, proxy.url))

        answer = await post(http, f"http://hooks.corp.test:{receiver.port}/in")

        assert answer.status == 200
        assert (proxy.asked, names.asked) == ([f"hooks.corp.test:{receiver.port}"], [])


async def test_nobody_there_is_said_in_words():
    with Receiver() as gone:
        url = gone.url
    with pytest.raises(Unreached, match=r"127\.0\.0\.1 cannot be reached: "):
        await post(client(), url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.test/in",
        "https:/x",
        "https://",
        "ftp://hooks.test/",
        "file:///etc/passwd",
        "https://user:password@hooks.test/",
        "https://hooks.test:99999/",
        "https://hooks.test:0/",
        "https://hooks.test/a b",
        "https://hooks.test/\r\nX: y",
        "https://[::1%25eth0]/",
        "https://hooks.test/" + "a" * 2048,
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(url):
    with pytest.raises(BadAddress) as refused:
        client().check(url)

    assert "password@" not in refused.value.message


def test_private_numbers_are_refused_before_anybody_is_asked():
    closed = client(Allowed())

    for url in ("http://127.0.0.1/", "http://localhost/", "https://[::1]/", "http://10.0.0.1:80/"):
        with pytest.raises(AddressRefused):
            closed.check(url)
    closed.check("https://hooks.example.com/in")
    client(HERE).check("http://127.0.0.1/")


def test_addresses_are_taken_apart_in_one_way():
    place = parse("HTTPS://Bücher.example:443/ä?q=ö%20#part")

    assert (place.scheme, place.host, place.port) == ("https", "xn--bcher-kva.example", 443)
    assert place.target == "/%C3%A4?q=%C3%B6%20"
    assert place.authority == "xn--bcher-kva.example"


def test_an_operator_allows_names_and_networks_and_nothing_that_is_neither():
    allowed = parse_allowed(["hooks.corp", ".inner.corp", "10.1.0.0/16", "fd00::/8", "127.0.0.1"])

    assert [
        allowed.name(n) for n in ("hooks.corp", "x.hooks.corp", "a.inner.corp", "inner.corp")
    ] == [
        True,
        False,
        True,
        False,
    ]
    assert [allowed.address(a) for a in ("10.1.2.3", "10.2.0.1", "fd12::1", "::ffff:10.1.2.3")] == [
        True,
        False,
        True,
        True,
    ]
    for wrong in ("10.1.2.3/16", "https://hooks.corp", "10.1.0.0/99", "a b"):
        with pytest.raises(ValueError, match="give host names"):
            parse_allowed([wrong])
