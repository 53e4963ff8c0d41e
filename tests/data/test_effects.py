"""Effects: each does what it says, by as much as it says."""

from collections.abc import Callable

import numpy as np
import pytest

from data.effects import (
    CODECS,
    COLOURS,
    add_noise,
    change_gain,
    change_speed,
    clip_peaks,
    coloured_noise,
    in_room,
    room_response,
    through_telephone,
)
from data.records import SAMPLE_RATE, Samples


@pytest.fixture(scope="module")
def speech(clip: Callable[[str], Samples]) -> Samples:
    return clip("conf-getpin")


def power_db(samples: Samples) -> float:
    return 10 * float(np.log10(np.mean(samples.astype(np.float64) ** 2)))


def share_above(samples: Samples, hertz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    return float(spectrum[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) > hertz].sum() / spectrum.sum())


@pytest.mark.parametrize("snr_db", [0.0, 10.0, 20.0])
def test_noise_is_added_at_its_ratio(speech: Samples, snr_db: float) -> None:
    noise = coloured_noise(SAMPLE_RATE, "white", np.random.default_rng(0))
    noisy = add_noise(speech, noise, snr_db)
    assert power_db(speech) - power_db(noisy - speech) == pytest.approx(snr_db, abs=0.1)


def test_noise_on_silence_stays_silence() -> None:
    silence = np.zeros(100, np.float32)
    assert np.array_equal(add_noise(silence, np.ones(10, np.float32), 10.0), silence)


def test_colours_fall_with_frequency() -> None:
    highs = [share_above(coloured_noise(SAMPLE_RATE, colour, np.random.default_rng(0)), 1_000) for colour in COLOURS]
    assert highs == sorted(highs, reverse=True)
    assert highs[0] == pytest.approx(7 / 8, abs=0.02)


@pytest.mark.parametrize("seconds", [0.2, 0.5])
def test_a_room_decays_by_60_db_in_its_time(seconds: float) -> None:
    response = room_response(seconds, 0.0, np.random.default_rng(0))[1:].astype(np.float64)
    left = 10 * np.log10(np.cumsum(response[::-1] ** 2)[::-1] / np.sum(response**2))
    fall = np.interp(0.5 * len(left), np.arange(len(left)), left) - left[0]
    assert fall == pytest.approx(-30.0, abs=2.0)


def test_a_room_has_its_share_of_direct_sound() -> None:
    response = room_response(0.4, 6.0, np.random.default_rng(0))
    assert 10 * np.log10(response[0] ** 2 / np.sum(response[1:] ** 2)) == pytest.approx(6.0, abs=0.01)


def test_a_room_changes_neither_length_nor_loudness(speech: Samples) -> None:
    heard = in_room(speech, room_response(0.4, 3.0, np.random.default_rng(0)))
    assert len(heard) == len(speech)
    assert power_db(heard) == pytest.approx(power_db(speech), abs=0.01)


def test_a_response_that_is_only_direct_sound_changes_nothing(speech: Samples) -> None:
    late = np.zeros(500, np.float32)
    late[200] = 0.5
    assert np.abs(in_room(speech, late) - speech).max() < 1e-5


@pytest.mark.parametrize("codec", CODECS)
def test_a_telephone_keeps_its_band_and_the_length(speech: Samples, codec: str) -> None:
    heard = through_telephone(speech, codec)
    assert abs(len(heard) - len(speech)) < 0.05 * SAMPLE_RATE
    assert share_above(heard, 4_100) < 1e-3 < share_above(speech, 4_100)
    assert power_db(heard) == pytest.approx(power_db(speech), abs=6.0)


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_changes_the_length(speech: Samples, factor: float) -> None:
    assert len(change_speed(speech, factor)) == pytest.approx(len(speech) / factor, abs=2)


def test_gain_stays_within_full_scale(speech: Samples) -> None:
    assert power_db(change_gain(speech, -6.0)) == pytest.approx(power_db(speech) - 6.0, abs=0.01)
    assert np.abs(change_gain(speech, 40.0)).max() == 1.0


def test_overdrive_clips_the_share_asked_for(speech: Samples) -> None:
    driven = clip_peaks(speech, 0.05)
    assert np.mean(np.abs(driven) >= np.abs(driven).max() * 0.9999) == pytest.approx(0.05, abs=0.001)
    assert np.abs(driven).max() == pytest.approx(np.abs(speech).max())
