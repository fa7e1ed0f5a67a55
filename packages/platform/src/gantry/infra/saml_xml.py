"""XML that strangers send, and what of it was signed.

Everything that is believed is read from what `signed` answers: the bytes that the signature covers,
parsed anew. Wherever else in a document an attacker hangs the signed part, nothing reads the rest.
"""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from lxml import etree
from signxml.algorithms import SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

SAML = "{urn:oasis:names:tc:SAML:2.0:assertion}"
SAMLP = "{urn:oasis:names:tc:SAML:2.0:protocol}"
MD = "{urn:oasis:names:tc:SAML:2.0:metadata}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"

METHODS = frozenset(
    method
    for method in SignatureMethod
    if method.name.startswith(("RSA_SHA", "ECDSA_SHA")) and "SHA1" not in method.name
)
"""Signatures with a key pair over SHA-2 or better."""

MAX_DEPTH = 64
"""Elements within elements; the deepest real response has a dozen."""


class BadXml(ValueError):
    """Not a document that is read here, or not signed as it should be; says why."""


class UnknownKey(BadXml):
    """Signed, and by none of the keys that are known."""


def parse(document: bytes) -> etree._Element:
    """A document without a type declaration, comments and processing instructions. Raises BadXml.

    Entities and external things are declared in such a declaration; comments split texts in two,
    so that a reader sees the first half of a name.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise BadXml("it is not XML") from None
    tree = root.getroottree()
    if tree.docinfo.doctype or tree.docinfo.internalDTD is not None:
        raise BadXml("it has a document type declaration")
    ids: set[str] = set()
    for node in tree.iter():
        if not isinstance(node.tag, str):
            raise BadXml("it has a comment or a processing instruction")
        own = node.get("ID")
        if own is not None:
            if own in ids:
                raise BadXml("two of its elements have the same ID")
            ids.add(own)
    if _depth(root) > MAX_DEPTH:
        raise BadXml("it is nested too deeply")
    return root


def signed(element: etree._Element, certificates: Sequence[x509.Certificate]) -> etree._Element:
    """What one of the certificates' keys has signed of the element, which has to be all of it but
    the signature, a child of its own. Raises BadXml.
    """
    if not certificates:
        raise BadXml("the provider's metadata has no certificate for signatures")
    alone = etree.tostring(element, with_tail=False)
    if len(element.findall(f"{DS}Signature")) != 1:
        raise BadXml("it is not signed")
    for certificate in certificates:
        how = SignatureConfiguration(
            location="./",
            # Any number, and then one: so the answer is a list, whatever was sent.
            expect_references=True,
            signature_methods=METHODS,
            # A key stands in metadata because it is the provider's; how long its certificate lasts
            # says nothing there (SAML V2.0 Metadata Interoperability Profile, section 2.6.1).
            verification_time=certificate.not_valid_before_utc,
        )
        try:
            found = XMLVerifier().verify(
                parse(alone), x509_cert=certificate, id_attribute="ID", expect_config=how
            )
        except (SignXMLException, UnsupportedAlgorithm, etree.LxmlError, ValueError, LookupError):
            continue
        covered = [one.signed_xml for one in found] if isinstance(found, list) else []
        if len(covered) != 1 or not _is(covered[0], element):
            raise BadXml("the signature is for another part than the one that carries it")
        return covered[0]
    raise UnknownKey("no key of the provider's metadata has signed it")


def _is(found: etree._Element | None, wanted: etree._Element) -> bool:
    if found is None:
        return False
    return bool(found.tag == wanted.tag and found.get("ID") == wanted.get("ID"))


def text_of(element: etree._Element | None) -> str:
    """The text of an element that has nothing but text. Raises BadXml."""
    if element is None:
        return ""
    if len(element):
        raise BadXml("a text has elements in it")
    return (element.text or "").strip()


def _depth(root: etree._Element) -> int:
    deepest, here = 0, [(root, 1)]
    while here:
        node, depth = here.pop()
        deepest = max(deepest, depth)
        here.extend((child, depth + 1) for child in node)
    return deepest
