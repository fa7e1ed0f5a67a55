"""Who gets in, how, for how long, and who does not."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.support.api_client import PATIENCE, Api
from tests.support.platform import ADMIN, PASSWORD
from tests.support.site import Site

VIEWER = "{ viewer { id login type } }"
KEY_USER = """
mutation ($id: ID!, $secret: String!) {
  apiKeyUser(id: $id, secret: $secret) { jwt validUntil id type }
}
"""

PUBLIC = {"viewer", "debugInfo", "apiKeyUser", "oauthUser", "managedUserRequestInvite"}
"""Root fields for anybody. They give nothing away; a test below looks."""


@pytest.fixture
def browser(site: Site):
    """Somebody at a browser who has not signed in; follows no redirects by itself."""
    with httpx2.Client(base_url=site.server.address, timeout=PATIENCE) as client:
        yield client


def sign_in(browser, password: str = PASSWORD, name: str = ADMIN, **headers: str):
    return browser.post("/session", json={"username": name, "password": password}, headers=headers)


def viewer(browser, **headers: str) -> Any:
    answer = browser.post("/graphql", json={"query": VIEWER}, headers=headers).json()
    return answer["data"]["viewer"]


def test_a_client_that_signs_in_with_json_gets_a_token_for_this_installation_alone(site, browser):
    response = browser.post("/admin-login", json={"username": ADMIN, "password": PASSWORD})

    assert response.status_code == 200
    given = response.json()
    assert given["validUntil"] > time.time()
    assert "set-cookie" not in response.headers
    assert Api(site.server.address, given["jwt"]).ask(VIEWER)["viewer"] == {
        "id": "admin::admin",
        "login": "admin::admin",
        "type": "user",
    }


@pytest.mark.parametrize(
    ("name", "password"),
    [(ADMIN, "wrong"), ("somebody", PASSWORD), (ADMIN, ""), ("", "")],
    ids=["wrong password", "wrong name", "no password", "neither"],
)
def test_a_wrong_name_or_password_gets_nothing(browser, name, password):
    as_json = browser.post("/admin-login", json={"username": name, "password": password})
    at_the_page = sign_in(browser, password, name)

    assert as_json.status_code == at_the_page.status_code == 401
    for answer in (as_json, at_the_page):
        assert answer.json()["message"] == "The user name or the password is wrong."
        assert "set-cookie" not in answer.headers
    assert viewer(browser) is None


def test_a_person_who_signs_in_at_the_page_gets_a_cookie_no_script_can_read(browser):
    assert browser.get("/admin-login").headers["location"] == "/sign-in"

    response = sign_in(browser)

    assert response.status_code == 200
    assert list(response.json()) == ["validUntil"]
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/" in cookie
    own = f"{browser.base_url.scheme}://{browser.base_url.netloc.decode()}"
    assert viewer(browser, origin=own)["id"] == "admin::admin"


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_sites_page_cannot_use_the_cookie(browser, site, headers):
    sign_in(browser)

    asked = {"query": 'mutation { stackLock(id: "nowhere") { id } }'}
    answer = browser.post("/graphql", json=asked, headers=headers).json()
    assert answer["errors"][0]["message"].startswith("unauthorized")
    assert browser.post("/logout", headers=headers).status_code == 401
    setup = browser.post("/setup", json={"name": "theirs"}, headers=headers)
    assert setup.status_code == 401
    # What a plain form of another site can send is not taken for an operation at all.
    form = browser.post("/graphql", content=b'{"query": "{ viewer { id } }"}', headers=headers)
    assert form.json()["data"] is None
    assert site.api.ask("{ name }") == {"name": "tests"}
    own = f"{browser.base_url.scheme}://{browser.base_url.netloc.decode()}"
    assert viewer(browser, origin=own) is not None


def test_another_sites_page_cannot_sign_anybody_in(browser):
    response = sign_in(browser, origin="https://evil.example")

    assert response.status_code == 403
    assert "set-cookie" not in response.headers


def test_signing_out_ends_the_session_and_not_just_the_cookie(browser):
    sign_in(browser)
    cookies = dict(browser.cookies)
    own = f"{browser.base_url.scheme}://{browser.base_url.netloc.decode()}"

    response = browser.post("/logout", headers={"origin": own})

    assert response.status_code == 303
    assert response.headers["location"] == "/sign-in"
    assert not dict(browser.cookies)
    browser.cookies.update(cookies)
    assert viewer(browser, origin=own) is None


def test_logging_out_through_the_api_ends_the_token_and_no_other(site, browser):
    credentials = {"username": ADMIN, "password": PASSWORD}
    first, second = (
        Api(site.server.address, browser.post("/admin-login", json=credentials).json()["jwt"])
        for _ in range(2)
    )

    assert first.ask("mutation { logout { id } }")["logout"]["id"] == "admin::admin"

    assert first.answer("{ stacks { id } }")["errors"][0]["message"].startswith("unauthorized")
    assert second.ask(VIEWER)["viewer"] is not None


@dataclass(frozen=True)
class Key:
    """An API key, made by an operator at the command line."""

    id: str
    secret: str


@pytest.fixture(scope="module")
def keys(site: Site) -> tuple[Key, Key]:
    """One with all rights, and one with none."""

    def make(*options: str) -> Key:
        done = site.platform.run("admin", "api-keys", "create", "robot", *options)
        assert done.returncode == 0, done.stderr
        said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if line)
        return Key(said["id"], said["secret"])

    with ThreadPoolExecutor(2) as hands:
        powerful, plain = hands.submit(make, "--admin"), hands.submit(make)
        return powerful.result(), plain.result()


def test_an_api_key_is_exchanged_for_a_token_that_speaks_for_the_key(site, keys):
    key, _ = keys
    nobody = Api(site.server.address)

    given = nobody.ask(KEY_USER, id=key.id, secret=key.secret)["apiKeyUser"]

    assert given["id"] == key.id
    assert 0 < given["validUntil"] - time.time() <= 3600
    robot = Api(site.server.address, given["jwt"])
    assert robot.ask(VIEWER)["viewer"] == {
        "id": key.id,
        "login": f"api::{key.id}",
        "type": "api_key",
    }
    stack = robot.ask(
        "mutation ($input: StackInput!) { stackCreate(input: $input, manageState: true) { id } }",
        input={
            "name": "made by a robot",
            "administrative": False,
            "branch": "main",
            "repository": "code",
        },
    )["stackCreate"]["id"]
    assert robot.ask("mutation ($id: ID!) { stackDelete(id: $id) { id } }", id=stack)


def test_a_wrong_key_or_secret_gets_nobody(site, keys):
    key, _ = keys
    nobody = Api(site.server.address, source="127.0.0.3")

    for name, secret in (
        (key.id, key.secret[:-1] + "x"),
        (key.id, ""),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", key.secret),
        ("not an id", key.secret),
    ):
        assert nobody.ask(KEY_USER, id=name, secret=secret)["apiKeyUser"] is None


def test_a_key_without_rights_may_look_and_not_touch(site, keys):
    _, key = keys
    given = Api(site.server.address).ask(KEY_USER, id=key.id, secret=key.secret)
    robot = Api(site.server.address, given["apiKeyUser"]["jwt"])
    stack = site.stack('locals { a = "b" }\n')

    assert robot.ask("query ($id: ID!) { stack(id: $id) { id canWrite } }", id=stack) == {
        "stack": {"id": stack, "canWrite": False}
    }
    refusals = [
        robot.expect_error("mutation ($id: ID!) { stackLock(id: $id) { id } }", id=stack),
        robot.expect_error("mutation ($id: ID!) { runTrigger(stack: $id) { id } }", id=stack),
        robot.expect_error("mutation ($id: ID!) { stackDelete(id: $id) { id } }", id=stack),
        robot.expect_error("{ usage { usedSeats } }"),
    ]
    assert {refusal.code for refusal in refusals} == {"NOT_ALLOWED"}
    assert all("unauthorized" in refusal.message for refusal in refusals)
    seen = site.look(stack, "lockedBy deleted runs { id }")
    assert seen == {"lockedBy": None, "deleted": False, "runs": []}
    pools = robot.ask("{ workerPools { id config } }")["workerPools"]
    assert {pool["config"] for pool in pools} == {""}


def test_whoever_guesses_has_to_wait_and_others_do_not(site):
    guesser = Api(site.server.address, source="127.0.0.2").http

    def guess(name: str = ADMIN, password: str = "guess") -> httpx2.Response:
        return guesser.post("/admin-login", json={"username": name, "password": password})

    assert [guess().status_code for _ in range(10)] == [401] * 10

    assert guess().status_code == 429
    right = guess(password=PASSWORD)
    assert right.status_code == 429
    assert right.json()["message"] == "Too many failed sign-ins; wait five minutes and try again."
    elsewhere = {"username": ADMIN, "password": PASSWORD}
    others = httpx2.post(f"{site.server.address}/admin-login", json=elsewhere)
    assert others.status_code == 200


def test_whoever_guesses_a_keys_secret_has_to_wait_too(site, keys):
    key, _ = keys
    guesser = Api(site.server.address, source="127.0.0.5")
    for _ in range(10):
        assert guesser.ask(KEY_USER, id=key.id, secret="guess")["apiKeyUser"] is None

    refusal = guesser.expect_error(KEY_USER, id=key.id, secret=key.secret)

    assert refusal.code == "TOO_MANY_REQUESTS"
    known = Api(site.server.address).ask(KEY_USER, id=key.id, secret=key.secret)
    assert known["apiKeyUser"]["id"] == key.id


INTROSPECTION = """
{ __schema {
    queryType { fields { ...field } } mutationType { fields { ...field } }
    types { kind name enumValues { name } inputFields { ...value } }
} }
fragment field on __Field { name args { ...value } type { ...type } }
fragment value on __InputValue { name defaultValue type { ...type } }
fragment type on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
"""
SCALARS = {
    "ID": '"x"',
    "String": '"x"',
    "Int": "1",
    "Boolean": "true",
    "Float": "1.0",
    "JSON": '"x"',
}


class Schema:
    """What introspection says, enough to write a document for every root field."""

    def __init__(self, told: dict[str, Any]) -> None:
        schema = told["__schema"]
        self.types = {kind["name"]: kind for kind in schema["types"]}
        self.roots = {
            "query": schema["queryType"]["fields"],
            "mutation": schema["mutationType"]["fields"],
        }

    def document(self, root: str, field: dict[str, Any]) -> str:
        """The shortest valid operation that asks for the field."""
        needed = [a for a in field["args"] if a["type"]["kind"] == "NON_NULL"]
        given = ", ".join(f"{a['name']}: {self._value(a['type'])}" for a in needed)
        arguments = f"({given})" if given else ""
        kind = field["type"]
        while kind.get("ofType"):
            kind = kind["ofType"]
        inside = " { __typename }" if kind["kind"] in ("OBJECT", "UNION", "INTERFACE") else ""
        return f"{root} {{ {field['name']}{arguments}{inside} }}"

    def _value(self, kind: dict[str, Any]) -> str:
        if kind["kind"] == "NON_NULL":
            return self._value(kind["ofType"])
        if kind["kind"] == "LIST":
            return "[]"
        if kind["kind"] == "SCALAR":
            return SCALARS[kind["name"]]
        found = self.types[kind["name"]]
        if kind["kind"] == "ENUM":
            return str(found["enumValues"][0]["name"])
        needed = [f for f in found["inputFields"] if f["type"]["kind"] == "NON_NULL"]
        given = ", ".join(f"{f['name']}: {self._value(f['type'])}" for f in needed)
        return f"{{ {given} }}"


def test_nobody_is_refused_by_every_root_field_that_is_not_public(site):
    nobody = Api(site.server.address, source="127.0.0.4")
    schema = Schema(nobody.ask(INTROSPECTION))
    fields = [(root, field) for root in schema.roots for field in schema.roots[root]]
    assert len(fields) > 60

    let_in = []
    for root, field in fields:
        document = schema.document(root, field)
        answer = nobody.answer(document)
        errors = answer.get("errors") or []
        codes = [error["extensions"]["code"] for error in errors]
        assert "BAD_DOCUMENT" not in codes, (document, answer)
        if codes != ["UNAUTHENTICATED"]:
            let_in.append(field["name"])
        else:
            assert errors[0]["message"].startswith("unauthorized"), document
            assert answer["data"] is None or answer["data"] == {field["name"]: None}

    assert set(let_in) == PUBLIC


def nonce_of(answer) -> str:
    """The word that allows the styles of this one answer."""
    return re.findall("nonce-([^']+)", answer.headers["content-security-policy"])[0]


def test_every_answer_of_the_page_allows_its_own_styles_and_no_inline_script(site):
    answers = [httpx2.get(f"{site.server.address}/stacks") for _ in range(2)]

    assert len({nonce_of(answer) for answer in answers}) == 2
    for answer in answers:
        assert f'content="{nonce_of(answer)}"' in answer.text
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "<script>" not in answer.text
        assert answer.headers["cache-control"] == "no-store"
    scripts = re.findall(r'src="(/assets/[^"]+\.js)"', answers[0].text)
    assert scripts
    for path in scripts:
        script = httpx2.get(f"{site.server.address}{path}")
        assert script.headers["content-type"].startswith("text/javascript")
        assert "immutable" in script.headers["cache-control"]
    for path in ("/assets/none.js", "/assets/..%2findex.html"):
        assert httpx2.get(f"{site.server.address}{path}").status_code == 404


def test_what_anybody_may_ask_gives_nothing_away(site):
    nobody = Api(site.server.address, source="127.0.0.4")

    assert nobody.ask("{ viewer { id } debugInfo { selfHostedVersion } }") == {
        "viewer": None,
        "debugInfo": {"selfHostedVersion": ""},
    }
    oauth = nobody.expect_error('mutation { oauthUser(token: "x") { id } }')
    assert oauth.message.startswith("unauthorized")
    for path in ("/events?topic=stack:x", "/logs/x/1", "/plans/x"):
        assert nobody.http.get(path).status_code == 401, path
    pages = {
        re.sub("nonce-[^']+", "", str(answer.headers["content-security-policy"]))
        + answer.text.replace(nonce_of(answer), "")
        for path in ("/", "/stacks", "/stack/x", "/stack/x/run/y", "/account")
        if (answer := nobody.http.get(path)).status_code == 200
    }
    assert len(pages) == 1  # the same for everybody, whatever there is
    for path in ("register", "next", "heartbeat", "goodbye", "runs/x/manifest", "runs/x/report"):
        assert nobody.http.post(f"/worker/v1/{path}", json={}).status_code == 401, path
    assert nobody.http.get("/health").status_code == 200
    assert nobody.http.get("/readiness").status_code == 200
