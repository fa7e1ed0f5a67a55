"""Keeps secrets out of a log while it streams past.

The result does not depend on how the stream was cut into pieces: only an end that may still
become a secret is held back until it is clear what it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from gantry_worker import masking_shapes
from gantry_worker.masking_forms import SHORTEST, forms
from gantry_worker.masking_words import Span, Words

MASK = b"*****"
"""Five asterisks, whatever the length of the secret (run contract, section 2.3)."""

DIRECTIVE = b"::add-mask "
LINE_LIMIT = 64 * 1024
"""Bytes of a directive's line; enough for any secret, and the most that waits for its end."""


class Masker:
    """Masks one stream: `secrets`, what the stream itself asks for, and, with `well_known`,
    tokens and keys that can be told by their looks (masking_shapes.py).

    Secrets are also found in base64, URL and JSON notation (masking_forms.py). Where several
    overlap, the whole of them becomes one mask.
    """

    def __init__(self, secrets: Iterable[str], well_known: bool = False) -> None:
        self._words = Words()
        self._well_known = well_known
        self._held = b""  # the end of the stream so far, not given out yet
        self._masked = 0  # bytes at the start of it for which a mask has been given out already
        self._new_line = True  # whether it begins a line
        self._skipping = False  # in the rest of a directive's line that got too long
        self.asked: set[str] = set()
        """What directives of the stream have asked for so far."""
        self.add(*secrets)

    def add(self, *words: str) -> None:
        """Mask these, too, in whatever has not been given out yet.

        Words of fewer than four bytes are not masked: see masking_forms.SHORTEST.
        """
        self._add(words, SHORTEST)

    def ask(self, *words: str) -> None:
        """Mask what a directive has asked for, in this stream or an earlier one of the run."""
        self.asked |= set(words)
        self._add(words, shortest=1)

    def finds(self, data: bytes) -> bool:
        """Whether a secret stands somewhere in the data, in any of its notations."""
        return bool(self._words.find(data))

    def once(self, text: str) -> str:
        """A text apart from the stream, masked with all that the stream has asked for so far."""
        apart = Masker((), self._well_known)
        apart._words = self._words
        return (apart.feed(text.encode("utf-8", "replace")) + apart.flush()).decode(
            "utf-8", "replace"
        )

    def feed(self, data: bytes) -> bytes:
        """Take the next bytes of the stream; give out, masked, what is certain by now."""
        return self._advance(data, complete=False)

    def flush(self) -> bytes:
        """Give out the rest: the stream has ended."""
        return self._advance(b"", complete=True)

    def _add(self, words: Iterable[str], shortest: int) -> None:
        for word in words:
            for form in forms(word, shortest=shortest):
                self._words.add(form)

    def _advance(self, data: bytes, *, complete: bool) -> bytes:
        text = self._held + data
        given = bytearray()
        while text:
            if self._skipping:
                text = self._skip(text)
                continue
            at = self._directive(text)
            if at is None:
                given += self._mask(text, self._undecided(text, complete), complete)
                return bytes(given)
            given += self._mask(text[:at], at, complete=True)
            line, ended, rest = text[at : at + LINE_LIMIT].partition(b"\n")
            if not ended and len(line) < LINE_LIMIT and not complete:
                self._held, self._masked, self._new_line = line, 0, True
                return bytes(given)
            given += self._obey(line) + ended
            self._skipping = not ended
            text = rest + text[at + LINE_LIMIT :]
            self._held, self._masked, self._new_line = b"", 0, True
        self._held = b""
        return bytes(given)

    def _directive(self, text: bytes) -> int | None:
        """Where the first line begins that asks for something to be masked."""
        if self._new_line and text.startswith(DIRECTIVE):
            return 0
        at = text.find(b"\n" + DIRECTIVE)
        return at + 1 if at >= 0 else None

    def _undecided(self, text: bytes, complete: bool) -> int:
        """From where on the text may still become such a line."""
        if complete:
            return len(text)
        start = text.rfind(b"\n") + 1
        begins_line = start > 0 or self._new_line
        return start if begins_line and DIRECTIVE.startswith(text[start:]) else len(text)

    def _obey(self, line: bytes) -> bytes:
        """Mask the words of a directive from now on; the line as it may be shown.

        Whoever names a word wants it masked, however short it is.
        """
        words = line[len(DIRECTIVE) :].split()
        self.ask(*(word.decode("utf-8", "surrogateescape") for word in words))
        return DIRECTIVE + b" ".join([MASK] * len(words))

    def _skip(self, text: bytes) -> bytes:
        _, ended, rest = text.partition(b"\n")
        self._skipping = not ended
        return ended + rest

    def _mask(self, text: bytes, undecided: int, complete: bool) -> bytes:
        """Give out `text` as far as it is certain, at most to `undecided`, and hold the rest."""
        found = self._words.find(text)
        unfinished = len(text) if complete else self._words.unfinished(text)
        if self._well_known:
            shapes, cut_off = masking_shapes.find(text, complete=complete)
            found += shapes
            unfinished = min(unfinished, cut_off)
        # No secret reaches into a directive, so what crosses its beginning has to wait as well.
        crossing = [start for start, end in found if start < undecided < end]
        undecided = min(undecided, unfinished, *crossing)
        if undecided == 0:
            self._held = text
            return b""
        given = bytearray()
        done = 0
        for start, end in _united(found, self._masked):
            if start >= undecided:
                break
            given += text[done:start]
            if start > 0 or not self._masked:
                given += MASK
            done = end
        given += text[done:undecided]
        self._new_line = text[undecided - 1 : undecided] == b"\n"
        self._held, self._masked = text[undecided:], max(0, done - undecided)
        return bytes(given)


def _united(spans: list[Span], masked: int) -> list[Span]:
    """The spans in order, overlapping ones as one; the first `masked` bytes are one of them."""
    if masked:
        spans = [*spans, (0, masked)]
    united: list[Span] = []
    for start, end in sorted(spans):
        if united and start < united[-1][1]:
            united[-1] = (united[-1][0], max(united[-1][1], end))
        else:
            united.append((start, end))
    return united
