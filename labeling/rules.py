"""What a rule of a transcription convention is, and the kinds of rule that look at characters.

A rule never changes a text; it reports what it finds, and `labeling.convention` decides what to do with that.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Finding:
    """A part of a text that breaks a rule: characters `start` to `end`.

    `write` is the only thing that can stand there, or None where a person has to listen; `options` are then what a
    person may choose from.
    """

    start: int
    end: int
    write: str | None
    options: tuple[str, ...] = ()


Spans: TypeAlias = Iterable[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Check:
    """A rule at work.

    `find` gives what breaks the rule, from left to right and without overlap; `shield` gives the parts that other rules
    leave as they are, because changing them would hide what a person must hear; `forms` maps each written form that the
    rule settles to what it writes.
    """

    find: Callable[[str], Sequence[Finding]]
    shield: Callable[[str], Spans] | None = None
    forms: Mapping[str, str] = field(default_factory=dict)


def characters(replace: Mapping[str, str]) -> Check:
    """Write some characters as others, for example a curly apostrophe as a straight one.

    Args:
        replace: From what is found to what is written.
    """
    pattern = any_of(replace)

    def find(text: str) -> Sequence[Finding]:
        return [Finding(m.start(), m.end(), replace[m.group()]) for m in pattern.finditer(text)]

    return Check(find)


def accents() -> Check:
    """Write letters without their accents."""
    accented = re.compile(r"[^\W\d_][\u0300-\u036f]+|(?=[^\x00-\x7f])[^\W\d_]")

    def find(text: str) -> Sequence[Finding]:
        if text.isascii():
            return []
        found = [(m, _without_accents(m.group())) for m in accented.finditer(text)]
        return [Finding(m.start(), m.end(), bare) for m, bare in found if bare.isascii()]

    return Check(find)


def case() -> Check:
    """Write everything in lower case."""
    word = re.compile(r"[^\s\[\](){}<>]+")

    def find(text: str) -> Sequence[Finding]:
        if text == text.lower():
            return []
        words = [(m, m.group().lower()) for m in word.finditer(text)]
        return [Finding(m.start(), m.end(), lower) for m, lower in words if lower != m.group()]

    return Check(find)


def punctuation(drop: str, space: str) -> Check:
    """Remove punctuation that nobody speaks.

    Args:
        drop: Characters that vanish at the edge of a word; inside one, as in "a.b", they wait for a person.
        space: Characters that part words wherever they stand.
    """
    run = re.compile(rf"\s*[{re.escape(drop + space)}][\s{re.escape(drop + space)}]*|(?<!\w)'+(?!\w)|''+")

    marks = frozenset(drop + space + "'")

    def find(text: str) -> Sequence[Finding]:
        found: list[Finding] = []
        if marks.isdisjoint(text):
            return found
        for m in run.finditer(text):
            before, after = text[m.start() - 1 : m.start()], text[m.end() : m.end() + 1]
            if "''" in m.group():
                found.append(Finding(m.start(), m.end(), "'"))
            elif not before or not after:
                found.append(Finding(m.start(), m.end(), ""))
            elif any(character.isspace() or character in space for character in m.group()):
                found.append(Finding(m.start(), m.end(), " "))
            elif not (before.isalnum() and after.isalnum()):
                found.append(Finding(m.start(), m.end(), ""))
            elif len(m.group()) > 1:
                found.append(Finding(m.start(), m.end(), " "))
        return found

    return Check(find)


def whitespace() -> Check:
    """Write single spaces between words and none around them."""
    odd = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")

    def find(text: str) -> Sequence[Finding]:
        if text.isprintable() and "  " not in text and text == text.strip():
            return []
        return [
            Finding(m.start(), m.end(), "" if m.start() == 0 or m.end() == len(text) else " ")
            for m in odd.finditer(text)
        ]

    return Check(find)


def allowed(characters: str) -> Check:
    """Allow only some characters; whatever else is left waits for a person.

    Args:
        characters: All of them.
    """
    other = re.compile(rf"[^{re.escape(characters)}]+")
    known = frozenset(characters)

    def find(text: str) -> Sequence[Finding]:
        if known.issuperset(text):
            return []
        return [Finding(m.start(), m.end(), None) for m in other.finditer(text)]

    return Check(find)


def words() -> Check:
    """Ask for at least one word or tag."""

    def find(text: str) -> Sequence[Finding]:
        return [] if text.strip() else [Finding(0, len(text), None, ("[noise]", "[unintelligible]"))]

    return Check(find)


def any_of(forms: Iterable[str]) -> re.Pattern[str]:
    """Match any of the forms, the longest first; with none, nothing."""
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _without_accents(letter: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
