"""Labels that are probably wrong, ranked by the evidence against them."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from data.records import Utterance
from labeling.alignment import align
from labeling.convention import Convention, check_text, fix_text
from labeling.normalization import normalize

Words: TypeAlias = Callable[[str], str]
"""From a text to the form in which it is compared."""

NUMBER_COST = 1.5
"""Words that a wrong number is worth; recognisers mishear numbers seldom, and searches hang on them."""

HEARD_SCALE = 1.5
"""How fast the evidence grows with the words that differ: one word heard for certain gives 0.78."""

RATE_LIMIT = 3.5
"""Robust z-score from which a speaking rate is an outlier (B. Iglewicz and D. C. Hoaglin, 1993)."""

RATE_CLIPS = 20
"""Fewest clips from which a speaking rate is learnt."""

DOUBT_STRENGTH = 0.15
"""Evidence of a text that the convention leaves to a person."""

DUPLICATE_STRENGTH = 0.9
"""Evidence of one recording with two texts."""


class EvidenceKind(StrEnum):
    """What speaks against a label."""

    HEARD = "heard"
    RATE = "rate"
    DUPLICATE = "duplicate"
    CONVENTION = "convention"


@dataclass(frozen=True, slots=True)
class Evidence:
    """One thing that speaks against a label: its strength in [0, 1], and a line for the person who looks at it."""

    kind: EvidenceKind
    strength: float
    detail: str


@dataclass(frozen=True, slots=True)
class Suspect:
    """An utterance whose label is doubted; `score` in [0, 1] is all its evidence together."""

    utterance: Utterance
    score: float
    evidence: tuple[Evidence, ...]


def find_suspects(
    utterances: Sequence[Utterance],
    hypotheses: Mapping[str, Utterance],
    convention: Convention,
    digests: Mapping[str, str] | None = None,
) -> tuple[Suspect, ...]:
    """Rank utterances by the evidence against their labels.

    Args:
        utterances: With the labels to be doubted.
        hypotheses: By id, utterances on which a recogniser has been: `pred_text`, `confidence` and `nbest`.
        convention: That the labels follow.
        digests: By id, a hash of the audio; clips without one are the same recording where their path is the same.

    Returns:
        Those with evidence against them, the most doubtful first. Evidence of different kinds is taken as independent:
        the score is one minus the product of what each leaves in favour of the label.
    """
    words = cache(lambda text: normalize(fix_text(text, convention)))
    gathered: dict[str, list[Evidence]] = {utterance.id: [] for utterance in utterances}
    for evidence in (
        _heard(utterances, hypotheses, words),
        _rates(utterances, words),
        _duplicates(utterances, digests or {}, words),
        _doubts(utterances, convention),
    ):
        for utterance, found in evidence.items():
            gathered[utterance].append(found)
    suspects = [
        Suspect(
            utterance,
            1.0 - math.prod(1.0 - found.strength for found in gathered[utterance.id]),
            tuple(sorted(gathered[utterance.id], key=lambda found: -found.strength)),
        )
        for utterance in utterances
        if gathered[utterance.id]
    ]
    return tuple(sorted(suspects, key=lambda suspect: (-suspect.score, suspect.utterance.id)))


def distance(label: str, heard: str) -> float:
    """Measure how far a label is from what was heard, in words that cannot be put down to mishearing.

    A word heard for a similar one counts little, because that is how recognisers err; a word too many or too few counts
    whole, and another number more than that.

    Args:
        label: A normalised text.
        heard: Another.

    Returns:
        At least 0, which is for the same text.
    """
    from rapidfuzz.distance import Levenshtein

    total = 0.0
    words, others = label.split(), heard.split()
    for stretch in align(words, others):
        ours, theirs = words[stretch.ours], others[stretch.theirs]
        first, second = "".join(ours), "".join(theirs)
        numbers = re.sub(r"\D", "", first), re.sub(r"\D", "", second)
        if stretch.same:
            continue
        if not ours or not theirs:
            total += len(ours) + len(theirs)
        elif all(numbers) and numbers[0] != numbers[1]:
            total += NUMBER_COST
        else:
            total += Levenshtein.normalized_distance(first, second) * max(len(ours), len(theirs))
    return total


def rate_outliers(seconds: Sequence[float], letters: Sequence[int]) -> NDArray[np.float64]:
    """Score how unusual the length of each clip is for its text.

    The length is explained by a pause and a time per letter, fitted to least absolute deviations by reweighting, so
    that wrong labels do not bend the line; what is left over grows with the root of the length.

    Args:
        seconds: Length of each clip, shape `(n,)`.
        letters: Letters of each text, shape `(n,)`.

    Returns:
        Robust z-scores, shape `(n,)`: above 0 for a clip too long for its text, below for one too short.
    """
    lengths = np.asarray(seconds, dtype=np.float64)
    terms = np.stack([np.ones(len(lengths)), np.asarray(letters, dtype=np.float64)], axis=1)
    weights = np.ones(len(lengths))
    for _ in range(20):
        weighted = weights[:, None] * terms
        expected = terms @ np.linalg.lstsq(weighted.T @ terms, weighted.T @ lengths, rcond=None)[0]
        left = (lengths - expected) / np.sqrt(np.maximum(expected, 0.1))
        spread = max(1.4826 * float(np.median(np.abs(left - np.median(left)))), 1e-6)
        weights = 1.0 / (np.maximum(np.abs(left) / spread, 1.0) * np.maximum(expected, 0.1))
    scores: NDArray[np.float64] = left / spread
    return scores


def _heard(utterances: Sequence[Utterance], hypotheses: Mapping[str, Utterance], words: Words) -> dict[str, Evidence]:
    """Find labels that none of a confident recogniser's readings comes near."""
    found = {}
    for utterance in utterances:
        reading = hypotheses.get(utterance.id)
        texts = [] if reading is None else [reading.pred_text or "", *(each.text for each in reading.nbest)]
        if reading is None or not any(texts):
            continue
        label = words(utterance.text)
        nearest = min(distance(label, words(text)) for text in texts if text)
        confidence = 1.0 if reading.confidence is None else reading.confidence
        if strength := 1.0 - math.exp(-HEARD_SCALE * nearest * confidence):
            best = next(text for text in texts if text)
            found[utterance.id] = Evidence(
                EvidenceKind.HEARD, strength, f"heard {best!r} with a confidence of {confidence:.2f}"
            )
    return found


def _rates(utterances: Sequence[Utterance], words: Words) -> dict[str, Evidence]:
    """Find clips that are too long or too short for their text."""
    letters = [(u, len(words(u.text).replace(" ", ""))) for u in utterances]
    spoken = [(utterance, count) for utterance, count in letters if count and utterance.duration > 0]
    if len(spoken) < RATE_CLIPS:
        return {}
    scores = rate_outliers([u.duration for u, _ in spoken], [count for _, count in spoken])
    return {
        utterance.id: Evidence(
            EvidenceKind.RATE,
            0.4 * (1.0 - math.exp(-(abs(score) - RATE_LIMIT) / 4.0)),
            f"{utterance.duration:.1f} s is too {'long' if score > 0 else 'short'} for {count} letters",
        )
        for (utterance, count), score in zip(spoken, scores, strict=True)
        if abs(score) > RATE_LIMIT
    }


def _duplicates(utterances: Sequence[Utterance], digests: Mapping[str, str], words: Words) -> dict[str, Evidence]:
    """Find recordings that are there twice with different texts."""
    groups: dict[str, list[Utterance]] = {}
    for utterance in utterances:
        groups.setdefault(digests.get(utterance.id, utterance.audio_filepath), []).append(utterance)
    found = {}
    for group in groups.values():
        texts = [words(utterance.text) for utterance in group]
        for utterance, text in zip(group, texts, strict=True):
            other = next((each for each, theirs in zip(group, texts, strict=True) if theirs != text), None)
            if other is not None:
                agreeing = texts.count(text) / len(texts)
                found[utterance.id] = Evidence(
                    EvidenceKind.DUPLICATE,
                    DUPLICATE_STRENGTH * min(1.0, 2.0 * (1.0 - agreeing)),
                    f"{other.id} is the same recording and says {other.text!r}",
                )
    return found


def _doubts(utterances: Sequence[Utterance], convention: Convention) -> dict[str, Evidence]:
    """Find labels that the convention leaves to a person."""
    found = {}
    for utterance in utterances:
        doubts = [v for v in check_text(utterance.text, convention).violations if not v.safe]
        if doubts:
            detail = "; ".join(f"{v.rule}: {', '.join(map(repr, v.found))}" for v in doubts)
            found[utterance.id] = Evidence(EvidenceKind.CONVENTION, DOUBT_STRENGTH, detail)
    return found
