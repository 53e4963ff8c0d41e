"""Made sounds: as long as asked, the same for the same seed, and no speech to the voice detector's ear."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.nonspeech import PEAK, SOUND_KINDS, SoundKind, make_sound
from data.records import SAMPLE_RATE


@settings(max_examples=40)
@given(st.sampled_from(SOUND_KINDS), st.floats(0.01, 3.0), st.integers(0, 2**31))
def test_a_sound_has_its_length_its_peak_and_no_chance_but_its_seed(kind: SoundKind, seconds: float, seed: int) -> None:
    sound = make_sound(kind, seconds, seed)
    assert sound.dtype == np.float32
    assert len(sound) == max(round(seconds * SAMPLE_RATE), 1)
    assert np.isfinite(sound).all()
    assert np.abs(sound).max() <= PEAK * 1.0001
    assert (make_sound(kind, seconds, seed) == sound).all()


@pytest.mark.parametrize(("kind", "slope"), [("white", 0), ("pink", -10), ("brown", -20)])
def test_noise_falls_by_its_colour_in_each_decade(kind: SoundKind, slope: float) -> None:
    power = np.abs(np.fft.rfft(make_sound(kind, 30.0, 0))) ** 2
    hertz = np.fft.rfftfreq(30 * SAMPLE_RATE, 1 / SAMPLE_RATE)
    low, high = (10 * np.log10(power[(hertz > f) & (hertz < 1.3 * f)].mean()) for f in (300, 3000))
    assert high - low == pytest.approx(slope, abs=1.5)
