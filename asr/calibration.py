"""From a hypothesis' mean log probability to the probability that all its words are right.

A decoder's own probabilities say how sure it was of each token, and are too high after fine-tuning. On clips of which
the words are known, a line through the log odds mends that: J. Platt, "Probabilistic outputs for support vector
machines", 1999, with his smoothed targets.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from data.records import Calibration

MIN_CLIPS = 20
"""Fewest clips to fit on: ten for each of the two parameters."""

FOLDS = 5


def confidence_of(log_prob: float, calibration: Calibration | None) -> float:
    """Say how sure a hypothesis is.

    Args:
        log_prob: Mean log probability of its tokens, at most 0.
        calibration: Of the release, or None.

    Returns:
        In [0, 1]: with a calibration the probability that every word is right, else the tokens' mean probability.
    """
    if calibration is None:
        return math.exp(log_prob)
    return float(_probabilities(np.array([log_prob]), calibration.slope, calibration.intercept)[0])


def calibrate(log_probs: Sequence[float], right: Sequence[bool]) -> Calibration | None:
    """Fit the calibration of a release.

    Args:
        log_probs: Mean log probability of the best hypothesis, one per clip.
        right: Whether all its words were right, in the same order.

    Returns:
        The calibration, whose slope is never negative; None with fewer than `MIN_CLIPS` clips.
    """
    if len(log_probs) < MIN_CLIPS:
        return None
    slope, intercept = _fit(np.array(log_probs), np.array(right))
    return Calibration(slope, intercept, len(log_probs))


def held_out_confidences(log_probs: Sequence[float], right: Sequence[bool]) -> NDArray[np.float64]:
    """Give each clip the confidence that a calibration on the other clips would give it.

    Args:
        log_probs: As for `calibrate`, at least `MIN_CLIPS`.
        right: As for `calibrate`.

    Returns:
        Shape `(n_clips,)`, in [0, 1].
    """
    values, outcomes = np.array(log_probs), np.array(right)
    folds = np.random.default_rng(0).permutation(len(values)) % FOLDS
    found = np.zeros(len(values))
    for fold in range(FOLDS):
        inside = folds == fold
        found[inside] = _probabilities(values[inside], *_fit(values[~inside], outcomes[~inside]))
    return found


def brier_score(confidences: Sequence[float] | NDArray[np.float64], right: Sequence[bool]) -> float:
    """Measure how far confidences are from what happened.

    Args:
        confidences: In [0, 1], one per clip.
        right: What happened, in the same order.

    Returns:
        The mean squared difference, 0 at best. Source: G. Brier, "Verification of forecasts expressed in terms of
        probability", 1950.
    """
    return float(np.mean(np.square(np.array(confidences) - np.array(right))))


def _fit(log_probs: NDArray[np.float64], right: NDArray[np.bool_]) -> tuple[float, float]:
    """Find slope and intercept of the greatest likelihood."""
    from scipy.optimize import minimize
    from scipy.special import log_expit

    n_right = int(right.sum())
    n_wrong = len(right) - n_right
    targets = np.where(right, (n_right + 1) / (n_right + 2), 1 / (n_wrong + 2))

    def loss(line: NDArray[np.float64]) -> float:
        odds = line[0] * log_probs + line[1]
        return float(-np.sum(targets * log_expit(odds) + (1 - targets) * log_expit(-odds)))

    start = np.array([1.0, math.log((n_right + 1) / (n_wrong + 1))])
    slope, intercept = minimize(loss, start, method="L-BFGS-B", bounds=[(0.0, None), (None, None)]).x
    return float(slope), float(intercept)


def _probabilities(log_probs: NDArray[np.float64], slope: float, intercept: float) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(slope * log_probs + intercept), np.float64)
