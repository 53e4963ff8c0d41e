"""Stored clips: nothing lost in rounding, nothing stored twice, one hash for one sound."""

from pathlib import Path

import numpy as np
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from data.clips import audio_digest, is_stored, read_clip, store_clip, to_pcm
from data.records import SAMPLE_RATE, Samples


@given(arrays(np.int16, st.integers(1, 200)))
def test_samples_of_16_bits_come_out_as_they_were(pcm: NDArray[np.int16]) -> None:
    assert np.array_equal(to_pcm((pcm / 32_768).astype(np.float32)), pcm)


def noise(seed: int = 0) -> Samples:
    return np.random.default_rng(seed).normal(0, 0.1, SAMPLE_RATE).astype(np.float32)


def test_a_stored_clip_is_read_back_within_half_a_step_of_16_bits(tmp_path: Path) -> None:
    path = store_clip(tmp_path, noise())
    assert np.abs(read_clip(tmp_path / path) - noise()).max() <= 0.5 / 32_768 + 1e-9


def test_the_same_samples_are_stored_once(tmp_path: Path) -> None:
    path = store_clip(tmp_path, noise())
    before = (tmp_path / path).stat().st_mtime_ns
    assert store_clip(tmp_path, noise()) == path
    assert (tmp_path / path).stat().st_mtime_ns == before
    assert store_clip(tmp_path, noise(1)) != path


def test_a_clip_left_empty_by_a_loss_of_power_is_stored_again(tmp_path: Path) -> None:
    path = store_clip(tmp_path, noise())
    (tmp_path / path).write_bytes(b"")
    assert not is_stored(tmp_path, path)
    store_clip(tmp_path, noise())
    assert is_stored(tmp_path, path)


def test_one_sound_has_one_hash_in_flac_and_wav(tmp_path: Path) -> None:
    flac = tmp_path / store_clip(tmp_path, noise())
    wav = tmp_path / "copy.wav"
    soundfile.write(wav, to_pcm(noise()), SAMPLE_RATE, subtype="PCM_16")
    assert audio_digest(flac) == audio_digest(wav)
    assert audio_digest(flac) != audio_digest(tmp_path / store_clip(tmp_path, noise(1)))
