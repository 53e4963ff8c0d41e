"""Log-mel features equal those the weights were trained with."""

from collections.abc import Callable

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.features import CONTEXT_SAMPLES, MIN_OWN_SAMPLES, log_mel, mel_filters, own_log_mel, padded_log_mel
from data.records import SAMPLE_RATE, Samples


@pytest.mark.parametrize("n_mels", [80, 128])
def test_the_mel_filters_are_those_of_the_reference(n_mels: int) -> None:
    assert np.allclose(mel_filters(n_mels), FeatureExtractor.get_mel_filters(16_000, 400, n_mels), atol=1e-7)


@pytest.mark.parametrize("name", ["tt-monkeysintro", "digits-7"])
def test_features_of_speech_are_those_of_the_reference(clip: Callable[[str], Samples], name: str) -> None:
    samples = clip(name)
    reference = FeatureExtractor(80)
    assert np.allclose(log_mel(samples), reference(samples, padding=0)[:, : len(samples) // 160], atol=1e-4)
    whole = np.pad(samples, (0, CONTEXT_SAMPLES - len(samples)))
    assert np.allclose(padded_log_mel(samples), reference(whole, padding=0), atol=1e-4)


@settings(max_examples=30)
@given(st.integers(1, 6000), st.integers(0, 99))
def test_a_clip_of_any_length_has_a_frame_every_10_ms(length: int, seed: int) -> None:
    samples = np.random.default_rng(seed).normal(0, 0.1, length).astype(np.float32)
    features = log_mel(samples)
    assert features.shape == (80, max(length // 160, 1))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert padded_log_mel(samples).shape == (80, 3000)


@given(st.integers(1, CONTEXT_SAMPLES) | st.sampled_from([MIN_OWN_SAMPLES, MIN_OWN_SAMPLES + 8000]))
@settings(max_examples=30)
def test_at_its_own_length_a_clip_is_followed_by_less_than_half_a_second_unless_it_is_very_short(
    n_samples: int,
) -> None:
    samples = np.random.default_rng(n_samples).normal(0.0, 0.1, n_samples).astype(np.float32)
    n_frames = own_log_mel(samples).shape[1]
    added = n_frames * 160 - n_samples
    assert n_frames % 50 == 0
    assert 0 <= added < SAMPLE_RATE // 2 or n_frames * 160 == MIN_OWN_SAMPLES
    if added == 0:
        assert (own_log_mel(samples) == log_mel(samples)).all()
