"""The command line tool gets in through its owner's browser."""

from __future__ import annotations

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.integration.api.conftest import PASSWORD, Caller
from tests.support.core import BASE_URL
from tests.support.signing_on import VIEWER, browser

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    assert "=" not in text
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def as_the_tool_sends(key) -> str:
    """A SubjectPublicKeyInfo under the label of PKCS #1."""
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    return encoded(pem.replace("PUBLIC KEY", "RSA PUBLIC KEY").encode())


def as_the_tool_reads(location: str) -> str:
    query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
    oaep = OAEP(mgf=MGF1(hashes.SHA512()), algorithm=hashes.SHA512(), label=None)
    key = KEY.decrypt(decoded(query["key"]), oaep)
    sealed = decoded(query["token"])
    cipher = Cipher(algorithms.AES(key), modes.CBC(sealed[:16])).decryptor()
    plain = cipher.update(sealed[16:]) + cipher.finalize()
    return plain[: -plain[-1]].decode()


@pytest.fixture
async def at_the_browser(nobody):
    """The administrator at a browser."""
    async with browser(nobody.app) as http:
        credentials = {"username": "ada", "password": PASSWORD}
        answer = await http.post("/session", json=credentials, headers={"origin": BASE_URL})
        assert answer.status_code == 200
        yield http


async def ask(http, **changes):
    given = {"key": as_the_tool_sends(KEY.public_key()), "port": 4711} | changes
    return await http.post("/cli_login", json=given, headers={"origin": BASE_URL})


async def test_the_tool_gets_a_session_of_its_own_that_only_it_can_read(
    core, nobody, at_the_browser
):
    answer = await ask(at_the_browser)

    location = answer.json()["location"]
    assert location.startswith("http://127.0.0.1:4711/?")
    token = as_the_tool_reads(location)
    tool = Caller(nobody.http, nobody.app, token)
    assert (await tool.ask(VIEWER))["viewer"]["login"] == "admin::ada"

    await tool.ask("mutation { logout { login } }")
    assert (await tool.ask(VIEWER))["viewer"] is None
    # Only the tool's own session ended.
    assert (await ask(at_the_browser)).status_code == 200
    ends = await core.rows("select expires_at from session order by expires_at")
    assert ends[0] == ends[-1]


async def test_nobody_lets_the_tool_in_who_is_not_signed_in(core, nobody):
    answer = await ask(nobody.http)

    assert answer.status_code == 401
    assert await core.rows("select 1 from session") == []


async def test_no_other_site_lets_the_tool_in(core, at_the_browser):
    given = {"key": as_the_tool_sends(KEY.public_key()), "port": 4711}
    headers = {"origin": "https://evil.example"}

    answer = await at_the_browser.post("/cli_login", json=given, headers=headers)

    assert answer.status_code == 401
    assert len(await core.rows("select 1 from session")) == 1


async def test_an_api_key_does_not_become_a_persons_session(core, robot):
    _, key = await robot()

    answer = await key.http.post(
        "/cli_login",
        json={"key": as_the_tool_sends(KEY.public_key()), "port": 1},
        headers=key.headers,
    )

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "key",
    [
        "",
        "x",
        "é" * 10,
        "x" * 5000,
        encoded(b"-----BEGIN RSA PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----"),
        as_the_tool_sends(rsa.generate_private_key(65537, 1024).public_key()),
        as_the_tool_sends(ec.generate_private_key(ec.SECP256R1()).public_key()),
    ],
)
async def test_a_key_that_cannot_be_used_leaves_no_session(core, at_the_browser, key):
    answer = await ask(at_the_browser, key=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_CLI_KEY")
    assert len(await core.rows("select 1 from session")) == 1


@pytest.mark.parametrize("port", [0, 65536, -1, "", "80@evil.example", "٣", None, 1.5])
async def test_the_token_goes_to_a_port_of_this_computer_and_nowhere_else(
    core, at_the_browser, port
):
    answer = await ask(at_the_browser, port=port)

    assert (answer.status_code, answer.json()["code"]) == (400, "BAD_CLI_PORT")
    assert len(await core.rows("select 1 from session")) == 1


async def test_an_api_key_opens_the_pages_where_nothing_else_does(nobody, ada):
    made = await ada.ask(
        'mutation { apiKeyCreate(input: {name: "backup", admin: true, teams: []}) { id secret } }'
    )
    key = made["apiKeyCreate"]
    async with browser(nobody.app) as http:
        headers = {"origin": BASE_URL}
        wrong = await http.post(
            "/apikeytoken", json={"id": key["id"], "secret": "x"}, headers=headers
        )
        assert (wrong.status_code, wrong.json()["code"]) == (401, "WRONG_CREDENTIALS")
        assert "set-cookie" not in wrong.headers

        right = await http.post(
            "/apikeytoken", json={"id": key["id"], "secret": key["secret"]}, headers=headers
        )
        assert right.status_code == 200
        assert "jwt" not in right.text
        found = await http.post("/graphql", json={"query": VIEWER}, headers=headers)
        assert found.json()["data"]["viewer"]["login"] == f"api::{key['id']}"

        foreign = await http.post(
            "/apikeytoken",
            json={"id": key["id"], "secret": key["secret"]},
            headers={"origin": "https://evil.example"},
        )
        assert foreign.status_code == 403
