"""A transcription convention at work: what is wrong with a text, and the text as it should be. Pure functions."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path

from data.errors import LabelError
from labeling import word_rules
from labeling.rules import Check, Finding, Spans

MAX_PASSES = 8
"""Rounds through all rules after which those that still change a text are taken to undo each other."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: what it says, why, one wrong and one right example, and the line of its file."""

    id: str
    kind: str
    says: str
    reason: str
    wrong: str
    right: str
    line: int
    check: Check = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Convention:
    """Rules in the order in which they are applied."""

    name: str
    version: int
    path: Path
    rules: tuple[Rule, ...]

    @property
    def identifier(self) -> str:
        """Name and version, for example `voice-search-en/1`."""
        return f"{self.name}/{self.version}"

    def shields(self, rule: Rule) -> Iterator[Callable[[str], Spans]]:
        """Give what finds the parts of a text that a rule must leave alone, for the sake of the others."""
        return (other.check.shield for other in self.rules if other.check.shield is not None and other is not rule)


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken by a text.

    `found` are the parts that break it. Where `safe`, there is one way to mend it and `suggestion` is the text after
    that; otherwise a person has to listen, and `suggestion` is what there is to choose from.
    """

    rule: str
    says: str
    found: tuple[str, ...]
    suggestion: str
    safe: bool


@dataclass(frozen=True, slots=True)
class Checked:
    """A text against a convention: every violation, and the text after all the safe fixes."""

    fixed: str
    violations: tuple[Violation, ...]


def check_text(text: str, convention: Convention) -> Checked:
    """Check one transcript.

    Each rule sees the text after the safe fixes of the rules before it, so that nothing is reported twice. They take
    turns until all have seen the same text and none changes it.

    Args:
        text: A transcript.
        convention: The convention.

    Returns:
        The violations and the fixed text; checking that again reports only what needs a person.

    Raises:
        LabelError: Rules of the convention undo each other on this text.
    """
    safe: list[Violation] = []
    doubts: dict[str, Sequence[Finding]] = {}
    quiet, count = 0, len(convention.rules)
    for rule in islice(cycle(convention.rules), MAX_PASSES * count):
        found = rule.check.find(text)
        fixes, doubts[rule.id] = _unshielded(found, text, rule, convention) if found else ((), ())
        if fixes:
            quiet, fixed = 0, rewrite(text, fixes)
            safe.append(Violation(rule.id, rule.says, _parts(text, fixes), fixed, safe=True))
            text = fixed
            continue
        quiet += 1
        if quiet == count:
            unsafe = (_doubt(text, each, doubts[each.id]) for each in convention.rules if doubts[each.id])
            return Checked(text, (*safe, *unsafe))
    if not convention.rules:
        return Checked(text, ())
    undoing = {violation.rule for violation in safe[-count:]}
    one, *others = [each for each in convention.rules if each.id in undoing]
    against = ", ".join(f"{each.id!r} (line {each.line})" for each in others) or "itself"
    raise LabelError(f"{convention.path}:{one.line}: rule {one.id!r} and {against} undo each other; change one of them")


def fix_text(text: str, convention: Convention) -> str:
    """Apply every safe fix to a transcript.

    Args:
        text: A transcript.
        convention: The convention.

    Returns:
        The text with only what needs a person left to mend.
    """
    return check_text(text, convention).fixed


def apply_rule(text: str, rule: Rule, convention: Convention) -> str:
    """Apply the safe fixes of one rule alone.

    Args:
        text: A transcript.
        rule: One of the convention's rules.
        convention: The convention.

    Returns:
        The text after them.
    """
    return rewrite(text, _unshielded(rule.check.find(text), text, rule, convention)[0])


def with_names(convention: Convention, names: Iterable[str]) -> Convention:
    """Let names, such as a catalogue's titles, keep their spelling.

    Args:
        convention: A convention; without a rule of the kind `names` it is returned as it is.
        names: As they are written in the catalogue. Those with digits in them are left to the rule on numbers, because
            they are transcribed as they were spoken.

    Returns:
        The convention, knowing these names as well.
    """
    place = next((place for place, rule in enumerate(convention.rules) if rule.kind == "names"), None)
    if place is None:
        return convention
    rule = convention.rules[place]
    before = replace(convention, rules=convention.rules[:place])
    respellers = replace(convention, rules=tuple(r for r in convention.rules if r.kind in ("accents", "spelling")))
    spellings = dict(rule.check.forms)
    for name in names:
        own = fix_text(name, before)
        respelled = fix_text(own, respellers)
        if respelled != own and all(character.isalpha() or character in " '" for character in own):
            spellings[respelled] = own
    known = replace(rule, check=word_rules.names(spellings))
    return replace(convention, rules=(*convention.rules[:place], known, *convention.rules[place + 1 :]))


def rewrite(text: str, fixes: Sequence[Finding]) -> str:
    """Write what the findings ask for.

    Args:
        text: The text that they were found in.
        fixes: Findings that have something to write, from left to right.

    Returns:
        The new text.
    """
    pieces, end = [], 0
    for fix in fixes:
        pieces += [text[end : fix.start], fix.write or ""]
        end = fix.end
    return "".join((*pieces, text[end:]))


def _unshielded(
    found: Sequence[Finding], text: str, rule: Rule, convention: Convention
) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """Split what a rule finds outside the shields of the others into fixes and doubts."""
    shields = [span for shield in convention.shields(rule) for span in shield(text)]
    if shields:
        found = [f for f in found if not any(start < f.end and f.start < end for start, end in shields)]
    return [f for f in found if f.write is not None], [f for f in found if f.write is None]


def _doubt(text: str, rule: Rule, doubts: Sequence[Finding]) -> Violation:
    choices = dict.fromkeys(option or "(nothing)" for doubt in doubts for option in doubt.options)
    return Violation(rule.id, rule.says, _parts(text, doubts), " or ".join(choices), safe=False)


def _parts(text: str, findings: Sequence[Finding]) -> tuple[str, ...]:
    return tuple(text[finding.start : finding.end].strip() for finding in findings)
