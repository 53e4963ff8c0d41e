"""What to work on next: for each slice, how much there is to gain.

The rule is that of A. Ng's error analysis: what a slice could contribute is its distance to what people reach, times
its share of the data. Slices overlap, so potentials do not add up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from asr.evaluation.resampling import Resampling
from asr.evaluation.slices import Slice
from asr.evaluation.trials import Trials
from data.intervals import Interval, rate

ENOUGH_CLIPS = 20
"""Fewest utterances with speech from which a slice is judged."""

MIDDLE = 3
"""Ease and importance of a slice, from 1 to 5, until a person says otherwise."""


class Verdict(StrEnum):
    """How much a row of the table can be trusted."""

    GAP = "gap"
    NO_GAP = "no gap shown"
    TOO_FEW = "too few clips to tell"


@dataclass(frozen=True, slots=True)
class HumanLevel:
    """The accuracy that people reach, in per cent: overall, and by tag where it was measured; `source` says how."""

    overall: float
    by_tag: Mapping[str, float]
    source: str
    measured: bool

    def of(self, name: str) -> float:
        """Give the level for a slice: its own where it was measured, else the overall one."""
        return self.by_tag.get(name, self.overall)


@dataclass(frozen=True, slots=True)
class Priority:
    """A row of the prioritisation table; everything but counts is in per cent, `potential` and `gap` in points.

    `accuracy` is the share of words that are right, less those that were added, never below 0. `share` is that of the
    words of the data, `share_of_errors` that of all errors. `rank` is 1 for the most potential, None where there are
    too few clips.
    """

    name: str
    kind: str
    utterances: int
    words: int
    accuracy: float
    interval: Interval
    human: float
    gap: float
    share: float
    potential: float
    share_of_errors: float
    error_rate: float
    verdict: Verdict
    rank: int | None
    ease: int = MIDDLE
    importance: int = MIDDLE


def potential(accuracy: float, human: float, share: float) -> float:
    """Say how many points of overall accuracy a slice could bring.

    Args:
        accuracy: Of the recogniser inside the slice, in per cent.
        human: What people reach there, in per cent.
        share: Of the slice in the data, in per cent.

    Returns:
        Points, 0 where the recogniser is as good as people.
    """
    return max(0.0, human - accuracy) * share / 100.0


def prioritise(
    trials: Trials, slices: Sequence[Slice], resampling: Resampling, human: HumanLevel
) -> tuple[Priority, ...]:
    """Rank slices by what there is to gain in them.

    Args:
        trials: All trials.
        slices: Parts of them.
        resampling: Of all trials.
        human: What people reach.

    Returns:
        A row for each slice that has words, most potential first, those with too few clips last.
    """
    errors, words = trials.errors, trials.words
    spoken = words > 0
    all_words, all_errors = int(words.sum()), int(errors[spoken].sum())
    rows = []
    for each in slices:
        members = each.members & spoken
        if not members.any():
            continue
        own_errors, own_words = errors * members, words * members
        wrong, said = int(own_errors.sum()), int(own_words.sum())
        between = resampling.interval(own_errors, own_words)
        accuracy = max(0.0, 100.0 * (1.0 - wrong / said))
        interval = Interval(max(0.0, 100.0 * (1.0 - between.high)), max(0.0, 100.0 * (1.0 - between.low)))
        level, share = human.of(each.name), 100.0 * said / all_words
        count = int(members.sum())
        rows.append(
            Priority(
                name=each.name,
                kind=each.kind,
                utterances=count,
                words=said,
                accuracy=accuracy,
                interval=interval,
                human=level,
                gap=level - accuracy,
                share=share,
                potential=potential(accuracy, level, share),
                share_of_errors=100.0 * rate(wrong, all_errors) if all_errors else 0.0,
                error_rate=100.0 * wrong / said,
                verdict=_verdict(count, interval, level),
                rank=None,
            )
        )
    return ranked(rows)


def ranked(rows: Sequence[Priority]) -> tuple[Priority, ...]:
    """Sort rows by potential, ease and importance, and number those that can be judged."""

    def key(row: Priority) -> tuple[bool, float, str]:
        weighed = row.potential * row.ease * row.importance
        return row.verdict is Verdict.TOO_FEW, -weighed, row.name

    ordered = sorted(rows, key=key)
    return tuple(
        replace(row, rank=None if row.verdict is Verdict.TOO_FEW else place) for place, row in enumerate(ordered, 1)
    )


def _verdict(utterances: int, interval: Interval, human: float) -> Verdict:
    if utterances < ENOUGH_CLIPS:
        return Verdict.TOO_FEW
    return Verdict.NO_GAP if interval.high >= human else Verdict.GAP


def accuracy_of(trials: Trials) -> float:
    """Give the overall accuracy on clips with speech, in per cent."""
    spoken = trials.words > 0
    wrong = rate(int(trials.errors[spoken].sum()), int(np.sum(trials.words)))
    return max(0.0, 100.0 * (1.0 - wrong))
