"""Loudness and true peak against the libraries that define them for us: pyloudnorm and scipy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyloudnorm import Meter
from scipy.signal import resample_poly

from data.loudness import integrated_loudness, true_peak_db
from data.records import SAMPLE_RATE, Samples


def bursts(seed: int, n_samples: int) -> Samples:
    random = np.random.default_rng(seed)
    envelope = np.repeat(10.0 ** random.uniform(-4, -0.5, n_samples // 800 + 1), 800)[:n_samples]
    return (envelope * random.normal(0.0, 0.3, n_samples)).clip(-1, 1).astype(np.float32)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1_000), st.integers(6_401, 80_000))
def test_loudness_is_what_pyloudnorm_measures(seed: int, n_samples: int) -> None:
    samples = bursts(seed, n_samples)
    expected = Meter(SAMPLE_RATE).integrated_loudness(samples.astype(np.float64))
    assert integrated_loudness(samples) == pytest.approx(expected, abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1_000), st.integers(1, 20_000))
def test_the_true_peak_is_that_of_the_oversampled_signal(seed: int, n_samples: int) -> None:
    samples = bursts(seed, n_samples)
    expected = 20 * np.log10(max(np.abs(resample_poly(samples, 4, 1)).max(), np.abs(samples).max()))
    assert true_peak_db(samples) == pytest.approx(expected, abs=0.05)
