"""Prioritisation: the textbook table to the digit, and honest about what is too little to tell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.evaluation.prioritisation import HumanLevel, Verdict, potential, prioritise
from asr.evaluation.resampling import resample
from asr.evaluation.slices import Slice, slices_of
from tests.asr.evaluation.conftest import MakeTrials

PEOPLE = HumanLevel(99.0, {"car": 95.0}, "given", measured=True)


@pytest.mark.parametrize(
    ("tag", "accuracy", "human", "share", "points"),
    [
        ("clean", 94, 95, 60, 0.6),
        ("car", 89, 93, 4, 0.16),
        ("people", 87, 89, 30, 0.6),
        ("low bandwidth", 70, 70, 6, 0),
    ],
)
def test_potentials_are_those_of_the_textbook(
    tag: str, accuracy: float, human: float, share: float, points: float
) -> None:
    assert potential(accuracy, human, share) == points


def test_a_recogniser_better_than_people_has_no_potential() -> None:
    assert potential(98.0, 95.0, 50.0) == 0.0


def test_rows_are_ranked_by_potential_and_measured_against_their_own_human_level(make_trials: MakeTrials) -> None:
    good, bad = ("two words", "two words"), ("two words", "two swords")
    trials = make_trials(*[good] * 60, *[bad] * 40, tags=[["clean"]] * 60 + [["car"]] * 40)
    rows = prioritise(trials, slices_of(trials.all), resample([None] * 100), PEOPLE)
    assert [(row.name, row.rank, row.verdict) for row in rows] == [
        ("car", 1, Verdict.GAP),
        ("clean", 2, Verdict.NO_GAP),
    ]
    car = rows[0]
    assert (car.accuracy, car.human, car.gap, car.share) == (50.0, 95.0, 45.0, 40.0)
    assert car.potential == pytest.approx(18.0)
    assert (car.share_of_errors, car.error_rate) == (100.0, 50.0)
    assert car.interval.low < 50.0 < car.interval.high or car.interval.low == car.interval.high


def test_too_few_clips_have_no_rank_and_come_last(make_trials: MakeTrials) -> None:
    trials = make_trials(*[("a b", "a c")] * 30, *[("a b", "x y")] * 6, tags=[["many"]] * 30 + [["few"]] * 6)
    rows = prioritise(trials, slices_of(trials.all), resample([None] * 36), PEOPLE)
    assert [(row.name, row.rank) for row in rows] == [("many", 1), ("few", None)]
    assert rows[-1].verdict is Verdict.TOO_FEW


def test_clips_without_speech_are_no_part_of_a_row(make_trials: MakeTrials) -> None:
    trials = make_trials(("[noise]", "made up"), ("said", "said"), tags=[["quiet"], ["quiet"]])
    everything = Slice("quiet", "tag", np.array([True, True]))
    (row,) = prioritise(trials, [everything], resample([None] * 2), PEOPLE)
    assert (row.utterances, row.accuracy, row.share_of_errors) == (1, 100.0, 0.0)


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_a_potential_is_never_negative_nor_more_than_the_share(accuracy: float, human: float, share: float) -> None:
    assert 0.0 <= potential(accuracy, human, share) <= share * (1 + 1e-12)
