"""Finds many words in a lot of bytes, without looking at every byte in Python.

A word of seven bytes or more contains, wherever it stands, one whole group of four bytes that
is aligned in the text. So the text is read as 32-bit numbers, and only the few numbers that
begin one of the words are looked at closely: the loop runs in C, over a quarter of the bytes.
Shorter words are searched for one by one; there are few of them.
"""

from __future__ import annotations

import sys
from collections import defaultdict

GROUP = 4  # bytes; the size of array type "I" on every platform that Linux runs on
ALIGNED = 2 * GROUP - 1  # bytes of a word that are sure to contain an aligned group

Span = tuple[int, int]


class Words:
    """A growing set of words to look for."""

    def __init__(self) -> None:
        self._all: set[bytes] = set()
        self._longest = 0
        self._short: list[bytes] = []
        self._groups: defaultdict[int, list[tuple[int, bytes]]] = defaultdict(list)
        self._heads: defaultdict[bytes, list[bytes]] = defaultdict(list)

    def add(self, word: bytes) -> None:
        """Look for this word, too. It is not empty."""
        if word in self._all:
            return
        self._all.add(word)
        self._longest = max(self._longest, len(word))
        for length in range(1, min(len(word) - 1, GROUP) + 1):
            self._heads[word[:length]].append(word)
        if len(word) < ALIGNED:
            self._short.append(word)
            return
        for offset in range(GROUP):
            group = int.from_bytes(word[offset : offset + GROUP], sys.byteorder)
            self._groups[group].append((offset, word))

    def find(self, text: bytes) -> list[Span]:
        """Where words stand, in any order; they may overlap."""
        found = []
        for word in self._short:
            at = text.find(word)
            while at >= 0:
                found.append((at, at + len(word)))
                at = text.find(word, at + 1)
        if len(text) < ALIGNED:
            return found
        whole = memoryview(text)[: len(text) // GROUP * GROUP].cast("I")
        groups = self._groups
        for index in [index for index, group in enumerate(whole) if group in groups]:
            for offset, word in groups[whole[index]]:
                at = index * GROUP - offset
                if at >= 0 and text.startswith(word, at):
                    found.append((at, at + len(word)))
        return found

    def unfinished(self, text: bytes) -> int:
        """Where the first word begins that the end of the text cuts off, or may cut off."""
        size = len(text)
        for at in range(max(0, size - self._longest + 1), size):
            words = self._heads.get(text[at : at + GROUP])
            if words is None:
                continue
            tail = text[at:]
            if any(len(word) > len(tail) and word.startswith(tail) for word in words):
                return at
        return size
