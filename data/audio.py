"""Any audio file to 16 kHz mono float32, within limits that hold while decoding.

Containers are told by their first bytes and never guessed by the decoder: a playlist or a script that a decoder would
follow to other files is "not audio" here.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from data.errors import (
    AudioTooLargeError,
    AudioTooLongError,
    EmptyAudioError,
    InvalidAudioError,
    UnsupportedAudioError,
)
from data.records import SAMPLE_RATE, Decoded, Samples

if TYPE_CHECKING:
    import av

MIN_SOURCE_RATE = 1_000
"""Lowest source rate accepted, in Hz."""

MAX_SOURCE_RATE = 384_000
"""Highest source rate accepted, in Hz."""

MAX_CHANNELS = 16
"""Most source channels accepted."""

ACCEPTED = "WAV, FLAC, Ogg, MP3, M4A/AAC or WebM"

AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".mp4", ".aac", ".webm"})
"""Endings of the names of such files."""


@dataclass(frozen=True, slots=True)
class AudioLimits:
    """The most that one file may hold: bytes as sent, seconds once decoded."""

    max_bytes: int = 10 * 1024 * 1024
    max_seconds: float = 30.0


def container_of(head: bytes) -> str | None:
    """Name the container that a file's first bytes announce.

    Args:
        head: At least the first 16 bytes.

    Returns:
        `wav`, `flac`, `ogg`, `mp3`, `mov` (MP4, M4A), `matroska` (WebM), `aac` (ADTS), or None.
    """
    signatures = {b"fLaC": "flac", b"OggS": "ogg", b"\x1a\x45\xdf\xa3": "matroska"}
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] == b"ftyp":
        return "mov"
    if head[:4] in signatures:
        return signatures[head[:4]]
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0:
        return "aac"
    if head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return "mp3"
    return None


def decode(content: bytes, limits: AudioLimits, *, container: str | None = None) -> Decoded:
    """Decode a whole file to 16 kHz mono.

    Args:
        content: The file's bytes.
        limits: Most bytes and seconds; decoding stops as soon as either is passed, whatever the header claims.
        container: What a caller who knows says of data without a header, for example `g722`; never what a file says
            of itself.

    Returns:
        The samples, shape `(n_samples,)`, float32, full scale ±1, and what the file was. Data that breaks off after
        some audio was decoded gives that audio, marked `truncated`.

    Raises:
        EmptyAudioError: No bytes or no samples.
        AudioTooLargeError: More bytes than allowed.
        AudioTooLongError: More seconds than allowed.
        UnsupportedAudioError: Not audio of an accepted container, or its header is broken.
        InvalidAudioError: Impossible rate, channel count or sample values.
    """
    import av  # the web process knows the limits, and decodes nothing itself

    if not content:
        raise EmptyAudioError("the audio is empty: 0 bytes; send a recording")
    if len(content) > limits.max_bytes:
        raise AudioTooLargeError(f"the audio has {len(content)} bytes; at most {limits.max_bytes} are accepted")
    container = container or container_of(content[:16])
    if container is None:
        raise UnsupportedAudioError(f"not audio that can be decoded; send {ACCEPTED}")
    if container == "wav":
        _check_wav_header(content)
    try:
        return _decode_container(content, container, limits)
    except (av.error.FFmpegError, ValueError) as error:
        raise UnsupportedAudioError(
            f"the {container} data cannot be decoded ({_reason(error)}); send {ACCEPTED}"
        ) from error


def _decode_container(content: bytes, container: str, limits: AudioLimits) -> Decoded:
    import av

    # Without this the decoder reads a whole WAV file in search of Dolby or DTS frames before it believes the header.
    options = {"max_probe_packets": "1"} if container == "wav" else {}
    with av.open(io.BytesIO(content), "r", format=container, options=options, metadata_errors="ignore") as opened:
        if not opened.streams.audio:
            raise UnsupportedAudioError(f"the {container} file has no audio track; send {ACCEPTED}")
        stream = opened.streams.audio[0]
        if stream.codec_context is None:  # a codec that the library does not know
            raise UnsupportedAudioError(f"the {container} file has audio of an unknown codec; send {ACCEPTED}")
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels
        if rate or channels:
            _check_layout(rate, channels)
        parts: list[Samples] = []
        truncated = False
        try:
            for part in _resampled(opened, stream, limits.max_seconds):
                parts.append(part)  # noqa: PERF402  what came before a broken end is kept
        except av.error.FFmpegError:
            if not any(part.size for part in parts):
                raise
            truncated = True
        rate, channels = stream.codec_context.sample_rate, stream.codec_context.layout.nb_channels
    samples = np.concatenate(parts) if parts else np.zeros(0, np.float32)
    if not samples.size:
        raise EmptyAudioError("the audio has no samples; send a recording")
    if not np.isfinite(samples).all():
        raise InvalidAudioError("the audio has samples that are not finite numbers; send a clean recording")
    return Decoded(
        samples=samples,
        container=container,
        sample_rate=rate,
        channels=channels,
        seconds=len(samples) / SAMPLE_RATE,
        truncated=truncated,
    )


def _resampled(
    opened: "av.container.InputContainer", stream: "av.AudioStream", max_seconds: float
) -> Iterator[Samples]:
    """Yield 16 kHz mono parts; the limit is checked on source seconds before a part is resampled."""
    import av

    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    seconds = Fraction(0)  # the sum of many small floats passes a limit that they only reach
    for frame in opened.decode(stream):
        _check_layout(frame.sample_rate, frame.layout.nb_channels)
        seconds += Fraction(frame.samples, frame.sample_rate)
        if seconds > max_seconds:
            raise AudioTooLongError(f"the audio is longer than {max_seconds:g} s; send a shorter recording")
        frame.pts = None  # gaps and overlaps that a file claims are not to be filled or cut
        for resampled in resampler.resample(frame):
            yield resampled.to_ndarray()[0]
    if seconds:
        for resampled in resampler.resample(None):
            yield resampled.to_ndarray()[0]


def _check_layout(rate: int, channels: int) -> None:
    if not MIN_SOURCE_RATE <= rate <= MAX_SOURCE_RATE:
        raise InvalidAudioError(f"a sample rate of {rate} Hz; accepted are {MIN_SOURCE_RATE} to {MAX_SOURCE_RATE} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise InvalidAudioError(f"{channels} channels; accepted are 1 to {MAX_CHANNELS}")


def _check_wav_header(content: bytes) -> None:
    """Look at the `fmt ` chunk, whose impossible values the decoder would only call invalid data."""
    position = content.find(b"fmt ", 12, 4096)
    if position >= 0 and len(content) >= position + 16:
        channels, rate = struct.unpack_from("<HI", content, position + 10)
        _check_layout(rate, channels)


def _reason(error: Exception) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(text).lower()
