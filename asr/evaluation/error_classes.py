"""Why a stretch of words is wrong: a closed set of causes, each with its own remedy."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from asr.alignment import Edit, Pair
from asr.evaluation.names import NameFinder
from asr.evaluation.trials import Trial
from asr.rejection import is_loop
from labeling.normalization import normalize

INVENTED_WORDS = 3
"""Words in a row that nobody said, from which on they are taken for invented rather than misheard."""

EXAMPLES = 6
"""Examples of a class that are kept."""


class ErrorClass(StrEnum):
    """What kind of error it is. The first that fits is taken, in this order."""

    CONVENTION = "convention"
    REFUSED = "refused"
    HALLUCINATION = "hallucination"
    TRUNCATION = "truncation"
    NUMBER = "number"
    INFLECTION = "inflection"
    HOMOPHONE = "homophone"
    NAME = "name"
    OTHER = "other"


MEANINGS: Mapping[ErrorClass, str] = {
    ErrorClass.CONVENTION: "the same words, written in another way",
    ErrorClass.REFUSED: "speech for which no text was returned",
    ErrorClass.HALLUCINATION: "words that nobody said: on silence, three or more in a row, or in a loop",
    ErrorClass.TRUNCATION: "words missing at the beginning or the end",
    ErrorClass.NUMBER: "another number",
    ErrorClass.INFLECTION: "another form of the same word",
    ErrorClass.HOMOPHONE: "another word that sounds the same or nearly so",
    ErrorClass.NAME: "words of a name in the catalogue",
    ErrorClass.OTHER: "none of these",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One stretch of words that differ: what was said, what was heard, how many errors that is."""

    utterance: str
    kind: ErrorClass
    said: str
    heard: str
    errors: int


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """How much of all errors a class is, with a few examples (what was said, what was heard, how often)."""

    kind: ErrorClass
    meaning: str
    errors: int
    stretches: int
    share: float
    examples: tuple[tuple[str, str, int], ...]


def mistakes_of(trial: Trial, names: NameFinder | None = None) -> tuple[Mistake, ...]:
    """Find and class the errors of one trial.

    Args:
        trial: An utterance and what was heard.
        names: Of the catalogue; without it no error is one of names.

    Returns:
        The mistakes of the normalised comparison, and as `convention` those that only the strict one finds.
    """
    identifier = trial.utterance.id
    found = []
    for stretch, first, last, in_name in _stretches(trial.aligned.normalised, names):
        said, heard = _words(stretch)
        kind = _class_of(trial, said, heard, edge=first or last, in_name=in_name)
        found.append(Mistake(identifier, kind, " ".join(said), " ".join(heard), len(stretch)))
    for stretch, *_ in _stretches(trial.aligned.strict, None):
        said, heard = _words(stretch)
        if _same(" ".join(said), " ".join(heard)):
            found.append(Mistake(identifier, ErrorClass.CONVENTION, " ".join(said), " ".join(heard), len(stretch)))
    return tuple(found)


def class_figures(mistakes: Iterable[Mistake]) -> tuple[ClassFigures, ...]:
    """Sum up mistakes by class, the most errors first; classes without any are left out.

    The share of `convention` is that of all strict errors that are only writing; the others are shares of the
    normalised errors.
    """
    by_class: dict[ErrorClass, list[Mistake]] = {}
    for mistake in mistakes:
        by_class.setdefault(mistake.kind, []).append(mistake)
    errors = {kind: sum(mistake.errors for mistake in group) for kind, group in by_class.items()}
    heard_wrong = sum(count for kind, count in errors.items() if kind is not ErrorClass.CONVENTION)
    figures = []
    for kind, group in by_class.items():
        common = Counter((mistake.said, mistake.heard) for mistake in group).most_common(EXAMPLES)
        of = heard_wrong + (errors[kind] if kind is ErrorClass.CONVENTION else 0)
        examples = tuple((said, heard, count) for (said, heard), count in common)
        figures.append(
            ClassFigures(kind, MEANINGS[kind], errors[kind], len(group), errors[kind] / max(of, 1), examples)
        )
    return tuple(sorted(figures, key=lambda each: (each.kind is ErrorClass.CONVENTION, -each.errors, each.kind)))


def sound_of(text: str) -> str:
    """Reduce English spelling to roughly what is heard: one letter a sound, no vowels but the first.

    Args:
        text: Words in lower case.

    Returns:
        A key; words that sound the same mostly share it ("knight" and "night" do), and so do some that differ only in
        their vowels.
    """
    key = re.sub(r"[^a-z]", "", text.lower())
    for pattern, sound in _SOUNDS:
        key = pattern.sub(sound, key)
    return key[:1] + re.sub(r"[aeiouyhw]", "", key[1:])


_SOUNDS = tuple(
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^(?:kn|gn|pn)", "n"), (r"^wr", "r"), (r"^ps", "s"), (r"^wh", "w"), (r"^x", "z"), (r"mb$", "m"),
        (r"igh|eigh", "i"), (r"augh|ough", "o"), (r"ph", "f"), (r"tch|ch", "c"), (r"sch|sh|ti(?=o)|ci(?=a)", "x"),
        (r"th", "0"), (r"dg(?=[eiy])|g(?=[eiy])", "j"), (r"sc(?=[eiy])|c(?=[eiy])", "s"), (r"ck|qu|q", "k"),
        (r"(?<!^)x", "ks"), (r"c(?!$)", "k"), (r"c$", "k"), (r"z", "s"), (r"gn$", "n"), (r"gh", "g"),
        (r"[aeiouy]+", "a"), (r"(.)\1+", r"\1"),
    )
)  # fmt: skip


def _stretches(pairs: Sequence[Pair], names: NameFinder | None) -> Iterator[tuple[list[Pair], bool, bool, bool]]:
    """Give runs of pairs that differ, whether each begins or ends the utterance, and whether a name is touched."""
    reference = [pair.said for pair in pairs if pair.said is not None]
    inner = {place for span in names.find(reference) for place in span} if names else set()
    run: list[Pair] = []
    touched, place, begins = False, 0, 0
    for index, pair in enumerate(pairs):
        if pair.edit is Edit.HIT:
            if run:
                yield run, begins == 0, False, touched
            run, touched, begins = [], False, index + 1
        else:
            run.append(pair)
            touched |= pair.said is not None and place in inner
        place += pair.said is not None
    if run:
        yield run, begins == 0, True, touched


def _words(stretch: Sequence[Pair]) -> tuple[list[str], list[str]]:
    return [p.said for p in stretch if p.said is not None], [p.heard for p in stretch if p.heard is not None]


def _class_of(trial: Trial, said: list[str], heard: list[str], *, edge: bool, in_name: bool) -> ErrorClass:
    one, other = " ".join(said), " ".join(heard)
    if _same(one, other):
        return ErrorClass.CONVENTION
    if not trial.text:
        return ErrorClass.REFUSED
    if not trial.has_speech or len(heard) - len(said) >= INVENTED_WORDS or is_loop(trial.text):
        return ErrorClass.HALLUCINATION
    if not heard and edge:
        return ErrorClass.TRUNCATION
    if heard and (any(map(_is_number, said)) or any(map(_is_number, heard))):
        return ErrorClass.NUMBER
    if said and heard and _stem(one) == _stem(other):
        return ErrorClass.INFLECTION
    if said and heard and sound_of(one) == sound_of(other):
        return ErrorClass.HOMOPHONE
    return ErrorClass.NAME if in_name else ErrorClass.OTHER


def _same(said: str, heard: str) -> bool:
    """Whether two texts are the same words but for how they are written, spaces included."""
    return said != heard and normalize(said).replace(" ", "") == normalize(heard).replace(" ", "") != ""


def _is_number(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _stem(text: str) -> str:
    """Cut the endings of English inflection off each word that stays three letters long."""
    stems = (re.sub(r"(?<=\w{3})(?:'s|s'|ies|es|ied|ed|ing|er|ly|s|d|y|e)$", "", word) for word in text.split())
    return " ".join(re.sub(r"(.)\1$", r"\1", stem) for stem in stems)
