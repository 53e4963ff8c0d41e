"""How wrong transcripts are: word and character error rates with intervals, on jiwer.

Errors are pooled over utterances (micro-averaged). Texts are compared after Whisper's English normaliser, whose version
every score carries.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from data.intervals import Interval, bootstrap_rate, rate
from labeling.normalization import normalize, normalizer_version


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
