"""The census of what people write differently, and the rule of the convention that would settle each difference."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from labeling.alignment import align
from labeling.convention import Convention, apply_rule


@dataclass(frozen=True, slots=True)
class Variant:
    """Two ways to write the same stretch of speech; either may be nothing.

    `count` is how many pairs of transcriptions differ so; `rule` is the rule that makes them one, None where only
    listening helps; `example` is a text with the first form in its place.
    """

    first: str
    second: str
    count: int
    rule: str | None
    example: str


def census(pairs: Iterable[tuple[str, str]], convention: Convention) -> tuple[Variant, ...]:
    """Count the differences between pairs of transcriptions.

    Args:
        pairs: Two texts of the same clip each.
        convention: Whose rules are tried.

    Returns:
        The variants, the most frequent first.
    """
    counts: Counter[tuple[str, str]] = Counter()
    contexts: dict[tuple[str, str], tuple[str, str]] = {}
    for first, second in pairs:
        for forms, texts in _differences(first, second):
            counts[forms] += 1
            contexts.setdefault(forms, texts)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(
        Variant(*forms, count, settling_rule(*contexts[forms], convention), contexts[forms][0])
        for forms, count in ranked
    )


def settling_rule(first: str, second: str, convention: Convention) -> str | None:
    """Find the rule after which two texts are the same.

    Args:
        first: A text.
        second: The same text with one stretch written differently.
        convention: Its rules are applied one after the other, to both.

    Returns:
        The identifier of that rule, None where the texts stay different.
    """
    before = None
    while before != (first, second):
        before = (first, second)
        for rule in convention.rules:
            first, second = apply_rule(first, rule, convention), apply_rule(second, rule, convention)
            if first == second:
                return rule.id
    return None


@dataclass(frozen=True, slots=True)
class RuleShare:
    """How many differences one rule settles, and the variants that are most frequent among them."""

    rule: str | None
    count: int
    variants: tuple[Variant, ...]


def by_rule(variants: Sequence[Variant], *, shown: int = 3) -> tuple[RuleShare, ...]:
    """Group variants by the rule that settles them.

    Args:
        variants: A census.
        shown: How many variants to keep of each group.

    Returns:
        The groups, the one that settles most first.
    """
    groups: dict[str | None, list[Variant]] = {}
    for variant in variants:
        groups.setdefault(variant.rule, []).append(variant)
    shares = [RuleShare(rule, sum(v.count for v in group), tuple(group[:shown])) for rule, group in groups.items()]
    return tuple(sorted(shares, key=lambda share: (-share.count, share.rule or "")))


def _differences(first: str, second: str) -> Iterable[tuple[tuple[str, str], tuple[str, str]]]:
    """Give each stretch of words that differs, and the first text with either form in that place.

    Words are aligned without case and punctuation, so that "Um" stands opposite "um," and not opposite a word nearby.
    """
    words, others = first.split(), second.split()
    for stretch in align([_folded(word) for word in words], [_folded(word) for word in others]):
        pairs = [(stretch.ours, stretch.theirs)]
        if stretch.same:
            places = range(stretch.ours.start, stretch.ours.stop), range(stretch.theirs.start, stretch.theirs.stop)
            pairs = [(slice(here, here + 1), slice(there, there + 1)) for here, there in zip(*places, strict=True)]
        for here, there in pairs:
            if words[here] != others[there]:
                forms = " ".join(words[here]), " ".join(others[there])
                changed = [*words[: here.start], *others[there], *words[here.stop :]]
                texts = " ".join(words), " ".join(changed)
                yield (forms, texts) if forms[0] <= forms[1] else (forms[::-1], texts[::-1])


def _folded(word: str) -> str:
    return "".join(character for character in word.lower() if character.isalnum()) or word
