"""What is not believed: silence, noise, guesses, loops."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.rejection import is_loop, reject_audio, reject_text
from data.records import Conditioned, NullReason

SPEECH = Conditioned(
    samples=np.zeros(32_000, np.float32),
    gain_db=0.0,
    loudness_before=-23.0,
    loudness_after=-23.0,
    cut_before_ms=0.0,
    cut_after_ms=0.0,
    peak_db=-3.0,
    clipped_share=0.0,
    snr_db=30.0,
    speech_found=True,
    speech_seconds=1.5,
)
NO_SPEECH = replace(SPEECH, speech_found=False, speech_seconds=0.0, snr_db=None)


def test_silence_and_a_click_are_not_recognised_at_all() -> None:
    assert reject_audio(SPEECH) is None
    assert reject_audio(replace(SPEECH, loudness_before=float("-inf"))) is NullReason.SILENCE
    assert reject_audio(replace(SPEECH, loudness_before=-65.0)) is NullReason.SILENCE
    assert reject_audio(replace(SPEECH, samples=np.zeros(800, np.float32))) is NullReason.TOO_SHORT


@pytest.mark.parametrize(
    ("text", "confidence", "no_speech_prob", "clip", "reason"),
    [
        ("jurassic park", 0.9, 0.01, SPEECH, None),
        ("jurassic park", 0.1, 0.01, SPEECH, NullReason.LOW_CONFIDENCE),
        ("thank you", 0.4, 0.7, SPEECH, NullReason.NO_SPEECH),
        ("thank you", 0.9, 0.7, SPEECH, None),
        ("you", 0.9, 0.9, SPEECH, NullReason.NO_SPEECH),
        ("thank you", 0.9, 0.01, NO_SPEECH, None),
        ("thank you", 0.6, 0.01, NO_SPEECH, NullReason.NO_SPEECH),
        ("thank you", 0.9, 0.5, NO_SPEECH, NullReason.NO_SPEECH),
        ("...", 0.9, 0.01, SPEECH, NullReason.NO_SPEECH),
        ("you you you you you you you", 0.9, 0.01, SPEECH, NullReason.HALLUCINATION),
        ("a word " * 20, 0.9, 0.01, SPEECH, NullReason.HALLUCINATION),
        ("far more words than anybody could have said within two seconds of any speech at all", 0.9, 0.01, SPEECH,
         NullReason.HALLUCINATION),
    ],
)  # fmt: skip
def test_text_is_believed_only_with_evidence(
    text: str, confidence: float, no_speech_prob: float, clip: Conditioned, reason: NullReason | None
) -> None:
    assert reject_text(text, confidence, no_speech_prob, clip) is reason


@pytest.mark.parametrize(
    "title", ["it's a mad mad mad mad world", "new york new york", "new york, new york", "the the", "tora tora tora"]
)
def test_titles_that_repeat_themselves_are_no_loops(title: str) -> None:
    assert not is_loop(title)


@given(st.lists(st.sampled_from(["the", "matrix", "i'm", "2001"]), min_size=1, max_size=4), st.integers(6, 12))
def test_any_phrase_said_over_and_over_is_a_loop(words: list[str], times: int) -> None:
    assert is_loop(" ".join(words * times))
