"""Which versions of a tool a stack's setting allows: the same to whoever asks, server or worker.

The syntax is what people already write for Terraform: `1.5.7`, `>= 1.5, < 2`, `~> 1.5.0`, with
two things borrowed from other range languages: `1.5.x`, and `||` between alternatives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

MAX_CONSTRAINT = 256
"""Characters in a constraint: far more than anyone writes, few enough to quote in a message."""

MAX_VERSION = 64
"""Characters in a version; keeps the conversion of its numbers cheap."""

_PRERELEASE = r"(?:-(?P<pre>[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?"
_BUILD = r"(?:\+[0-9A-Za-z.-]+)?"
_VERSION = re.compile(rf"v?(?P<numbers>[0-9]+(?:\.[0-9]+){{0,2}}){_PRERELEASE}{_BUILD}")
_WILD = re.compile(r"v?(?:(?P<numbers>[0-9]+(?:\.[0-9]+)?)\.)?[xX*](?:\.[xX*])*")
_TERM = re.compile(r"(?P<operator>~>|>=|<=|!=|==?|>|<)?\s*(?P<version>[0-9A-Za-z.*+-]+)")

Numbers = tuple[int, int, int]
_Rank = tuple[Numbers, tuple[int, tuple[tuple[int, int, str], ...]]]


class BadConstraint(ValueError):
    """A constraint that cannot be read; the message quotes it and says why."""

    def __init__(self, constraint: str, why: str) -> None:
        super().__init__(f"{constraint[:MAX_CONSTRAINT]!r} is not a version constraint: {why}.")


@dataclass(frozen=True, slots=True)
class Version:
    """A version as Semantic Versioning 2.0.0 orders them; build metadata is not compared."""

    numbers: Numbers
    prerelease: str = ""

    @property
    def rank(self) -> _Rank:
        """Sorts as the versions do: a release after its prereleases, numbers before words."""
        if not self.prerelease:
            return self.numbers, (1, ())
        parts = self.prerelease.split(".")
        words = tuple((0, int(p), "") if _decimal(p) else (1, 0, p) for p in parts)
        return self.numbers, (0, words)


@dataclass(frozen=True, slots=True)
class _Term:
    """From `low` (included) to `high` (not included); `outside` turns it round."""

    low: _Rank | None = None
    high: _Rank | None = None
    outside: bool = False
    exactly: Version | None = None

    def admits(self, version: Version) -> bool:
        rank = version.rank
        if self.exactly is not None:
            inside = rank == self.exactly.rank
        else:
            inside = (self.low is None or rank >= self.low) and (
                self.high is None or rank < self.high
            )
        return inside != self.outside


def parse(text: str) -> Version | None:
    """The version that `text` spells, missing numbers counting as zero; None if it spells none."""
    if len(text) > MAX_VERSION:
        return None
    match = _VERSION.fullmatch(text)
    if match is None:
        return None
    return Version(_three(match["numbers"]), match["pre"] or "")


def satisfies(version: str, constraint: str) -> bool:
    """Whether `version` is allowed by `constraint`.

    Terms separated by commas or spaces must all hold; `||` separates alternatives. Terms:
    `1.5.7` and `= 1.5.7` (that one), `!=`, `>`, `>=`, `<`, `<=`, `~> 1.5.0` (only the last number
    may grow; `~> 1` has no upper end), `1.5.x` (any of 1.5; works with every operator but `~>`).
    Missing numbers are zeros, so `1.5` means 1.5.0. A prerelease is allowed only by an alternative
    that names it exactly. A text that is no version satisfies nothing.

    Raises BadConstraint. Source: HashiCorp's version constraint syntax; Semantic Versioning 2.0.0.
    """
    alternatives = _alternatives(constraint)
    parsed = parse(version)
    return parsed is not None and _admitted(parsed, alternatives)


def best(versions: Iterable[str], constraint: str | None) -> str | None:
    """The newest of `versions` that `constraint` allows, spelled as given; None when none is.

    Without a constraint, the newest release. Raises BadConstraint.
    """
    alternatives = [[_Term()]] if constraint is None else _alternatives(constraint)
    allowed = [
        (version.rank, text)
        for text in versions
        if (version := parse(text)) is not None and _admitted(version, alternatives)
    ]
    return max(allowed, key=lambda pair: pair[0])[1] if allowed else None


def pinned(constraint: str | None) -> str | None:
    """The one version a constraint names, as mirrors spell it (`1.5.7`); None when it is a range.

    Raises BadConstraint.
    """
    alternatives = [] if constraint is None else _alternatives(constraint)
    if len(alternatives) != 1 or len(alternatives[0]) != 1:
        return None
    only = alternatives[0][0]
    if only.exactly is None or only.outside:
        return None
    spelled = ".".join(map(str, only.exactly.numbers))
    return f"{spelled}-{only.exactly.prerelease}" if only.exactly.prerelease else spelled


def possible(constraint: str) -> bool:
    """Whether there can be a version that `constraint` allows: `>= 2, < 1` allows none.

    Raises BadConstraint.
    """
    alternatives = _alternatives(constraint)
    return any(
        _admitted(version, alternatives) for terms in alternatives for version in _lowest(terms)
    )


def _lowest(terms: list[_Term]) -> Iterable[Version]:
    """Versions among which is the lowest that all terms admit, if they admit any.

    It stands where a term begins or ceases, or after versions that were taken out one by one.
    """
    yield from (term.exactly for term in terms if term.exactly is not None)
    ends = (end for term in terms for end in (term.low, term.high) if end is not None)
    taken = {term.exactly for term in terms if term.outside}
    for numbers in {(0, 0, 0), *map(_first_from, ends)}:
        version = Version(numbers)
        while version in taken:
            version = _next(version.numbers)
        yield version


def _first_from(end: _Rank) -> Numbers:
    """The first release that is not before a rank."""
    release = Version(end[0])
    return (release if release.rank >= end else _next(release.numbers)).numbers


def _next(numbers: Numbers) -> Version:
    return Version((numbers[0], numbers[1], numbers[2] + 1))


def _admitted(version: Version, alternatives: list[list[_Term]]) -> bool:
    return any(
        all(term.admits(version) for term in terms)
        and (not version.prerelease or any(_names(term, version) for term in terms))
        for terms in alternatives
    )


def _names(term: _Term, version: Version) -> bool:
    return term.exactly == version and not term.outside


def _alternatives(constraint: str) -> list[list[_Term]]:
    if len(constraint) > MAX_CONSTRAINT:
        raise BadConstraint(constraint, f"it is longer than {MAX_CONSTRAINT} characters")
    return [_terms(part, constraint) for part in constraint.split("||")]


def _terms(text: str, whole: str) -> list[_Term]:
    terms: list[_Term] = []
    for part in text.split(","):
        rest = part.strip()
        if not rest:
            raise BadConstraint(whole, "a version is missing")
        while rest:
            match = _TERM.match(rest)
            if match is None:
                raise BadConstraint(whole, f"{rest!r} does not begin with a version")
            terms.append(_term(match["operator"] or "=", match["version"], whole))
            rest = rest[match.end() :]
            if rest and not rest[0].isspace() and rest[0] not in "~<>=!":
                raise BadConstraint(whole, f"{rest!r} is not understood")
            rest = rest.lstrip()
    return terms


def _term(operator: str, text: str, whole: str) -> _Term:
    wild = _WILD.fullmatch(text) if len(text) <= MAX_VERSION else None
    if wild is not None:
        return _wild_term(operator, wild["numbers"] or "", whole)
    version = parse(text)
    if version is None:
        raise BadConstraint(whole, f"{text!r} is not a version")
    rank = version.rank
    just_above = (rank[0], (rank[1][0], (*rank[1][1], (0, -1, ""))))  # nothing lies between
    if operator == "~>":
        return _Term(low=rank, high=_pessimistic_end(text, version))
    return {
        "=": _Term(exactly=version),
        "==": _Term(exactly=version),
        "!=": _Term(exactly=version, outside=True),
        ">": _Term(low=just_above),
        ">=": _Term(low=rank),
        "<": _Term(high=rank),
        "<=": _Term(high=just_above),
    }[operator]


def _pessimistic_end(text: str, version: Version) -> _Rank | None:
    match = _VERSION.fullmatch(text)
    given = match["numbers"].count(".") + 1 if match else 1
    major, minor, _ = version.numbers
    if given == 1:
        return None  # the only number given is the last one, and it may grow
    return _start_of((major, minor + 1, 0) if given == 3 else (major + 1, 0, 0))


def _wild_term(operator: str, numbers: str, whole: str) -> _Term:
    if operator == "~>":
        raise BadConstraint(whole, "`~>` and a wildcard say the same thing twice")
    if not numbers:
        if operator in ("=", "==", ">="):
            return _Term()
        raise BadConstraint(whole, f"`{operator}` needs a number")
    major, minor, _ = _three(numbers)
    low = _start_of((major, minor, 0))
    high = _start_of((major, minor + 1, 0) if "." in numbers else (major + 1, 0, 0))
    return {
        "=": _Term(low=low, high=high),
        "==": _Term(low=low, high=high),
        "!=": _Term(low=low, high=high, outside=True),
        ">": _Term(low=high),
        ">=": _Term(low=low),
        "<": _Term(high=low),
        "<=": _Term(high=high),
    }[operator]


def _start_of(numbers: Numbers) -> _Rank:
    """Before every prerelease of `numbers`, which belong to what they precede."""
    return numbers, (0, ())


def _three(numbers: str) -> Numbers:
    major, minor, patch = (*(int(n) for n in numbers.split(".")), 0, 0, 0)[:3]
    return major, minor, patch


def _decimal(text: str) -> bool:
    return text.isascii() and text.isdigit()
