"""Two recognisers on the same utterances: what changed, how sure that is, and whether it may go out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from asr.evaluation.prioritisation import ENOUGH_CLIPS
from asr.evaluation.resampling import Resampling, resample
from asr.evaluation.significance import (
    Difference,
    SegmentTest,
    SentenceTest,
    holm,
    matched_pairs,
    mcnemar,
    paired_bootstrap,
)
from asr.evaluation.slices import EVERYTHING, slices_of
from asr.evaluation.trials import Trials
from data.errors import ManifestError
from data.intervals import rate

SIGNIFICANT = 0.05


class Change(StrEnum):
    """What can be said of a slice."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "no difference shown"
    TOO_FEW = "too few clips to tell"


@dataclass(frozen=True, slots=True)
class SliceChange:
    """The error rates of both on a slice, as shares; `sentences` counts sentences fixed and broken.

    `adjusted` is the p-value, corrected by Holm over all slices that have enough clips; that of everything is not
    corrected, being the one question that was asked.
    """

    name: str
    kind: str
    utterances: int
    words: int
    ours: float
    theirs: float
    difference: Difference
    segments: SegmentTest
    sentences: SentenceTest
    adjusted: float
    change: Change


@dataclass(frozen=True, slots=True)
class Flip:
    """An utterance with fewer (`fixed`) or more errors than before, or with other ones."""

    utterance: str
    said: str
    ours: str
    theirs: str
    our_errors: int
    their_errors: int


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a release may go out: no slice may be significantly worse by more than `cap` (share of words)."""

    cap: float
    regressed: tuple[str, ...]
    untold: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing has regressed."""
        return not self.regressed


@dataclass(frozen=True, slots=True)
class Comparison:
    """The whole comparison; `slices` begins with everything, `general` holds the other test sets, each as a whole.

    `fixed` and `broken` are utterances with fewer and more errors, the largest changes first.
    """

    ours: str
    theirs: str
    unit: str
    slices: tuple[SliceChange, ...]
    general: tuple[SliceChange, ...]
    fixed: tuple[Flip, ...]
    broken: tuple[Flip, ...]
    gate: Gate | None

    @property
    def overall(self) -> SliceChange:
        """The change on everything."""
        return self.slices[0]


def compare(
    ours: Trials,
    theirs: Trials,
    names: tuple[str, str],
    general: Mapping[str, tuple[Trials, Trials]] | None = None,
    *,
    cap: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two recognisers.

    Args:
        ours: Trials of the new one.
        theirs: Trials of the one it is held against; what only one of them heard is left out.
        names: Of both.
        general: Other test sets by name, with the trials of both.
        cap: The largest rise of an error rate that the charter allows; None for no gate.
        resamples: Bootstrap resamples.
        seed: Of the resampling.

    Returns:
        The comparison; p-values of slices and other sets are corrected together, that of everything stands alone.
    """
    first, second = _common(ours, theirs)
    resampling = resample([t.utterance.speaker for t in first.all], resamples=resamples, seed=seed)
    everything = np.ones(len(first.all), bool)
    parts = [(EVERYTHING, "all", everything), *((s.name, s.kind, s.members) for s in slices_of(first.all))]
    rows = [_change(first, second, *part, resampling) for part in parts if (first.words[part[2]] > 0).any()]
    others = []
    for name, (our_set, their_set) in (general or {}).items():
        one, other = _common(our_set, their_set)
        own = resample([t.utterance.speaker for t in one.all], resamples=resamples, seed=seed)
        others.append(_change(one, other, name, "other set", np.ones(len(one.all), bool), own))
    if not rows:
        rows = [_change(first, second, *parts[0], resampling)]
    judged = _corrected([*rows, *others])
    flips = _flips(first, second)
    return Comparison(
        ours=names[0],
        theirs=names[1],
        unit=resampling.unit,
        slices=tuple(judged[: len(rows)]),
        general=tuple(judged[len(rows) :]),
        fixed=tuple(sorted((f for f in flips if f.our_errors < f.their_errors), key=_size)),
        broken=tuple(sorted((f for f in flips if f.our_errors > f.their_errors), key=_size)),
        gate=None if cap is None else gate_of(judged, cap),
    )


def _corrected(rows: Sequence[SliceChange]) -> list[SliceChange]:
    """Judge rows: the first, everything, on its own; those after it with enough clips are corrected together."""
    enough = [row for row in rows[1:] if row.utterances >= ENOUGH_CLIPS]
    adjusted = dict(zip(map(id, enough), holm([row.difference.p for row in enough]), strict=True))
    return [_judged(row, adjusted.get(id(row), row.difference.p)) for row in rows]


def gate_of(rows: Sequence[SliceChange], cap: float) -> Gate:
    """Judge a comparison.

    Args:
        rows: All slices and other sets.
        cap: The largest rise of an error rate that is let through, as a share of words.

    Returns:
        What has regressed: significantly after correction, and by more than the cap. What is too small to tell is
        named, because it was not judged.
    """
    return Gate(
        cap=cap,
        regressed=tuple(row.name for row in rows if row.change is Change.WORSE and row.difference.value > cap),
        untold=tuple(row.name for row in rows if row.change is Change.TOO_FEW),
    )


def _common(ours: Trials, theirs: Trials) -> tuple[Trials, Trials]:
    """Keep the utterances that both heard, in the same order."""
    their_own = {trial.utterance.id: trial for trial in theirs.all}
    kept = [trial for trial in ours.all if trial.utterance.id in their_own]
    if not kept:
        raise ManifestError("the two recognisers heard no utterance in common; name hypotheses of the same manifest")
    others = tuple(their_own[trial.utterance.id] for trial in kept)
    return Trials(tuple(kept), ours.unheard, ours.unknown), Trials(others, theirs.unheard, theirs.unknown)


def _change(
    ours: Trials, theirs: Trials, name: str, kind: str, members: NDArray[np.bool_], resampling: Resampling
) -> SliceChange:
    words = ours.words * members
    first, second = ours.errors * members, theirs.errors * members
    places = np.flatnonzero(members)
    return SliceChange(
        name=name,
        kind=kind,
        utterances=len(places),
        words=int(words.sum()),
        ours=rate(int(first.sum()), int(words.sum())),
        theirs=rate(int(second.sum()), int(words.sum())),
        difference=paired_bootstrap(resampling, first, second, words),
        segments=matched_pairs(
            *([trials.all[place].aligned.normalised for place in places] for trials in (ours, theirs))
        ),
        sentences=mcnemar(ours.errors[members], theirs.errors[members]),
        adjusted=1.0,
        change=Change.SAME,
    )


def _judged(row: SliceChange, adjusted: float) -> SliceChange:
    if row.utterances < ENOUGH_CLIPS:
        change = Change.TOO_FEW
    elif adjusted >= SIGNIFICANT or row.difference.value == 0.0:
        change = Change.SAME
    else:
        change = Change.WORSE if row.difference.value > 0.0 else Change.BETTER
    return replace(row, adjusted=adjusted, change=change)


def _flips(ours: Trials, theirs: Trials) -> list[Flip]:
    return [
        Flip(one.utterance.id, one.utterance.text, one.text, other.text, one.normalised.errors, other.normalised.errors)
        for one, other in zip(ours.all, theirs.all, strict=True)
        if one.normalised.errors != other.normalised.errors
    ]


def _size(flip: Flip) -> tuple[int, str]:
    return -abs(flip.our_errors - flip.their_errors), flip.utterance
