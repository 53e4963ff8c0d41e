"""How wrong transcripts are: word and character error rates with intervals.

Errors are pooled over utterances (micro-averaged) and counted as NIST's sclite counts them. Texts are compared twice:
strictly, as the transcription convention has them written, and after Whisper's English normaliser, whose version every
score carries. What only the strict comparison finds wrong is a matter of writing, not of hearing. Characters are
counted by jiwer; words are not, since its fewest edits are not sclite's alignment.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.alignment import Counts, Pair, align_words, count
from data.intervals import Interval, bootstrap_rate, rate
from labeling.normalization import normalize, normalizer_version

TAG = re.compile(r"\[[a-z]+\]")
"""The convention's marks for sound that is no word, such as `[noise]`; nobody says them."""


@dataclass(frozen=True, slots=True)
class Aligned:
    """One transcript beside its reference: word by word in both forms, and characters of the normalised form."""

    strict: tuple[Pair, ...]
    normalised: tuple[Pair, ...]
    characters: int
    character_errors: int


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


def align_texts(reference: str, hypothesis: str) -> Aligned:
    """Compare one transcript with its reference.

    Args:
        reference: What was said, as the convention has it written.
        hypothesis: What was recognised, as it came.

    Returns:
        Both alignments.
    """
    said, heard = normalize(reference), normalize(hypothesis)
    return Aligned(
        strict=align_words(TAG.sub(" ", reference).split(), hypothesis.split()),
        normalised=align_words(said.split(), heard.split()),
        characters=len(said),
        character_errors=_character_errors(said, heard),
    )


def score(references: Sequence[str], hypotheses: Sequence[str], *, resamples: int = 1000, seed: int = 0) -> Score:
    """Score transcripts against references after normalising both.

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
    aligned = [align_texts(said, heard) for said, heard in zip(references, hypotheses, strict=True)]
    counts = [count(each.normalised) for each in aligned]
    total = sum(counts, Counts())
    errors, words = _errors_and_words(counts)
    return Score(
        utterances=len(references),
        words=total.words,
        hits=total.hits,
        substitutions=total.substitutions,
        deletions=total.deletions,
        insertions=total.insertions,
        wer=rate(total.errors, total.words),
        wer_interval=bootstrap_rate(errors, words, resamples=resamples, seed=seed),
        cer=rate(sum(each.character_errors for each in aligned), sum(each.characters for each in aligned)),
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
    first, second = (
        _errors_and_words([count(align_texts(r, h).normalised) for r, h in zip(references, heard, strict=True)])
        for heard in (ours, theirs)
    )
    return bootstrap_rate(first[0] - second[0], first[1], resamples=resamples, seed=seed)


def _character_errors(said: str, heard: str) -> int:
    import jiwer

    if not said:
        return len(heard)
    counted = jiwer.process_characters(said, heard)
    return counted.substitutions + counted.deletions + counted.insertions


def _errors_and_words(counts: Sequence[Counts]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([each.errors for each in counts]), np.array([each.words for each in counts])
