"""Whether two recognisers differ, or only seem to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from asr.alignment import Edit, Pair
from asr.evaluation.resampling import Resampling
from data.intervals import Interval, rate

BOUNDARY = 2
"""Words that both have right and that part two segments; sc_stats' choice."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A change of a pooled rate: `value` is ours less theirs, `p` the chance of as much if there were none."""

    value: float
    interval: Interval
    p: float


@dataclass(frozen=True, slots=True)
class SegmentTest:
    """The matched-pair test on sentence segments: mean and deviation of the differences of errors, ours less theirs."""

    segments: int
    mean: float
    deviation: float
    z: float
    p: float


@dataclass(frozen=True, slots=True)
class SentenceTest:
    """McNemar's test on whole sentences: `fixed` are right only with us, `broken` only with them."""

    fixed: int
    broken: int
    p: float


def paired_bootstrap(
    resampling: Resampling, ours: NDArray[np.int64], theirs: NDArray[np.int64], words: NDArray[np.int64]
) -> Difference:
    """Compare two error rates on the same utterances.

    Args:
        resampling: Of the utterances.
        ours: Errors per utterance, shape `(n,)`.
        theirs: Likewise.
        words: Of the references, shape `(n,)`.

    Returns:
        The difference with its 95% percentile interval; `p` is two-sided, and at least one over the number of
        resamples plus one (B. Efron and R. Tibshirani, "An introduction to the bootstrap", 1993, section 15.4).
    """
    change = ours - theirs
    value = rate(int(ours.sum()), int(words.sum())) - rate(int(theirs.sum()), int(words.sum()))
    if not change.any():
        return Difference(value, Interval(value, value), 1.0)
    drawn = resampling.rates(change, words)
    if not len(drawn):
        return Difference(value, Interval(value, value), 1.0)
    low, high = np.percentile(drawn, [2.5, 97.5])
    tail = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    p = min(2.0 * (tail + 1) / (len(drawn) + 1), 1.0)
    return Difference(value, Interval(float(low), float(high)), p)


def matched_pairs(ours: Sequence[Sequence[Pair]], theirs: Sequence[Sequence[Pair]]) -> SegmentTest:
    """Test two recognisers on segments between words that both have right (MAPSSWE).

    Args:
        ours: Alignments with the references, one per utterance.
        theirs: Alignments of the other with the same references.

    Returns:
        The test; `p` is two-sided. Source: L. Gillick and S. Cox, "Some statistical issues in the comparison of speech
        recognition algorithms", 1989, with segments as NIST's sc_stats makes them.
    """
    pairs = zip(ours, theirs, strict=True)
    found = [first - second for one, other in pairs for first, second in _segments(one, other) if first or second]
    if not found:
        return SegmentTest(0, 0.0, 0.0, 0.0, 1.0)
    differences = np.array(found, np.float64)
    mean = float(differences.mean())
    deviation = float(differences.std(ddof=1)) if len(found) > 1 else 0.0
    z = mean / (deviation / sqrt(len(found))) if deviation else 0.0
    return SegmentTest(len(found), mean, deviation, z, erfc(abs(z) / sqrt(2.0)))


def mcnemar(ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> SentenceTest:
    """Test two recognisers on sentences without any error.

    Args:
        ours: Errors per utterance, shape `(n,)`.
        theirs: Likewise.

    Returns:
        The exact two-sided binomial test (Q. McNemar, 1947; L. Gillick and S. Cox, 1989).
    """
    from scipy.stats import binomtest

    fixed, broken = int(((ours == 0) & (theirs > 0)).sum()), int(((ours > 0) & (theirs == 0)).sum())
    p = float(binomtest(min(fixed, broken), fixed + broken).pvalue) if fixed + broken else 1.0
    return SentenceTest(fixed, broken, p)


def holm(values: Sequence[float]) -> tuple[float, ...]:
    """Correct p-values for having looked at several slices.

    Args:
        values: p-values in [0, 1].

    Returns:
        Adjusted p-values in the same order, at most 1 (S. Holm, "A simple sequentially rejective multiple test
        procedure", 1979).
    """
    adjusted = [1.0] * len(values)
    highest = 0.0
    for rank, index in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        highest = max(highest, min((len(values) - rank) * values[index], 1.0))
        adjusted[index] = highest
    return tuple(adjusted)


def _segments(ours: Sequence[Pair], theirs: Sequence[Pair]) -> Iterator[tuple[int, int]]:
    """Count both recognisers' errors in each stretch that `BOUNDARY` words right with both close."""
    first = second = good = 0
    for (one, other), right in _word_by_word(ours, theirs):
        first, second = first + one, second + other
        good = good + 1 if right else 0
        if good == BOUNDARY:
            yield first, second
            first = second = 0
        elif good > BOUNDARY:
            good = BOUNDARY
    yield first, second


def _word_by_word(ours: Sequence[Pair], theirs: Sequence[Pair]) -> Iterator[tuple[tuple[int, int], bool]]:
    """Give for each word of the reference, and for its end, both recognisers' errors and whether both are right.

    Words added before a word come as a step of their own, for they part a run of words that are right.
    """
    for one, other in zip(_steps(ours), _steps(theirs), strict=True):
        (added, wrong), (other_added, other_wrong) = one, other
        if added or other_added:
            yield (added, other_added), False
        if wrong is not None and other_wrong is not None:
            yield (int(wrong), int(other_wrong)), not wrong and not other_wrong


def _steps(pairs: Sequence[Pair]) -> Iterator[tuple[int, bool | None]]:
    """Give for each word of the reference how many were added before it and whether it is wrong; None is the end."""
    added = 0
    for pair in pairs:
        if pair.edit is Edit.INSERTION:
            added += 1
        else:
            yield added, pair.edit is not Edit.HIT
            added = 0
    yield added, None
