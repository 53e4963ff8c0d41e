"""What is answered and what is refused: text missing where somebody spoke, text made up where nobody did."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.evaluation.resampling import Resampling
from asr.evaluation.slices import SCALES
from asr.evaluation.trials import Trial
from data.intervals import Interval, rate


@dataclass(frozen=True, slots=True)
class Share:
    """How many of how many, with the 95% interval of the share; a share of nothing is 0."""

    count: int
    of: int
    value: float
    interval: Interval


@dataclass(frozen=True, slots=True)
class AcceptanceBand:
    """Clips with speech in a band of the signal-to-noise ratio: how many got a text, and how many a right one."""

    band: str
    accepted: Share
    right: Share


@dataclass(frozen=True, slots=True)
class AcceptanceFigures:
    """`nulls` are clips with speech that got no text, `false_outputs` clips without speech that got one."""

    nulls: Share
    false_outputs: Share
    bands: tuple[AcceptanceBand, ...]


def measure_acceptance(trials: Sequence[Trial], resampling: Resampling) -> AcceptanceFigures:
    """Measure what is answered.

    Args:
        trials: All trials.
        resampling: Of the trials.

    Returns:
        The figures; bands only of clips whose signal-to-noise ratio is known.
    """
    speech = np.array([trial.has_speech for trial in trials])
    text = np.array([bool(trial.text) for trial in trials])
    right = np.array([trial.normalised.errors == 0 for trial in trials])

    def share(having: NDArray[np.bool_], among: NDArray[np.bool_]) -> Share:
        count, of = int((having & among).sum()), int(among.sum())
        between = resampling.interval((having & among).astype(np.int64), among.astype(np.int64))
        return Share(count, of, rate(count, of), between)

    scale = SCALES[0]
    values = [scale.value(trial) for trial in trials]
    bands = np.array([-1 if value is None else scale.band(value) for value in values])
    return AcceptanceFigures(
        nulls=share(~text, speech),
        false_outputs=share(text, ~speech),
        bands=tuple(
            AcceptanceBand(scale.name(int(band)), share(text, own), share(right, own))
            for band in np.unique(bands[bands >= 0])
            if (own := (bands == band) & speech).any()
        ),
    )
