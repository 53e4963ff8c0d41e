"""Which words go wrong: pairs that are confused, words that are missed or made up, words no catalogue has."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from asr.alignment import Edit
from asr.evaluation.trials import Trial
from data.catalogue import Catalogue
from data.intervals import rate
from data.spoken import spoken_form
from labeling.normalization import normalize

LISTED = 25
"""Entries of each list."""

FREQUENCIES = ((1, 1), (2, 3), (4, 9), (10, None))
"""Bands of how often a word is said, for the table of words never, sometimes and always recognised."""


@dataclass(frozen=True, slots=True)
class WordCount:
    """A word and how often."""

    word: str
    count: int


@dataclass(frozen=True, slots=True)
class Confusion:
    """A word heard for another, and how often."""

    said: str
    heard: str
    count: int


@dataclass(frozen=True, slots=True)
class FrequencyBand:
    """Words that are said so often: how many are never, sometimes and always recognised."""

    label: str
    never: int
    sometimes: int
    always: int


@dataclass(frozen=True, slots=True)
class UnknownWords:
    """Words that are said and that the catalogue does not have, against those it has."""

    words: int
    errors: int
    error_rate: float
    known_words: int
    known_errors: int
    known_error_rate: float
    common: tuple[WordCount, ...]


@dataclass(frozen=True, slots=True)
class VocabularyFigures:
    """All that is known of single words; lists hold the most frequent, `never` those never recognised."""

    confusions: tuple[Confusion, ...]
    deleted: tuple[WordCount, ...]
    inserted: tuple[WordCount, ...]
    substituted: tuple[WordCount, ...]
    frequencies: tuple[FrequencyBand, ...]
    never: tuple[WordCount, ...]
    unknown: UnknownWords | None


def catalogue_words(catalogue: Catalogue) -> frozenset[str]:
    """Give every normalised word of the columns that are searched."""
    mapping = catalogue.mapping
    columns = (mapping.title, *mapping.searched)
    texts = {item.text(column, mapping) for item in catalogue.items for column in columns}
    return frozenset(word for text in texts for word in normalize(spoken_form(text)).split())


def measure_vocabulary(trials: Sequence[Trial], known: AbstractSet[str] | None = None) -> VocabularyFigures:
    """Count what happens to each word.

    Args:
        trials: All trials.
        known: The catalogue's words, to tell them from the others.

    Returns:
        The figures, after normalising.
    """
    pairs = [pair for trial in trials for pair in trial.aligned.normalised]
    said = Counter(pair.said for pair in pairs if pair.said is not None)
    right = Counter(pair.said for pair in pairs if pair.edit is Edit.HIT and pair.said is not None)
    confusions = Counter((p.said, p.heard) for p in pairs if p.edit is Edit.SUBSTITUTION)
    never = Counter({word: count for word, count in said.items() if not right[word]})
    return VocabularyFigures(
        confusions=tuple(
            Confusion(str(one), str(other), count) for (one, other), count in confusions.most_common(LISTED)
        ),
        deleted=_listed(Counter(p.said for p in pairs if p.edit is Edit.DELETION and p.said is not None)),
        inserted=_listed(Counter(p.heard for p in pairs if p.edit is Edit.INSERTION and p.heard is not None)),
        substituted=_listed(Counter(p.said for p in pairs if p.edit is Edit.SUBSTITUTION and p.said is not None)),
        frequencies=tuple(_band(low, high, said, right) for low, high in FREQUENCIES),
        never=_listed(never),
        unknown=_unknown(said, right, known) if known is not None else None,
    )


def _listed(counts: "Counter[str]") -> tuple[WordCount, ...]:
    ordered = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple(WordCount(word, count) for word, count in ordered[:LISTED])


def _band(low: int, high: int | None, said: "Counter[str]", right: "Counter[str]") -> FrequencyBand:
    words = [word for word, count in said.items() if low <= count and (high is None or count <= high)]
    never = sum(right[word] == 0 for word in words)
    always = sum(right[word] == said[word] for word in words)
    label = f"{low} or more times" if high is None else "once" if high == 1 else f"{low} to {high} times"
    return FrequencyBand(label, never, len(words) - never - always, always)


def _unknown(said: "Counter[str]", right: "Counter[str]", known: AbstractSet[str]) -> UnknownWords:
    outside = Counter({word: count for word, count in said.items() if word not in known})
    words, errors = outside.total(), sum(count - right[word] for word, count in outside.items())
    known_words = said.total() - words
    known_errors = said.total() - right.total() - errors
    return UnknownWords(
        words, errors, rate(errors, words), known_words, known_errors, rate(known_errors, known_words), _listed(outside)
    )
