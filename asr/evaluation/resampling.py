"""Bootstrap intervals for many rates at once: one set of resamples, drawn once, weighs every slice.

Speakers are resampled where they are known, because one person's utterances resemble each other (M. Bisani and H. Ney,
"Bootstrap estimates for confidence intervals in ASR performance evaluation", 2004).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.intervals import Interval, rate

MIN_SPEAKERS = 8
"""Fewest speakers that are resampled; with fewer, an interval over them says next to nothing."""

RESAMPLES = 1000


@dataclass(frozen=True, slots=True, eq=False)
class Resampling:
    """How often each group is drawn in each resample.

    `groups` gives the group of each utterance, shape `(n,)`; `weights` counts draws, shape `(resamples, n_groups)`;
    `unit` is what a group is, and `reason` why.
    """

    unit: str
    reason: str
    groups: NDArray[np.int64]
    weights: NDArray[np.float32]

    def totals(self, values: NDArray[np.int64]) -> NDArray[np.float32]:
        """Sum values over each resample.

        Args:
            values: Shape `(n,)` or `(n, k)`, one row per utterance; whole numbers.

        Returns:
            Shape `(resamples,)` or `(resamples, k)`.
        """
        grouped = np.zeros((self.weights.shape[1], *values.shape[1:]), np.float32)
        np.add.at(grouped, self.groups, values)
        summed: NDArray[np.float32] = self.weights @ grouped
        return summed

    def interval(self, errors: NDArray[np.int64], units: NDArray[np.int64]) -> Interval:
        """Give the 95% percentile interval of a pooled rate.

        Args:
            errors: Per utterance, shape `(n,)`, 0 outside the slice in question; differences may be negative.
            units: Likewise.

        Returns:
            The interval; the rate itself twice where no resample has any unit.
        """
        drawn = self.rates(errors, units)
        if not len(drawn):
            value = rate(int(errors.sum()), int(units.sum()))
            return Interval(value, value)
        low, high = np.percentile(drawn, [2.5, 97.5])
        return Interval(float(low), float(high))

    def rates(self, errors: NDArray[np.int64], units: NDArray[np.int64]) -> NDArray[np.float64]:
        """Give the pooled rate of each resample that has any unit."""
        totals = self.totals(np.stack([errors, units], axis=1)).astype(np.float64)
        some = totals[:, 1] > 0
        pooled: NDArray[np.float64] = totals[some, 0] / totals[some, 1]
        return pooled


def resample(speakers: Sequence[str | None], *, resamples: int = RESAMPLES, seed: int = 0) -> Resampling:
    """Draw resamples of speakers, or of utterances where that would say nothing.

    Args:
        speakers: Of each utterance, None where unknown; at least one.
        resamples: How many.
        seed: Of the drawing.

    Returns:
        The resampling.
    """
    names = [name for name in speakers if name is not None]
    distinct = sorted(set(names))
    if len(names) < len(speakers):
        unit, reason = "utterances", f"the speaker of {len(speakers) - len(names):,} utterances is not known"
    elif len(distinct) < MIN_SPEAKERS:
        unit = "utterances"
        reason = f"{len(distinct)} speaker{'s' * (len(distinct) != 1)}: nothing is said about other people's speech"
    else:
        unit, reason = "speakers", f"{len(distinct):,} speakers"
    if unit == "speakers":
        place = {name: index for index, name in enumerate(distinct)}
        groups = np.array([place[name] for name in names], np.int64)
    else:
        groups = np.arange(len(speakers), dtype=np.int64)
    count = int(groups.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=resamples)
    return Resampling(unit, reason, groups, drawn.astype(np.float32))
