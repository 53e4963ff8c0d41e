"""The kinds of rule that a transcription convention can hold: what each one finds, and what it would write instead.

A rule never changes a text; it reports findings. `labeling.convention` decides what to do with them.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

BRACKETED = re.compile(r"[\[({<]([^\[\](){}<>]*)[\])}>]")
"""Anything in brackets: a tag, or a remark that a person has to look at."""


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

    find: Callable[[str], Iterable[Finding]]
    shield: Callable[[str], Spans] | None = None
    forms: Mapping[str, str] = field(default_factory=dict)


def characters(replace: Mapping[str, str]) -> Check:
    """Write some characters as others, for example a curly apostrophe as a straight one.

    Args:
        replace: From what is found to what is written.
    """
    pattern = _any_of(replace)

    def find(text: str) -> Iterable[Finding]:
        return [Finding(m.start(), m.end(), replace[m.group()]) for m in pattern.finditer(text)]

    return Check(find)


def accents() -> Check:
    """Write letters without their accents."""
    accented = re.compile(r"[^\W\d_][\u0300-\u036f]+|(?=[^\x00-\x7f])[^\W\d_]")

    def find(text: str) -> Iterable[Finding]:
        if text.isascii():
            return []
        found = [(m, _without_accents(m.group())) for m in accented.finditer(text)]
        return [Finding(m.start(), m.end(), bare) for m, bare in found if bare.isascii()]

    return Check(find)


def case() -> Check:
    """Write everything in lower case."""
    word = re.compile(r"[^\s\[\](){}<>]+")

    def find(text: str) -> Iterable[Finding]:
        if text == text.lower():
            return []
        words = [(m, m.group().lower()) for m in word.finditer(text)]
        return [Finding(m.start(), m.end(), lower) for m, lower in words if lower != m.group()]

    return Check(find)


def tags(allowed: Iterable[str], variants: Mapping[str, str]) -> Check:
    """Allow only some tags in square brackets, each standing by itself.

    Args:
        allowed: The words inside the brackets.
        variants: From other words to the allowed one that means the same.
    """
    names = {tag: tag for tag in allowed} | dict(variants)
    options = tuple(sorted({f"[{tag}]" for tag in names.values()}))

    def find(text: str) -> Iterable[Finding]:
        found = []
        for m in BRACKETED.finditer(text):
            tag = names.get(m.group(1).strip().lower())
            if tag is None:
                found.append(Finding(m.start(), m.end(), None, options))
                continue
            before = "" if m.start() == 0 or text[m.start() - 1].isspace() else " "
            after = "" if m.end() == len(text) or not text[m.end()].isalnum() else " "
            if (written := f"{before}[{tag}]{after}") != m.group():
                found.append(Finding(m.start(), m.end(), written))
        return found

    def shield(text: str) -> Spans:
        return [m.span() for m in BRACKETED.finditer(text)]

    return Check(find, shield, {f"[{variant}]": f"[{tag}]" for variant, tag in variants.items()})


def initials() -> Check:
    """Write letters spoken one by one, such as "a.m.", apart and without dots."""
    dotted = re.compile(r"(?<!\w)(?:[^\W\d_]\.)+[^\W\d_](?!\w)\.?")

    def find(text: str) -> Iterable[Finding]:
        return [Finding(m.start(), m.end(), " ".join(re.findall(r"\w", m.group()))) for m in dotted.finditer(text)]

    return Check(find)


def false_starts() -> Check:
    """Leave words cut off by a hyphen to a person."""
    cut = re.compile(r"\S*\w-(?!\S)|(?<!\S)-[^\W\d]\S*")

    def find(text: str) -> Iterable[Finding]:
        return [Finding(start, end, None, ("", text[start:end].strip("-"))) for start, end in shield(text)]

    def shield(text: str) -> Spans:
        return [m.span() for m in cut.finditer(text)] if "-" in text else []

    return Check(find, shield)


def numbers(words: Mapping[str, str]) -> Check:
    """Write numbers in words as they were spoken.

    Args:
        words: The numerals that can be read in one way only, and how; all others wait for a person.
    """
    digit = re.compile(r"\d")
    token = re.compile(r"""(?<!\S)["'“”]*(?P<core>\S*\d\S*?)[.,;:!?"'“”…]*(?!\S)""")

    def cores(text: str) -> Iterable[tuple[int, int, str | None]]:
        if not digit.search(text):
            return []
        return [(*m.span("core"), words.get(m.group("core"))) for m in token.finditer(text)]

    def find(text: str) -> Iterable[Finding]:
        return [Finding(start, end, word) for start, end, word in cores(text)]

    def shield(text: str) -> Spans:
        return [(start, end) for start, end, word in cores(text) if word is None]

    return Check(find, shield, words)


def punctuation(drop: str, space: str) -> Check:
    """Remove punctuation that nobody speaks.

    Args:
        drop: Characters that vanish at the edge of a word; inside one, as in "a.b", they wait for a person.
        space: Characters that part words wherever they stand.
    """
    run = re.compile(rf"\s*[{re.escape(drop + space)}][\s{re.escape(drop + space)}]*|(?<!\w)'+(?!\w)|''+")

    def find(text: str) -> Iterable[Finding]:
        found = []
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


def spelling(words: Mapping[str, str], ask: Mapping[str, tuple[str, ...]]) -> Check:
    """Give each word one spelling.

    Args:
        words: From a spelling to the one that is written; either may be several words.
        ask: From an abbreviation to its readings, between which a person chooses.
    """
    pattern = re.compile(rf"(?<!\S)(?:{_any_of({**words, **ask}).pattern})(?!\S)")

    def find(text: str) -> Iterable[Finding]:
        return [
            Finding(m.start(), m.end(), words.get(m.group()), ask.get(m.group(), ())) for m in pattern.finditer(text)
        ]

    return Check(find, forms=words)


def fillers(forms: Iterable[str], write: str, ask: Iterable[str]) -> Check:
    """Write fillers in one way, or leave them out.

    Args:
        forms: Fillers; the last letter may be drawn out ("ummm").
        write: What stands for all of them; nothing to leave them out.
        ask: Words that are a filler or not; a person has to listen.
    """
    filler = "(?:" + "|".join(re.escape(form) + re.escape(form[-1]) + "*" for form in forms) + ")"
    runs = re.compile(rf"\b(?<!\S){filler}(?:\s+{filler})*(?!\S)" if not write else rf"\b(?<!\S){filler}(?!\S)")
    unsure = re.compile(rf"(?<!\S)(?:{_any_of(dict.fromkeys(ask, '')).pattern})(?!\S)")

    def find(text: str) -> Iterable[Finding]:
        found = [Finding(m.start(), m.end(), None, ("", m.group())) for m in unsure.finditer(text)]
        for m in runs.finditer(text):
            if write:
                found += [Finding(m.start(), m.end(), write)] if m.group() != write else []
            elif not (text[: m.start()] + text[m.end() :]).strip():
                # Nothing would be left, and whether the clip is worth keeping is not for a program to say.
                found.append(Finding(m.start(), m.end(), None, ("[unintelligible]", "[noise]")))
            else:
                following = len(text[m.end() :]) - len(text[m.end() :].lstrip())
                preceding = 0 if following else len(text[: m.start()]) - len(text[: m.start()].rstrip())
                found.append(Finding(m.start() - preceding, m.end() + following, ""))
        return sorted(found, key=lambda finding: finding.start)

    return Check(find, forms={form: write for form in forms if form != write})


def whitespace() -> Check:
    """Write single spaces between words and none around them."""
    odd = re.compile(r"^\s+|\s+$|\s{2,}|[^\S ]")

    def find(text: str) -> Iterable[Finding]:
        return [
            Finding(m.start(), m.end(), "" if m.start() == 0 or m.end() == len(text) else " ")
            for m in odd.finditer(text)
        ]

    return Check(find)


def names(spellings: Mapping[str, str]) -> Check:
    """Keep the spelling of names, whatever the rules that follow say.

    Args:
        spellings: From what the other rules would make of a name to the name's own spelling. A name of one word counts
            only where it is the whole text.
    """
    own = {name: name for name in spellings.values()}
    several = _any_of([form for form in {**own, **spellings} if " " in form])
    pattern = re.compile(rf"(?<!\S)(?:{several.pattern})(?!\S)")

    def matches(text: str) -> Iterable[tuple[int, int, str]]:
        if (whole := text.strip()) in own or whole in spellings:
            start = text.index(whole)
            return [(start, start + len(whole), whole)]
        return [(m.start(), m.end(), m.group()) for m in pattern.finditer(text)]

    def find(text: str) -> Iterable[Finding]:
        return [Finding(start, end, spellings[form]) for start, end, form in matches(text) if form not in own]

    def shield(text: str) -> Spans:
        return [(start, end) for start, end, form in matches(text) if form in own]

    return Check(find, shield, spellings)


def allowed(characters: str) -> Check:
    """Allow only some characters; whatever else is left waits for a person.

    Args:
        characters: All of them.
    """
    other = re.compile(rf"[^{re.escape(characters)}]+")

    def find(text: str) -> Iterable[Finding]:
        return [Finding(m.start(), m.end(), None) for m in other.finditer(text)]

    return Check(find)


def words() -> Check:
    """Ask for at least one word or tag."""

    def find(text: str) -> Iterable[Finding]:
        return [] if text.strip() else [Finding(0, len(text), None, ("[noise]", "[unintelligible]"))]

    return Check(find)


def _any_of(forms: Iterable[str]) -> re.Pattern[str]:
    """Match any of the forms, the longest first; with none, nothing."""
    longest_first = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile("|".join(map(re.escape, longest_first)) or r"(?!)")


def _without_accents(letter: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(c))
