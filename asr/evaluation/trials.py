"""Utterances beside what a recogniser made of them, joined by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.alignment import Counts, count
from asr.evaluation.measurement import ClipConditions
from asr.scoring import Aligned, align_texts
from data.errors import ManifestError
from data.records import Hypothesis, Utterance


@dataclass(frozen=True, slots=True)
class Trial:
    """One utterance that a recogniser has been over.

    `text` is what it returned, empty where it refused; `confidence` is None where it gave none; `strict` and
    `normalised` count the errors of both comparisons.
    """

    utterance: Utterance
    text: str
    confidence: float | None
    nbest: tuple[Hypothesis, ...]
    clip: ClipConditions
    aligned: Aligned
    strict: Counts
    normalised: Counts

    @property
    def has_speech(self) -> bool:
        """Whether there are words to recognise; clips without are tests of refusal."""
        return self.normalised.words > 0


@dataclass(frozen=True, slots=True)
class Trials:
    """All trials of one recogniser, in the order of the manifest.

    `unheard` are utterances without a hypothesis, `unknown` hypotheses without an utterance; neither is scored.
    """

    all: tuple[Trial, ...]
    unheard: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def errors(self) -> NDArray[np.int64]:
        """Errors of each trial after normalising, shape `(n,)`."""
        return np.array([trial.normalised.errors for trial in self.all], np.int64)

    @property
    def words(self) -> NDArray[np.int64]:
        """Words of each reference after normalising, shape `(n,)`."""
        return np.array([trial.normalised.words for trial in self.all], np.int64)


def join(
    utterances: Sequence[Utterance], hypotheses: Mapping[str, Utterance], clips: Mapping[str, ClipConditions]
) -> Trials:
    """Put hypotheses beside their utterances.

    Args:
        utterances: With the labels.
        hypotheses: By id, what was heard: `pred_text`, `confidence`, `nbest`.
        clips: By id, what each clip is like; nothing is known of those that are missing.

    Returns:
        The trials.

    Raises:
        ManifestError: No hypothesis belongs to any utterance.
    """
    known = {utterance.id for utterance in utterances}
    heard = [utterance for utterance in utterances if utterance.id in hypotheses]
    if not heard:
        raise ManifestError(
            f"none of the {len(hypotheses):,} hypotheses belongs to one of the {len(utterances):,} utterances; "
            "name the hypotheses of this manifest"
        )
    trials = tuple(_trial(each, hypotheses[each.id], clips.get(each.id)) for each in heard)
    unheard = tuple(utterance.id for utterance in utterances if utterance.id not in hypotheses)
    return Trials(trials, unheard, tuple(sorted(hypotheses.keys() - known)))


def _trial(utterance: Utterance, heard: Utterance, clip: ClipConditions | None) -> Trial:
    text = (heard.pred_text or "").strip()
    aligned = align_texts(utterance.text, text)
    return Trial(
        utterance=utterance,
        text=text,
        confidence=heard.confidence,
        nbest=heard.nbest,
        clip=clip or ClipConditions(seconds=utterance.duration),
        aligned=aligned,
        strict=count(aligned.strict),
        normalised=count(aligned.normalised),
    )
