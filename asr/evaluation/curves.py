"""How the error rate runs along a figure of the clips, and from speaker to speaker."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.evaluation.resampling import Resampling
from asr.evaluation.slices import SCALES, Scale
from asr.evaluation.trials import Trials
from data.intervals import Interval, rate

BANDS = 8
"""Bands of a curve; each has about as many clips as the others."""

MIN_BAND = 8
"""Fewest clips of a band."""

MAX_SPEAKERS = 40
"""Speakers that are shown, those with the most words."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The error rate of clips whose figure lies between `low` and `high`; `at` is their median."""

    low: float
    high: float
    at: float
    clips: int
    wer: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class Curve:
    """An error rate against a figure; `clips` is how many have the figure."""

    kind: str
    unit: str
    clips: int
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class SpeakerRange:
    """One speaker's error rate, with the interval over their own utterances."""

    speaker: str
    clips: int
    words: int
    wer: float
    interval: Interval


def curves_of(trials: Trials, resampling: Resampling) -> tuple[Curve, ...]:
    """Draw the error rate against each figure that enough clips have.

    Args:
        trials: All trials; those without speech have no error rate.
        resampling: Of the trials.

    Returns:
        The curves that have at least two points.
    """
    drawn = (_curve(trials, scale, resampling) for scale in SCALES)
    return tuple(curve for curve in drawn if len(curve.points) > 1)


def speaker_ranges(trials: Trials, resampling: Resampling) -> tuple[SpeakerRange, ...]:
    """Give the error rate of each speaker, worst first.

    Args:
        trials: All trials.
        resampling: Of utterances; intervals are over each speaker's own.

    Returns:
        The speakers with the most words; none where no speaker is known.
    """
    errors, words = trials.errors, trials.words
    names = np.array([trial.utterance.speaker or "" for trial in trials.all])
    found = []
    for name in sorted(set(names) - {""}):
        own = (names == name) & (words > 0)
        if own.any():
            wrong, said = errors * own, words * own
            value = rate(int(wrong.sum()), int(said.sum()))
            between = resampling.interval(wrong, said)
            found.append(SpeakerRange(str(name), int(own.sum()), int(said.sum()), value, between))
    most = sorted(found, key=lambda each: -each.words)[:MAX_SPEAKERS]
    return tuple(sorted(most, key=lambda each: (-each.wer, each.speaker)))


def _curve(trials: Trials, scale: Scale, resampling: Resampling) -> Curve:
    errors, words = trials.errors, trials.words
    values = np.array([np.nan if (v := scale.value(t)) is None else v for t in trials.all], np.float64)
    known = np.isfinite(values) & (words > 0)
    points = []
    for low, high in _edges(values[known]):
        own = known & (values >= low) & (values <= high)
        wrong, said = errors * own, words * own
        value = rate(int(wrong.sum()), int(said.sum()))
        at = float(np.median(values[own]))
        points.append(CurvePoint(low, high, at, int(own.sum()), value, resampling.interval(wrong, said)))
    return Curve(scale.kind, scale.unit, int(known.sum()), tuple(points))


def _edges(values: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Cut values into bands of about the same number; equal values stay together."""
    ordered = np.sort(values)
    bands = min(BANDS, len(ordered) // MIN_BAND)
    edges: list[tuple[float, float]] = []
    start = 0
    for number in range(1, bands + 1):
        stop = len(ordered) if number == bands else round(number * len(ordered) / bands)
        while start < stop < len(ordered) and ordered[stop] == ordered[stop - 1]:
            stop += 1
        if stop > start:
            edges.append((float(ordered[start]), float(ordered[stop - 1])))
            start = stop
    return edges
