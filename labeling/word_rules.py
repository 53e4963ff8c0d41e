"""The kinds of rule of a transcription convention that look at words: tags, numbers, spellings, fillers, names."""

import re
from collections.abc import Iterable, Mapping, Sequence

from labeling.rules import Check, Finding, Spans, any_of

BRACKETED = re.compile(r"[\[({<]([^\[\](){}<>]*)[\])}>]")
"""Anything in brackets: a tag, or a remark that a person has to look at."""


def tags(allowed: Iterable[str], variants: Mapping[str, str]) -> Check:
    """Allow only some tags in square brackets, each standing by itself.

    Args:
        allowed: The words inside the brackets.
        variants: From other words to the allowed one that means the same.
    """
    names = {tag: tag for tag in allowed} | dict(variants)
    options = tuple(sorted({f"[{tag}]" for tag in names.values()}))

    def find(text: str) -> Sequence[Finding]:
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

    def find(text: str) -> Sequence[Finding]:
        return [Finding(m.start(), m.end(), " ".join(re.findall(r"\w", m.group()))) for m in dotted.finditer(text)]

    return Check(find)


def false_starts() -> Check:
    """Leave words cut off by a hyphen to a person."""
    cut = re.compile(r"\S*\w-(?!\S)|(?<!\S)-[^\W\d]\S*")

    def find(text: str) -> Sequence[Finding]:
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

    def find(text: str) -> Sequence[Finding]:
        return [Finding(start, end, word) for start, end, word in cores(text)]

    def shield(text: str) -> Spans:
        return [(start, end) for start, end, word in cores(text) if word is None]

    return Check(find, shield, words)


def spelling(words: Mapping[str, str], ask: Mapping[str, tuple[str, ...]]) -> Check:
    """Give each word one spelling.

    Args:
        words: From a spelling to the one that is written; either may be several words.
        ask: From an abbreviation to its readings, between which a person chooses.
    """
    pattern = re.compile(rf"(?<!\S)(?:{any_of({**words, **ask}).pattern})(?!\S)")

    starts = _first_words({**words, **ask})

    def find(text: str) -> Sequence[Finding]:
        if starts.isdisjoint(text.split()):
            return []
        return [
            Finding(m.start(), m.end(), words.get(m.group()), ask.get(m.group(), ())) for m in pattern.finditer(text)
        ]

    return Check(find, forms=words)


def fillers(forms: Sequence[str], write: str, ask: Sequence[str]) -> Check:
    """Write fillers in one way, or leave them out.

    Args:
        forms: Fillers; the last letter may be drawn out ("ummm").
        write: What stands for all of them; nothing to leave them out.
        ask: Words that are a filler or not; a person has to listen.
    """
    filler = "(?:" + "|".join(re.escape(form) + re.escape(form[-1]) + "*" for form in forms) + ")"
    runs = re.compile(rf"\b(?<!\S){filler}(?:\s+{filler})*(?!\S)" if not write else rf"\b(?<!\S){filler}(?!\S)")
    unsure = re.compile(rf"(?<!\S)(?:{any_of(dict.fromkeys(ask, '')).pattern})(?!\S)")

    likely = re.compile(rf"\b(?:{any_of([*forms, *ask]).pattern})")

    def find(text: str) -> Sequence[Finding]:
        if not likely.search(text):
            return []
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


def names(spellings: Mapping[str, str]) -> Check:
    """Keep the spelling of names, whatever the rules that follow say.

    Args:
        spellings: From what the other rules would make of a name to the name's own spelling. A name of one word counts
            only where it is the whole text.
    """
    own = {name: name for name in spellings.values()}
    several = any_of([form for form in {**own, **spellings} if " " in form])
    pattern = re.compile(rf"(?<!\S)(?:{several.pattern})(?!\S)")

    starts = _first_words({**own, **spellings})

    def matches(text: str) -> Iterable[tuple[int, int, str]]:
        if starts.isdisjoint(text.split()):
            return []
        if (whole := text.strip()) in own or whole in spellings:
            start = text.index(whole)
            return [(start, start + len(whole), whole)]
        return [(m.start(), m.end(), m.group()) for m in pattern.finditer(text)]

    def find(text: str) -> Sequence[Finding]:
        return [Finding(start, end, spellings[form]) for start, end, form in matches(text) if form not in own]

    def shield(text: str) -> Spans:
        return [(start, end) for start, end, form in matches(text) if form in own]

    return Check(find, shield, spellings)


def _first_words(forms: Iterable[str]) -> frozenset[str]:
    """Give the words that forms begin with: a text without any of them needs no closer look."""
    return frozenset(form.split()[0] for form in forms if form.strip())
