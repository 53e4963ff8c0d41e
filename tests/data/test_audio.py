"""Decoding: every accepted container, every refusal, limits that hold while decoding."""

import io
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.audio import AudioLimits, decode
from data.errors import (
    AudioError,
    AudioTooLargeError,
    AudioTooLongError,
    EmptyAudioError,
    InvalidAudioError,
    UnsupportedAudioError,
)
from data.records import SAMPLE_RATE, Samples
from tests.recordings import CONTAINERS, encoded, flac_of_silence, wav

LIMITS = AudioLimits()
SPEECH = Path(__file__).parents[2] / "examples" / "speech" / "auth-thankyou.flac"


def speech() -> Samples:
    samples: Samples = soundfile.read(SPEECH, dtype="float32")[0]
    return samples


@pytest.mark.parametrize(
    ("container", "codec", "rate", "channels", "name"),
    [
        ("wav", "pcm_s16le", 44_100, 2, "wav"),
        ("wav", "pcm_mulaw", 8_000, 1, "wav"),
        ("flac", "flac", 96_000, 1, "flac"),
        ("ogg", "libopus", 48_000, 1, "ogg"),
        ("mp3", "libmp3lame", 44_100, 2, "mp3"),
        ("ipod", "aac", 48_000, 1, "mov"),
        ("adts", "aac", 44_100, 1, "aac"),
        ("webm", "libopus", 48_000, 2, "matroska"),
    ],
)
def test_every_container_that_browsers_and_people_send_decodes_to_the_same_speech(
    container: str, codec: str, rate: int, channels: int, name: str
) -> None:
    decoded = decode(encoded(speech(), container, codec, rate, channels), LIMITS)
    assert decoded.container == name
    assert (decoded.sample_rate, decoded.channels) == (rate, channels)
    assert decoded.samples.dtype == np.float32
    original = speech()
    assert abs(decoded.seconds - len(original) / SAMPLE_RATE) < 0.12
    n = min(len(original), len(decoded.samples))
    lag = int(np.argmax(np.correlate(decoded.samples[:n], original[:n], "full"))) - (n - 1)
    shifted, kept = (
        (decoded.samples[lag:n], original[: n - lag]) if lag >= 0 else (decoded.samples[: n + lag], original[-lag:n])
    )
    assert np.corrcoef(shifted, kept)[0, 1] > 0.95


def test_a_16_khz_file_comes_through_sample_by_sample() -> None:
    assert np.array_equal(decode(SPEECH.read_bytes(), LIMITS).samples, speech())


def test_ogg_vorbis_decodes() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, speech(), SAMPLE_RATE, format="OGG", subtype="VORBIS")
    decoded = decode(buffer.getvalue(), LIMITS)
    assert (decoded.container, len(decoded.samples)) == ("ogg", len(speech()))


def test_resampling_keeps_a_tone_and_removes_what_would_fold_back() -> None:
    time = np.arange(48_000) / 48_000
    kept = decode(wav(0.5 * np.sin(2 * np.pi * 1_000 * time), 48_000), LIMITS).samples
    folded = decode(wav(0.5 * np.sin(2 * np.pi * 12_000 * time), 48_000), LIMITS).samples
    assert np.sqrt(np.mean(kept[800:-800] ** 2)) == pytest.approx(0.5 / np.sqrt(2), rel=0.01)
    assert np.sqrt(np.mean(folded[800:-800] ** 2)) < 0.5 / 1000


def test_no_bytes_and_no_samples_are_empty() -> None:
    flac = io.BytesIO()
    soundfile.write(flac, np.zeros(0, np.float32), SAMPLE_RATE, format="FLAC")
    for content in (b"", wav(np.zeros(0)), flac.getvalue()):
        with pytest.raises(EmptyAudioError):
            decode(content, LIMITS)


@pytest.mark.parametrize(
    "content",
    [
        b"hello, this is text",
        b"RIFF\x00\x00\x00\x00WAVE",
        b"#EXTM3U\nhttp://127.0.0.1/x.ts\n",
        b"fLaC",
        b"\x00" * 64,
        b"OggS" * 30,
    ],
)
def test_what_is_not_audio_is_unsupported(content: bytes) -> None:
    with pytest.raises(UnsupportedAudioError):
        decode(content, LIMITS)


@pytest.mark.parametrize(
    "content",
    [
        wav(np.array([0.1, np.nan] * 500)),
        wav(np.array([0.1, np.inf] * 500)),
        wav(np.zeros(1000), rate=0),
        wav(np.zeros(1000), rate=1),
        wav(np.zeros(1000), rate=1_000_000_000),
        wav(np.zeros(2550), channels=255),
    ],
    ids=["nan", "inf", "0 Hz", "1 Hz", "1 GHz", "255 channels"],
)
def test_impossible_audio_is_invalid(content: bytes) -> None:
    with pytest.raises(InvalidAudioError):
        decode(content, LIMITS)


def test_a_header_that_claims_too_much_is_not_believed() -> None:
    assert len(decode(wav(speech(), claimed=2**32 - 1), LIMITS).samples) == len(speech())


def test_more_bytes_than_allowed_are_refused_before_decoding() -> None:
    with pytest.raises(AudioTooLargeError, match="at most 100"):
        decode(wav(speech()), AudioLimits(max_bytes=100))


def test_a_small_file_that_decodes_to_ten_hours_is_refused_without_filling_memory() -> None:
    content = flac_of_silence(10 * 3600)
    assert len(content) < 100_000
    tracemalloc.start()
    with pytest.raises(AudioTooLongError, match="longer than 30 s"):
        decode(content, LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_recording_of_just_the_length_allowed_is_accepted_and_one_a_moment_longer_refused(rate: int) -> None:
    assert decode(wav(np.zeros(30 * rate), rate), LIMITS).seconds == pytest.approx(30.0, abs=0.001)
    with pytest.raises(AudioTooLongError):
        decode(wav(np.zeros(30 * rate + rate // 1000), rate), LIMITS)


def test_a_recording_that_breaks_off_gives_what_was_there() -> None:
    for content in (SPEECH.read_bytes(), encoded(speech(), "matroska", "libopus"), wav(speech())):
        decoded = decode(content[: len(content) * 3 // 4], LIMITS)
        assert 0.5 * len(speech()) < len(decoded.samples) < len(speech())


def test_audio_of_an_unknown_codec_is_unsupported() -> None:
    content = encoded(speech(), "webm", "libopus").replace(b"A_OPUS", b"A_NOPE")
    with pytest.raises(UnsupportedAudioError, match=r"unknown codec|cannot be decoded"):
        decode(content, LIMITS)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_file_cut_off_at_any_byte_gives_samples_or_one_of_our_errors(container: str) -> None:
    content = CONTAINERS[container](speech()[4000:5600])
    whole = len(decode(content, LIMITS).samples)
    for cut in range(len(content)):
        try:
            decoded = decode(content[:cut], LIMITS)
        except AudioError:
            continue
        assert 0 < len(decoded.samples) <= whole
        assert np.isfinite(decoded.samples).all()
