"""The shapes in which a secret may turn up in a log: as it is, encoded, or line by line."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

SHORTEST = 4
"""Bytes. Three characters and less turn up in any text by chance: masking them would shred the
log, and show by its gaps what they are."""

LONGEST = 4096
"""Bytes of one word to look for. A longer secret is looked for in pieces of this size, so that
no more than this is ever held back."""

ENCODED_UP_TO = 16 * 1024
"""Bytes. Larger values are documents (mounted files may have 2 MB); each line is looked for, but
encoding all of it many times over would only cost memory."""

BASE64_LINES = (64, 76)  # where openssl and PEM, and where base64(1) and MIME, break lines


def forms(secret: str, *, shortest: int = SHORTEST) -> set[bytes]:
    """Everything to mask for one secret, each at most LONGEST bytes.

    Every line of a secret counts as a secret, because tools indent and prefix lines. Blank
    values, bare asterisks and what is shorter than `shortest` give nothing.
    """
    found: set[bytes] = set()
    for text in {secret, *(line.strip() for line in secret.splitlines())}:
        plain = text.encode("utf-8", "surrogateescape")
        if len(plain) < shortest or not text.strip(" \t\r\n*"):
            continue
        found.add(plain)
        if len(plain) <= ENCODED_UP_TO:
            encodings = (*_base64(plain), *_url(plain), *_json(text))
            found.update(form for form in encodings if len(form) >= SHORTEST)
    return {piece for form in found for piece in _pieces(form)}


def _base64(plain: bytes) -> Iterator[bytes]:
    """Whole, broken into lines, and as it looks inside something larger.

    Inside, three alignments are possible. A character at either end may mix bits of a
    neighbour; it is different every time and stays, with less than a byte of the secret.
    """
    whole = base64.b64encode(plain)
    standard = {whole, whole.rstrip(b"=")}
    for width in BASE64_LINES:
        if len(whole) > width:
            lines = [whole[at : at + width] for at in range(0, len(whole), width)]
            # A short last line would be found everywhere; it holds next to nothing.
            standard.update(line for line in lines if len(line) >= 2 * SHORTEST)
    for before, mixed in ((0, 0), (1, 2), (2, 3)):  # bytes in front, characters they reach into
        encoded = base64.b64encode(b"\0" * before + plain)
        standard.add(encoded[mixed : (before + len(plain)) * 8 // 6])
    for form in standard:
        yield form
        yield form.translate(bytes.maketrans(b"+/", b"-_"))


def _url(plain: bytes) -> Iterator[bytes]:
    yield quote(plain, safe="").encode()
    yield quote(plain).encode()
    yield quote_plus(plain).encode()


def _json(text: str) -> Iterator[bytes]:
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        # Go, and so terraform, also escapes what could end a script element.
        for_html = escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
        yield escaped.encode("utf-8", "surrogateescape")
        yield for_html.encode("utf-8", "surrogateescape")


def _pieces(form: bytes) -> Iterator[bytes]:
    """The form itself, or consecutive parts that together cover it."""
    if len(form) <= LONGEST:
        yield form
        return
    for at in range(0, len(form), LONGEST):
        # The last part reaches back, so that it is as telling as the others.
        yield form[min(at, len(form) - LONGEST) :][:LONGEST]
