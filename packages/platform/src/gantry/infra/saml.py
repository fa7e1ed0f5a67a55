"""SAML 2.0, web browser SSO profile: requests by redirect, responses by POST.

What is checked of a response is section 4.1.4.3 of the profiles, all of it on the signed part.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from lxml import etree

from gantry.infra.oidc import groups_of
from gantry.infra.provider_calls import FRESH, NOW, REMEMBERED, Calls
from gantry.infra.saml_metadata import POST, Idp, read_metadata, write_metadata
from gantry.infra.saml_xml import SAML, SAMLP, BadXml, UnknownKey, parse, signed, text_of
from gantry.ports.sign_on import (
    Assertion,
    Claims,
    ProviderUnusable,
    SamlSettings,
    SignOnRefused,
    Unsolicited,
)

LEEWAY = timedelta(seconds=60)
"""By which the provider's clock and ours may differ."""
MAX_RESPONSE = 256 * 1024
"""Bytes of a response: ten times one with a thousand groups' identifiers."""
MAX_LIFE = timedelta(hours=1)
"""How long an assertion is remembered at most, and so accepted; providers give minutes."""

SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"

MAIL = (
    "email",
    "mail",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
    "urn:oid:0.9.2342.19200300.100.1.3",
)
"""Names by which providers tell the e-mail address, where the NameID is none."""


class SamlProvider:
    """The port `Saml`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def begin(self, settings: SamlSettings, *, request_id: str, now: datetime) -> str:
        """See the port."""
        idp = await self._idp(settings, now=now)
        request = _request(settings, idp, request_id, now)
        # Bindings 3.4.4.1: deflated without zlib's head and tail, then base64.
        packer = zlib.compressobj(wbits=-15)
        packed = packer.compress(request) + packer.flush()
        query = urlencode({"SAMLRequest": base64.b64encode(packed), "RelayState": request_id})
        return f"{idp.sign_on}{'&' if '?' in idp.sign_on else '?'}{query}"

    async def check(self, settings: SamlSettings) -> str:
        """See the port."""
        return (await self._idp(settings, at_most=NOW)).entity_id

    def describe(self, *, entity_id: str, acs_url: str) -> bytes:
        """See the port."""
        return write_metadata(entity_id=entity_id, acs_url=acs_url)

    async def finish(self, settings: SamlSettings, response: str, *, now: datetime) -> Assertion:
        """See the port."""
        try:
            document = base64.b64decode("".join(response.split()), validate=True)
        except (binascii.Error, ValueError):
            raise SignOnRefused("the provider's response is not base64") from None
        if len(document) > MAX_RESPONSE:
            raise SignOnRefused("the provider's response is too large")
        idp = await self._idp(settings, now=now)
        try:
            return await asyncio.to_thread(_read, document, idp, settings, now)
        except BadXml as error:
            # Only a new key is a reason to ask for the metadata again.
            if not settings.dynamic or not isinstance(error, UnknownKey):
                raise _refusal(error) from None
        idp = await self._idp(settings, now=now, at_most=FRESH)
        try:
            return await asyncio.to_thread(_read, document, idp, settings, now)
        except BadXml as error:
            raise _refusal(error) from None

    async def _idp(
        self,
        settings: SamlSettings,
        *,
        now: datetime | None = None,
        at_most: float = REMEMBERED,
    ) -> Idp:
        document = settings.metadata
        if settings.dynamic:
            url = self._calls.checked(document, "metadata's address")
            document = await self._calls.known_text(url, url, at_most=at_most)
        try:
            idp = await asyncio.to_thread(read_metadata, document)
        except BadXml as error:
            raise ProviderUnusable(f"The provider's metadata cannot be used: {error}.") from None
        if settings.provider not in (None, idp.entity_id):
            raise ProviderUnusable("The metadata are now another provider's than was set up.")
        if now is not None and idp.until is not None and idp.until < now:
            raise ProviderUnusable("The provider's metadata were valid until a time that is over.")
        self._calls.checked(idp.sign_on, "address for sign-on")
        return idp


def _refusal(error: BadXml) -> SignOnRefused:
    return SignOnRefused(f"the provider's response is not good: {error}")


def _request(settings: SamlSettings, idp: Idp, request_id: str, now: datetime) -> bytes:
    root = etree.Element(
        f"{SAMLP}AuthnRequest",
        nsmap={"samlp": SAMLP.strip("{}"), "saml": SAML.strip("{}")},
        ID=request_id,
        Version="2.0",
        IssueInstant=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        Destination=idp.sign_on,
        AssertionConsumerServiceURL=settings.acs_url,
        ProtocolBinding=POST,
    )
    etree.SubElement(root, f"{SAML}Issuer").text = settings.entity_id
    etree.SubElement(
        root, f"{SAMLP}NameIDPolicy", Format=settings.name_id_format, AllowCreate="true"
    )
    return bytes(etree.tostring(root))


def _read(document: bytes, idp: Idp, settings: SamlSettings, now: datetime) -> Assertion:
    response = parse(document)
    if response.tag != f"{SAMLP}Response":
        raise BadXml("it is not a SAML response")
    _check_outside(response, settings)
    assertion = _signed_assertion(response, idp)
    if text_of(assertion.find(f"{SAML}Issuer")) != idp.entity_id:
        raise BadXml("the assertion is another provider's")
    until = _conditions(assertion, settings, now)
    request_id, confirmed = _confirmation(assertion, settings, now)
    _require_signed_in(assertion, now)
    own = assertion.get("ID")
    if not own:
        raise BadXml("the assertion has no ID")
    until = min(until, confirmed)
    return Assertion(own, request_id, until, _claims(assertion, settings.attributes))


def _check_outside(response: etree._Element, settings: SamlSettings) -> None:
    """What a response says besides its assertion: it may not be signed, and can only refuse."""
    destination = response.get("Destination")
    if destination is not None and destination != settings.acs_url:
        raise BadXml("it is for another address")
    code = response.find(f"{SAMLP}Status/{SAMLP}StatusCode")
    if code is None or code.get("Value") != SUCCESS:
        raise BadXml("the provider did not sign anybody in")
    if response.find(f"{SAML}EncryptedAssertion") is not None:
        raise BadXml("the assertion is encrypted; switch that off at the provider")


def _signed_assertion(response: etree._Element, idp: Idp) -> etree._Element:
    """The one assertion, as signed by itself or with all of the response."""
    found = response.findall(f"{SAML}Assertion")
    if len(found) != 1 or len(list(response.iter(f"{SAML}Assertion"))) != 1:
        raise BadXml("it has not exactly one assertion")
    try:
        return signed(found[0], idp.certificates)
    except BadXml as error:
        try:
            whole = signed(response, idp.certificates)
        except BadXml as other:
            raise (other if isinstance(other, UnknownKey) else error) from None
    within = whole.findall(f"{SAML}Assertion")
    if len(within) != 1:
        raise BadXml("it has not exactly one assertion")
    return within[0]


def _conditions(assertion: etree._Element, settings: SamlSettings, now: datetime) -> datetime:
    """Until when the assertion is good."""
    conditions = assertion.findall(f"{SAML}Conditions")
    if len(conditions) != 1:
        raise BadXml("the assertion does not say for whom it is")
    until = _during(conditions[0], now)
    restrictions = conditions[0].findall(f"{SAML}AudienceRestriction")
    if not restrictions:
        raise BadXml("the assertion does not say for whom it is")
    for restriction in restrictions:
        audiences = [text_of(one) for one in restriction.findall(f"{SAML}Audience")]
        if settings.entity_id not in audiences:
            raise BadXml("the assertion is for another audience")
    return until


def _confirmation(
    assertion: etree._Element, settings: SamlSettings, now: datetime
) -> tuple[str, datetime]:
    """The request that is answered, and until when it may be."""
    reason = "nothing in the assertion lets its bearer in"
    for confirmation in assertion.findall(f"{SAML}Subject/{SAML}SubjectConfirmation"):
        data = confirmation.find(f"{SAML}SubjectConfirmationData")
        if confirmation.get("Method") != BEARER or data is None:
            continue
        if data.get("Recipient") != settings.acs_url:
            reason = "the assertion is for another recipient"
            continue
        if data.get("NotOnOrAfter") is None or data.get("NotBefore") is not None:
            reason = "the assertion does not say until when it is good"
            continue
        until = _during(data, now)
        request_id = data.get("InResponseTo")
        if not request_id:
            raise Unsolicited
        return request_id, until
    raise BadXml(reason)


def _require_signed_in(assertion: etree._Element, now: datetime) -> None:
    statements = assertion.findall(f"{SAML}AuthnStatement")
    if not statements:
        raise BadXml("the assertion does not say that somebody signed in")
    for statement in statements:
        ends = _moment(statement.get("SessionNotOnOrAfter"))
        if ends is not None and ends + LEEWAY <= now:
            raise BadXml("the session at the provider is over")


def _during(element: etree._Element, now: datetime) -> datetime:
    """The end of the element's time, which has to have begun and not to be over."""
    begins, ends = (_moment(element.get(name)) for name in ("NotBefore", "NotOnOrAfter"))
    if begins is not None and begins - LEEWAY > now:
        raise BadXml("the assertion is not valid yet")
    if ends is not None and ends + LEEWAY <= now:
        raise BadXml("the assertion is not valid any more")
    return min(ends or now + MAX_LIFE, now + MAX_LIFE)


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise BadXml("a time in it cannot be read") from None
    # Core 1.3.3: times are in UTC.
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _claims(assertion: etree._Element, names: Mapping[str, str]) -> Claims:
    subject = text_of(assertion.find(f"{SAML}Subject/{SAML}NameID"))
    if not subject:
        raise BadXml("the assertion names nobody")
    said: dict[str, list[str]] = {}
    for attribute in assertion.findall(f"{SAML}AttributeStatement/{SAML}Attribute"):
        theirs = attribute.get("Name", "")
        values = [text_of(value) for value in attribute.findall(f"{SAML}AttributeValue")]
        said.setdefault(names.get(theirs, theirs), []).extend(value for value in values if value)
    mails = [*(value for name in MAIL for value in said.get(name, [])), subject]
    email = next((value for value in mails if "@" in value), "")
    whole = " ".join(said[name][0] for name in ("FirstName", "LastName") if said.get(name))
    return Claims(
        subject=subject,
        username=subject,
        email=email,
        # The provider is the one that an admin chose, and the only one to say so.
        email_verified=bool(email),
        name=whole or subject,
        groups=groups_of(said.get("Teams")),
    )
