"""Rates pooled over clips, and how sure they are.

Knows nothing of what is counted.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval."""

    low: float
    high: float


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
