"""Getting in with the word of an identity provider, and letting the command line in."""

from __future__ import annotations

import base64
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect

from tests.support.api_client import Api
from tests.support.identity_providers import CLIENT_ID, CLIENT_SECRET, identity_providers

GROUP = """
mutation ($input: ManagedUserGroupCreateInput!) { managedUserGroupCreate(input: $input) { id } }
"""
NO_GROUP = "mutation ($id: ID!) { managedUserGroupDelete(id: $id) { id } }"
VIEWER = "{ viewer { login } }"


@pytest.fixture
def providers(site):
    """Identity providers of the installation; one of their groups may enter."""
    with identity_providers(site.server.address) as found:
        given = {"groupName": "Platform", "accessRules": []}
        group = site.api.ask(GROUP, input=given)["managedUserGroupCreate"]["id"]
        yield found
        site.api.ask(NO_GROUP, id=group)
        # Also where the story broke off: other stories sign in at the same page.
        site.platform.change("delete from identity_provider")


def test_an_administrator_sets_up_saml_and_somebody_signs_in_with_it(visit, site, providers):
    admin = visit(site.server.address)
    page = admin.open("/account/sign-on")
    page.get_by_text("SAML 2.0", exact=True).click()
    entity_id = page.get_by_role("textbox", name="Entity id, also called audience")
    expect(entity_id).to_have_value(f"{site.server.address}/saml/metadata")
    page.get_by_label("Address of the metadata").fill(providers.saml_metadata)
    page.get_by_label("Attributes with other names").fill("Groups = Teams")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="SAML 2.0 vouches for people")).to_be_visible()
    page = admin.open("/account/sign-on")
    expect(page.get_by_role("heading", name="SAML 2.0 vouches for people")).to_be_visible()
    assert admin.barriers() == []

    person = visit(site.server.address, signed_in=False)
    page = person.open("/stacks?q=nothing")
    page.get_by_role("link", name="Sign in with single sign-on").click()
    page.get_by_label("Login").fill("alice")
    page.get_by_role("button", name="Go on").click()
    expect(page).to_have_url(re.compile(r"/stacks\?q=nothing$"))
    expect(page.get_by_role("heading", name="Stacks")).to_be_visible()

    page = admin.page
    page.get_by_role("button", name="Delete single sign-on").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete single sign-on").click()
    expect(page.get_by_role("heading", name="Set up single sign-on")).to_be_visible()

    person.open("/stacks")
    expect(person.page).to_have_url(re.compile("/sign-in"))


def test_somebody_who_was_not_invited_is_told_so(visit, site, providers):
    admin = visit(site.server.address)
    page = admin.open("/account/sign-on")
    page.get_by_label("Provider URL").fill(providers.address)
    page.get_by_label("Client id").fill(CLIENT_ID)
    page.get_by_label("Client secret", exact=True).fill(CLIENT_SECRET)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", name="OpenID Connect vouches for people")).to_be_visible()

    person = visit(site.server.address, signed_in=False)
    page = person.open("/sign-in")
    page.get_by_role("link", name="Sign in with single sign-on").click()
    page.get_by_placeholder("Enter any login").fill("bob")
    page.get_by_placeholder("and password").fill("x")
    page.get_by_role("button", name="Sign-in").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("nobody has invited you")
    expect(page.get_by_role("alert")).to_contain_text("NOT_INVITED")

    page.get_by_role("button", name="Sign in as the administrator").click()
    expect(page.get_by_label("User name")).to_be_focused()
    assert person.barriers() == []


@contextmanager
def command_line(endpoint: str):
    """What the command line tool does: yields the address that it prints, and what it got."""
    key, got = rsa.generate_private_key(public_exponent=65537, key_size=2048), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = parse_qs(urlsplit(self.path).query)
            oaep = OAEP(mgf=MGF1(hashes.SHA512()), algorithm=hashes.SHA512(), label=None)
            secret = key.decrypt(_decoded(query["key"][0]), oaep)
            sealed = _decoded(query["token"][0])
            cipher = Cipher(algorithms.AES(secret), modes.CBC(sealed[:16])).decryptor()
            plain = cipher.update(sealed[16:]) + cipher.finalize()
            got.append(plain[: -plain[-1]].decode())
            self.send_response(307)
            self.send_header("location", f"{endpoint}/auth_success")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        text = base64.urlsafe_b64encode(pem.replace(b"PUBLIC KEY", b"RSA PUBLIC KEY"))
        yield f"/cli_login?key={text.decode().rstrip('=')}&port={server.server_port}", got
        server.shutdown()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_command_line_gets_in_when_somebody_says_so_and_not_before(visit, site):
    person = visit(site.server.address, signed_in=False)
    with command_line(site.server.address) as (printed, got):
        page = person.open(printed)
        expect(page).to_have_url(re.compile(r"/sign-in\?next="))
        person.sign_in()
        page = person.open(printed)
        expect(page.get_by_text("admin::admin").first).to_be_visible()
        assert got == []

        page.get_by_role("button", name="Let it in as admin::admin").click()
        expect(
            page.get_by_role("heading", name="The command line tool is signed in")
        ).to_be_visible()

    (token,) = got
    assert Api(site.server.address, token).ask(VIEWER)["viewer"]["login"] == "admin::admin"
