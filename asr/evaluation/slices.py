"""Parts of a test set: by tag, and by what the clips are like. They overlap; nobody has to choose them beforehand."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.evaluation.trials import Trial

MIN_CLIPS = 5
"""Utterances from which on a tag is a slice; tags that are rarer name single clips."""

MAX_TAGS = 60
"""Most tags that become slices, the most frequent ones."""

EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """Some of the trials: `members` is a mask of shape `(n,)`; `kind` says what tells them from the others."""

    name: str
    kind: str
    members: NDArray[np.bool_]

    @property
    def size(self) -> int:
        """How many trials it has."""
        return int(self.members.sum())


@dataclass(frozen=True, slots=True)
class Scale:
    """A figure of a trial and the bounds by which it is cut into bands, ascending; a bound belongs to the upper one."""

    kind: str
    unit: str
    value: Callable[[Trial], float | None]
    bounds: tuple[float, ...]

    def band(self, value: float) -> int:
        """Give the number of the band that a value is in."""
        return sum(value >= bound for bound in self.bounds)

    def name(self, band: int) -> str:
        """Give the name of a band."""
        unit = f" {self.unit}"
        if band == 0:
            return f"{self.kind} under {self.bounds[0]:g}{unit}"
        if band == len(self.bounds):
            return f"{self.kind} {self.bounds[-1]:g}{unit} and more"
        low, high = self.bounds[band - 1 : band + 1]
        if self.unit == "words":  # whole numbers: the bound above is no part of the band
            high -= 1.0
        return f"{self.kind} {low:g}{unit}" if high == low else f"{self.kind} {low:g} to {high:g}{unit}"


def pace(trial: Trial) -> float | None:
    """Give the words of a trial over its seconds of speech, None where there is no speech."""
    seconds = trial.clip.speech_seconds
    return trial.normalised.words / seconds if seconds and trial.has_speech else None


SCALES = (
    Scale("noise: SNR", "dB", lambda trial: trial.clip.snr_db, (5.0, 10.0, 20.0, 30.0)),
    Scale("duration", "s", lambda trial: trial.clip.seconds, (1.0, 2.0, 4.0, 8.0)),
    Scale("length", "words", lambda trial: trial.normalised.words or None, (2.0, 3.0, 5.0, 9.0)),
    Scale("level", "LUFS", lambda trial: trial.clip.loudness, (-40.0, -30.0, -20.0)),
    Scale("pace", "words/s", pace, (2.0, 3.0, 4.0)),
)
"""By what clips are told apart besides their tags. The bounds are fixed, so that reports can be compared."""


def slices_of(trials: Sequence[Trial]) -> tuple[Slice, ...]:
    """Cut trials into slices.

    Args:
        trials: At least one.

    Returns:
        One slice for each tag on at least five trials that is not on all of them, and one for each band of each scale
        that has a trial, unless it has all.
    """
    counts = Counter(tag for trial in trials for tag in set(trial.utterance.tags))
    tags = [tag for tag, count in counts.most_common(MAX_TAGS) if MIN_CLIPS <= count < len(trials)]
    found = [Slice(tag, "tag", np.array([tag in trial.utterance.tags for trial in trials])) for tag in tags]
    for scale in SCALES:
        values = [scale.value(trial) for trial in trials]
        bands = np.array([-1 if value is None else scale.band(value) for value in values])
        for band in np.unique(bands[bands >= 0]):
            members = bands == band
            if not members.all():
                found.append(Slice(scale.name(int(band)), scale.kind, members))
    return tuple(found)
