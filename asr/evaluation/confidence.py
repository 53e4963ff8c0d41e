"""Whether a recogniser knows when it is wrong: reliability, calibration error, and errors against coverage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.evaluation.trials import Trial
from data.intervals import rate

BINS = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Trials with a confidence in a band: their mean confidence, and the share of them that is right."""

    low: float
    high: float
    clips: int
    confidence: float
    right: float


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """When only the most confident share `coverage` of the trials is answered: their error rate."""

    coverage: float
    threshold: float
    wer: float


@dataclass(frozen=True, slots=True)
class ConfidenceFigures:
    """How far confidence can be trusted.

    `calibration_error` is the expected calibration error in ten bins of equal width (C. Guo and others, "On calibration
    of modern neural networks", 2017); a trial is right when no word of it is wrong. `area` is the area under the curve
    of risk over coverage, `best` that of a confidence that ranks every right trial before every wrong one.
    """

    clips: int
    calibration_error: float
    bins: tuple[ReliabilityBin, ...]
    risk: tuple[RiskPoint, ...]
    area: float
    best: float


def measure_confidence(trials: Sequence[Trial]) -> ConfidenceFigures | None:
    """Measure the confidence of trials with speech for which a text was returned.

    Args:
        trials: All trials.

    Returns:
        The figures, None where no confidence is known.
    """
    known = [t for t in trials if t.confidence is not None and t.has_speech and t.text]
    if not known:
        return None
    confidence = np.array([min(max(t.confidence or 0.0, 0.0), 1.0) for t in known])
    errors = np.array([t.normalised.errors for t in known])
    words = np.array([t.normalised.words for t in known])
    right = errors == 0
    places = np.minimum((confidence * BINS).astype(int), BINS - 1)
    bins = tuple(
        ReliabilityBin(
            b / BINS, (b + 1) / BINS, int(own.sum()), float(confidence[own].mean()), float(right[own].mean())
        )
        for b in range(BINS)
        if (own := places == b).any()
    )
    ordered = np.argsort(-confidence, kind="stable")
    best = np.argsort(errors / words, kind="stable")
    risks, ideal = (_risks(errors[order], words[order]) for order in (ordered, best))
    steps = np.unique(np.linspace(1, len(known), min(len(known), 60)).round().astype(int))
    return ConfidenceFigures(
        clips=len(known),
        calibration_error=float(sum(b.clips * abs(b.right - b.confidence) for b in bins) / len(known)),
        bins=bins,
        risk=tuple(
            RiskPoint(float(n / len(known)), float(confidence[ordered[n - 1]]), float(risks[n - 1])) for n in steps
        ),
        area=float(risks.mean()),
        best=float(ideal.mean()),
    )


def _means(confidence: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    return float(confidence.mean()), float(right.mean())


def _risks(errors: NDArray[np.int64], words: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the pooled error rate of the first 1, 2, ... trials."""
    wrong, said = np.cumsum(errors), np.cumsum(words)
    return np.array([rate(int(one), int(all_)) for one, all_ in zip(wrong, said, strict=True)])
