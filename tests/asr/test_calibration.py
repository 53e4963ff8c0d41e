"""Confidence: from how sure the decoder was to how likely the text is right."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.calibration import MIN_CLIPS, brier_score, calibrate, confidence_of, held_out_confidences
from data.records import Calibration

LOG_PROBS = st.lists(st.floats(-4.0, 0.0), min_size=MIN_CLIPS, max_size=60)


def sayings(n_clips: int, slope: float, intercept: float) -> tuple[list[float], list[bool]]:
    """Clips whose texts are right as often as a line through the log odds says."""
    chance = np.random.default_rng(0)
    log_probs = -chance.exponential(0.4, n_clips)
    odds = slope * log_probs + intercept
    return log_probs.tolist(), (chance.random(n_clips) < 1 / (1 + np.exp(-odds))).tolist()


def test_without_a_calibration_confidence_is_the_mean_probability_of_a_token() -> None:
    assert confidence_of(math.log(0.7), None) == pytest.approx(0.7)


def test_the_line_that_made_the_outcomes_is_found_again() -> None:
    found = calibrate(*sayings(20_000, 5.0, 2.0))
    assert found is not None
    assert found.slope == pytest.approx(5.0, abs=0.3)
    assert found.intercept == pytest.approx(2.0, abs=0.1)


def test_a_decoder_that_is_too_sure_is_mended_on_clips_that_were_not_fitted_on() -> None:
    log_probs, right = sayings(400, 5.0, 0.0)
    before = brier_score([confidence_of(value, None) for value in log_probs], right)
    assert brier_score(held_out_confidences(log_probs, right), right) < before - 0.05


def test_a_few_clips_are_not_fitted_on() -> None:
    log_probs, right = sayings(MIN_CLIPS - 1, 5.0, 2.0)
    assert calibrate(log_probs, right) is None


@given(LOG_PROBS, st.randoms(use_true_random=False))
def test_a_surer_text_is_never_less_likely_to_be_right(log_probs: list[float], chance: "object") -> None:
    right = [bool(chance.getrandbits(1)) for _ in log_probs]  # type: ignore[attr-defined]  # hypothesis' own Random
    found = calibrate(log_probs, right)
    confidences = [confidence_of(value, found) for value in sorted(log_probs)]
    assert confidences == sorted(confidences)
    assert all(0.0 <= confidence <= 1.0 for confidence in confidences)


@pytest.mark.parametrize("right", [True, False])
def test_clips_that_are_all_right_or_all_wrong_leave_a_doubt(right: bool) -> None:
    found = calibrate([-0.1] * 30, [right] * 30)
    assert 0.0 < confidence_of(-0.1, found) < 1.0
    assert (confidence_of(-0.1, found) > 0.5) is right


def test_a_brier_score_is_nought_for_certainty_that_is_right() -> None:
    assert brier_score([1.0, 0.0], [True, False]) == 0.0
    assert brier_score([0.5, 0.5], [True, False]) == 0.25


def test_a_calibration_is_a_logistic_curve() -> None:
    assert confidence_of(-1.0, Calibration(2.0, 2.0, 50)) == pytest.approx(0.5)
