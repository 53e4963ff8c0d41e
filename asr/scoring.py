"""How wrong transcripts are: word and character error rates with intervals, on jiwer.

Errors are pooled over utterances (micro-averaged). Texts are compared after Whisper's English normaliser, whose version
every score carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of a set of transcripts; rates are shares of the reference, above 1 where insertions outnumber it.

    With no reference words at all, a rate is 0 when nothing was inserted and 1 otherwise.
    """

    utterances: int
    words: int
    hits: int
    substitutions: int
    deletions: int
    insertions: int
    wer: float
    wer_interval: Interval
    cer: float
    sentence_accuracy: float
    normalizer: str


def normalize(text: str) -> str:
    """Apply Whisper's English normaliser: case, punctuation, numbers, spellings, fillers.

    Args:
        text: English text.

    Returns:
        The text as it is compared. Source: Whisper (2022), appendix C.
    """
    return " ".join(_normalizer()(text).split())


def normalizer_version() -> str:
    """Name the normaliser and its version."""
    return f"whisper-normalizer {version('whisper-normalizer')}"


def score(references: Sequence[str], hypotheses: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Score:
    """Score transcripts against references.

    Args:
        references: What was said, one per utterance.
        hypotheses: What was recognised, in the same order.
        resamples: Bootstrap resamples of utterances behind the interval.
        seed: Of the resampling.

    Returns:
        Pooled counts and rates, with a 95% percentile bootstrap interval over utterances (M. Bisani and H. Ney,
        "Bootstrap estimates for confidence intervals in ASR performance evaluation", 2004).

    Raises:
        ValueError: The lists differ in length or are empty.
    """
    if len(references) != len(hypotheses) or not references:
        raise ValueError(
            f"{len(references)} references and {len(hypotheses)} hypotheses; give as many of each, at least one"
        )
    counts = np.array([_word_counts(normalize(r), normalize(h)) for r, h in zip(references, hypotheses, strict=True)])
    hits, substitutions, deletions, insertions = (int(n) for n in counts.sum(axis=0))
    errors, words = counts[:, 1:].sum(axis=1), counts[:, :3].sum(axis=1)
    return Score(
        utterances=len(references),
        words=hits + substitutions + deletions,
        hits=hits,
        substitutions=substitutions,
        deletions=deletions,
        insertions=insertions,
        wer=rate(int(errors.sum()), int(words.sum())),
        wer_interval=bootstrap_rate(errors, words, resamples=resamples, seed=seed),
        cer=_character_error_rate(references, hypotheses),
        sentence_accuracy=float(np.mean(errors == 0)),
        normalizer=normalizer_version(),
    )


def paired_difference(
    references: Sequence[str], ours: Sequence[str], theirs: Sequence[str], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Give the 95% interval of the difference of two pooled word error rates on the same utterances.

    Args:
        references: What was said, one per utterance.
        ours: What one recogniser heard, in the same order.
        theirs: What the other heard.
        resamples: Bootstrap resamples of utterances, the same for both.
        seed: Of the resampling.

    Returns:
        The percentile interval of our rate less theirs (M. Bisani and H. Ney, 2004, section 4).
    """
    said = [normalize(reference) for reference in references]
    first, second = (
        np.array([_word_counts(r, normalize(h)) for r, h in zip(said, heard, strict=True)]) for heard in (ours, theirs)
    )
    errors = first[:, 1:].sum(axis=1) - second[:, 1:].sum(axis=1)
    return bootstrap_rate(errors, first[:, :3].sum(axis=1), resamples=resamples, seed=seed)


def rate(errors: int, units: int) -> float:
    """Divide errors by reference units; with no units, 0 without errors and 1 with any."""
    return errors / units if units else float(errors > 0)


def bootstrap_rate(
    errors: NDArray[np.int64], units: NDArray[np.int64], *, resamples: int = 1000, seed: int = 0
) -> Interval:
    """Give the 95% percentile bootstrap interval of a pooled error rate.

    Args:
        errors: Errors per utterance, shape `(n,)`.
        units: Reference words per utterance, shape `(n,)`.
        resamples: How many resamples of utterances.
        seed: Of the resampling.

    Returns:
        The interval.
    """
    drawn = np.random.default_rng(seed).integers(0, len(errors), (resamples, len(errors)))
    pooled = errors[drawn].sum(axis=1) / np.maximum(units[drawn].sum(axis=1), 1)
    low, high = np.percentile(pooled, [2.5, 97.5])
    return Interval(float(low), float(high))


@cache
def _normalizer():  # type: ignore[no-untyped-def]  # imported on first use, untyped upstream
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def _word_counts(reference: str, hypothesis: str) -> tuple[int, int, int, int]:
    """Count hits, substitutions, deletions and insertions."""
    if not reference:
        return 0, 0, 0, len(hypothesis.split())
    import jiwer

    counted = jiwer.process_words(reference, hypothesis)
    return counted.hits, counted.substitutions, counted.deletions, counted.insertions


def _character_error_rate(references: Sequence[str], hypotheses: Sequence[str]) -> float:
    import jiwer

    errors = units = 0
    for reference, hypothesis in zip(map(normalize, references), map(normalize, hypotheses), strict=True):
        if reference:
            counted = jiwer.process_characters(reference, hypothesis)
            errors += counted.substitutions + counted.deletions + counted.insertions
        else:
            errors += len(hypothesis)
        units += len(reference)
    return rate(errors, units)
