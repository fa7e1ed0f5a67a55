"""What a provider would say, and what somebody else would have it say."""

from __future__ import annotations

import base64
import json
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree
from signxml import XMLSigner
from signxml.algorithms import CanonicalizationMethod

from tests.support.identity_providers import SigningKey

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
NAMES = {"saml": SAML, "samlp": SAMLP, "ds": "http://www.w3.org/2000/09/xmldsig#"}
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"

Change = Callable[[etree._Element], object]


def request_id(location: str) -> str:
    """The id of the SAML request that a browser was sent off with."""
    query = dict(parse_qsl(urlsplit(location).query))
    packed = base64.b64decode(query["SAMLRequest"])
    return str(etree.fromstring(zlib.decompress(packed, wbits=-15)).get("ID"))


@dataclass
class Response:
    """A SAML response as a good provider makes it; `build` lets others have their hands in."""

    issuer: str
    installation: str
    answers: str
    name: str = "alice"
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    lasts: timedelta = timedelta(minutes=5)
    id: str = "_assertion"

    def build(self) -> etree._Element:
        """Without signatures."""
        begins, ends = self.now - timedelta(minutes=1), self.now + self.lasts
        acs = f"{self.installation}/saml/acs"
        return etree.fromstring(
            f"""
<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="_response" Version="2.0"
  IssueInstant="{_text(self.now)}" Destination="{acs}" InResponseTo="{self.answers}">
  <saml:Issuer>{self.issuer}</saml:Issuer>
  <samlp:Status><samlp:StatusCode
    Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>
  <saml:Assertion ID="{self.id}" Version="2.0" IssueInstant="{_text(self.now)}">
    <saml:Issuer>{self.issuer}</saml:Issuer>
    <saml:Subject><saml:NameID Format="{PERSISTENT}">{self.name}</saml:NameID>
      <saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">
        <saml:SubjectConfirmationData NotOnOrAfter="{_text(ends)}" Recipient="{acs}"
          InResponseTo="{self.answers}"/></saml:SubjectConfirmation></saml:Subject>
    <saml:Conditions NotBefore="{_text(begins)}" NotOnOrAfter="{_text(ends)}">
      <saml:AudienceRestriction><saml:Audience>{self.installation}/saml/metadata</saml:Audience>
      </saml:AudienceRestriction></saml:Conditions>
    <saml:AuthnStatement AuthnInstant="{_text(self.now)}"><saml:AuthnContext>
      <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password
      </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>
    <saml:AttributeStatement><saml:Attribute Name="Groups">
      <saml:AttributeValue>Platform</saml:AttributeValue></saml:Attribute>
    </saml:AttributeStatement>
  </saml:Assertion>
</samlp:Response>""".strip()
        )

    def signed(self, key: SigningKey, change: Change | None = None) -> etree._Element:
        """With a signed assertion, changed before it was signed."""
        response = self.build()
        if change is not None:
            change(response)
        return sign_assertion(response, key)


def sign_assertion(response: etree._Element, key: SigningKey) -> etree._Element:
    """The same, with a signature in its assertion."""
    assertion = response.find("saml:Assertion", NAMES)
    assert assertion is not None
    alone = etree.fromstring(etree.tostring(assertion))
    response.replace(assertion, sign(alone, key))
    return response


def sign(element: etree._Element, key: SigningKey, **how: Any) -> etree._Element:
    """The element with a signature of it in it."""
    signer = XMLSigner(
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0, **how
    )
    return signer.sign(
        element,
        key=key.key_pem.encode(),
        cert=key.certificate_pem,
        reference_uri=element.get("ID"),
        id_attribute="ID",
    )


def posted(response: etree._Element | bytes) -> dict[str, str]:
    """The form that a browser posts."""
    data = response if isinstance(response, bytes) else etree.tostring(response)
    return {"SAMLResponse": base64.b64encode(data).decode()}


def wrapped(response: etree._Element, how: str) -> etree._Element:
    """A response whose signed assertion says one thing, and what stands where readers look another.

    These are ways by which others were fooled (Somorovsky et al., "On Breaking SAML", 2012).
    """
    good = response.find("saml:Assertion", NAMES)
    assert good is not None
    evil = deepcopy(good)
    evil.find("saml:Subject/saml:NameID", NAMES).text = "mallory"
    signature = evil.find("ds:Signature", NAMES)
    evil.remove(signature)
    if how != "same id":
        evil.set("ID", "_evil")
    place = list(response).index(good)
    if how in ("evil first", "same id"):
        response.insert(place, evil)
    elif how == "evil last":
        response.append(evil)
    elif how == "good within evil":
        response.remove(good)
        evil.append(good)
        response.append(evil)
    elif how == "good within the signature of evil":
        response.remove(good)
        theirs = good.find("ds:Signature", NAMES)
        good.remove(theirs)
        holder = etree.SubElement(theirs, f"{{{NAMES['ds']}}}Object")
        holder.append(good)
        evil.insert(1, theirs)
        response.append(evil)
    elif how == "good in extensions":
        response.remove(good)
        extensions = etree.Element(f"{{{SAMLP}}}Extensions")
        extensions.append(good)
        response.insert(1, extensions)
        response.append(evil)
    else:
        raise ValueError(how)
    return response


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Answers:
    """What a stand-in answers by path, and what it was asked: (method, path, headers, body)."""

    def __init__(self) -> None:
        self.address = ""
        self.by_path: dict[str, Any] = {}
        self.status: dict[str, int] = {}
        """By path, where it is not 200, or 404 for what is not among the answers."""
        self.leads: dict[str, str] = {}
        """By path, where a redirect leads to."""
        self.asked: list[tuple[str, str, Mapping[str, str], str]] = []


@contextmanager
def stand_in() -> Iterator[Answers]:
    """A provider that answers JSON, whatever a test wants it to."""
    there = Answers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            body = self.rfile.read(length).decode()
            there.asked.append((self.command, self.path, dict(self.headers), body))
            found = there.by_path.get(self.path.split("?")[0])
            path = self.path.split("?")[0]
            status = there.status.get(path, 404 if found is None else 200)
            self.send_response(307 if path in there.leads else status)
            if path in there.leads:
                self.send_header("location", there.leads[path])
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps({} if found is None else found).encode())

        do_POST = do_GET

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    there.address = f"http://127.0.0.1:{server.server_port}"
    try:
        yield there
    finally:
        server.shutdown()
        server.server_close()
