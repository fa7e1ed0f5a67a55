"""Metadata of SAML: reading a provider's, and writing ours."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from lxml import etree

from gantry.infra.saml_xml import DS, MD, BadXml, parse, text_of

SAML2 = "urn:oasis:names:tc:SAML:2.0:protocol"
REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@dataclass(frozen=True, slots=True)
class Idp:
    """What a provider's metadata say of it."""

    entity_id: str
    sign_on: str
    """Where browsers are sent with a request, by redirect."""
    certificates: Sequence[x509.Certificate]
    until: datetime | None


def read_metadata(document: str) -> Idp:
    """The one identity provider that the metadata describe. Raises BadXml."""
    root = parse(document.strip().encode())
    entities = [root] if root.tag == f"{MD}EntityDescriptor" else list(root.iter(_ENTITY))
    found = [(one, role) for one in entities for role in one.findall(f"{MD}IDPSSODescriptor")]
    found = [(one, role) for one, role in found if SAML2 in _words(role)]
    if len(found) != 1:
        raise BadXml("it has to describe one SAML 2.0 identity provider, and no other")
    entity, role = found[0]
    sign_on = [
        service.get("Location", "")
        for service in role.findall(f"{MD}SingleSignOnService")
        if service.get("Binding") == REDIRECT
    ]
    if not sign_on or not entity.get("entityID"):
        raise BadXml("it has no address for sign-on by redirect (HTTP-Redirect)")
    return Idp(
        entity_id=entity.get("entityID", ""),
        sign_on=sign_on[0],
        certificates=_certificates(role),
        until=_moment(entity.get("validUntil") or root.get("validUntil")),
    )


def write_metadata(*, entity_id: str, acs_url: str) -> bytes:
    """What a provider has to know of this installation."""
    namespace = MD.strip("{}")
    root = etree.Element(f"{MD}EntityDescriptor", nsmap={"md": namespace}, entityID=entity_id)
    role = etree.SubElement(
        root,
        f"{MD}SPSSODescriptor",
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=SAML2,
    )
    etree.SubElement(
        role,
        f"{MD}AssertionConsumerService",
        Binding=POST,
        Location=acs_url,
        index="0",
        isDefault="true",
    )
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _words(role: etree._Element) -> list[str]:
    return (role.get("protocolSupportEnumeration") or "").split()


def _certificates(role: etree._Element) -> list[x509.Certificate]:
    found = []
    for key in role.findall(f"{MD}KeyDescriptor"):
        if key.get("use", "signing") != "signing":
            continue
        for listed in key.iter(f"{DS}X509Certificate"):
            try:
                der = base64.b64decode("".join(text_of(listed).split()), validate=True)
                found.append(x509.load_der_x509_certificate(der))
            except ValueError:
                raise BadXml("a certificate in it cannot be read") from None
    if not found:
        raise BadXml("it has no certificate for signatures")
    return found


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadXml("its validUntil is not a time") from None
    if found.tzinfo is None:
        raise BadXml("its validUntil is not a time")
    return found


_ENTITY = f"{MD}EntityDescriptor"
