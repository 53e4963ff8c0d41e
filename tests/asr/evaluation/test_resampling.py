"""Resampling: of speakers where there are enough of them, and the report says why not."""

import numpy as np
import pytest

from asr.evaluation.resampling import resample
from data.intervals import Interval


def test_speakers_are_resampled_where_they_are_known() -> None:
    speakers = [f"s{n % 10}" for n in range(100)]
    resampling = resample(speakers)
    assert (resampling.unit, resampling.weights.shape) == ("speakers", (1000, 10))
    assert (resampling.weights.sum(axis=1) == 10).all()


@pytest.mark.parametrize(
    ("speakers", "reason"),
    [(["a", None, "b"], "the speaker of 1 utterances is not known"), (["a"] * 3, "1 speaker: nothing is said about")],
)
def test_utterances_are_resampled_otherwise_and_the_reason_is_given(speakers: list[str | None], reason: str) -> None:
    resampling = resample(speakers)
    assert resampling.unit == "utterances"
    assert reason in resampling.reason


def test_errors_of_one_speaker_widen_the_interval() -> None:
    """Ten speakers of ten utterances; all errors are one person's."""
    errors = np.array([1] * 10 + [0] * 90)
    words = np.ones(100, int)
    by_speaker = resample([f"s{n // 10}" for n in range(100)]).interval(errors, words)
    by_utterance = resample([None] * 100).interval(errors, words)
    assert by_speaker.high - by_speaker.low > 1.5 * (by_utterance.high - by_utterance.low)


def test_the_interval_is_that_of_a_plain_bootstrap() -> None:
    random = np.random.default_rng(3)
    words = random.integers(1, 9, 400)
    errors = random.binomial(words, 0.2)
    drawn = random.integers(0, 400, (4000, 400))
    low, high = np.percentile(errors[drawn].sum(axis=1) / words[drawn].sum(axis=1), [2.5, 97.5])
    found = resample([None] * 400, resamples=4000).interval(errors, words)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.003)


def test_a_slice_without_words_has_a_defined_interval() -> None:
    resampling = resample([None, None])
    assert resampling.interval(np.array([1, 0]), np.array([0, 0])) == Interval(1.0, 1.0)
    assert resampling.interval(np.array([0, 0]), np.array([0, 0])) == Interval(0.0, 0.0)
