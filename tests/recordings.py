"""Audio files for tests, written by hand where their headers have to lie."""

import io
import struct
from collections.abc import Callable

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from data.records import SAMPLE_RATE

Waveform = NDArray[np.floating]


def wav(samples: Waveform, rate: int = SAMPLE_RATE, channels: int = 1, claimed: int | None = None) -> bytes:
    """A 32-bit float WAV file; `claimed` is the size that its header gives the data, in bytes."""
    body = samples.astype("<f4").tobytes()
    form = struct.pack("<IHHIIHH", 16, 3, channels, rate, min(rate * channels * 4, 2**32 - 1), channels * 4, 32)
    size = len(body) if claimed is None else claimed
    head = b"RIFF" + struct.pack("<I", min(36 + size, 2**32 - 1)) + b"WAVEfmt " + form
    return head + b"data" + struct.pack("<I", size) + body


def written(samples: Waveform, form: str, subtype: str, rate: int = SAMPLE_RATE) -> bytes:
    """A file as libsndfile writes it."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=form, subtype=subtype)
    return buffer.getvalue()


def encoded(samples: Waveform, container: str, codec: str, rate: int = 48_000, channels: int = 1) -> bytes:
    """A file as a browser or a phone records it."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as sink:
        stream = sink.add_stream(codec, rate=rate, layout="mono" if channels == 1 else "stereo")
        assert isinstance(stream, av.AudioStream)
        resampler = av.AudioResampler(format=stream.codec_context.format, layout=stream.codec_context.layout, rate=rate)
        frame = av.AudioFrame.from_ndarray(samples[None].astype(np.float32), format="flt", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for out in [*resampler.resample(frame), *resampler.resample(None)]:
            for packet in stream.encode(out):
                sink.mux(packet)
        for packet in stream.encode(None):
            sink.mux(packet)
    return buffer.getvalue()


def flac_of_silence(seconds: int, rate: int = 8_000) -> bytes:
    """A FLAC file of constant frames, as small as the format allows: an hour takes 6 KB (RFC 9639)."""
    block = 65_535
    info = struct.pack(">HH", block, block) + bytes(6) + struct.pack(">Q", rate << 44 | 15 << 36 | seconds * rate)
    frames = b"".join(_constant_frame(number, block) for number in range(-(-seconds * rate // block)))
    return b"fLaC\x80" + (34).to_bytes(3, "big") + info + bytes(16) + frames


def _constant_frame(number: int, block: int) -> bytes:
    head = b"\xff\xf8\x70\x08" + _coded(number) + struct.pack(">H", block - 1)
    whole = head + bytes([_checksum(head, 0x07, 8)]) + b"\x00\x00\x00"
    return whole + struct.pack(">H", _checksum(whole, 0x8005, 16))


def _coded(number: int) -> bytes:
    """A frame's number, coded as UTF-8 codes characters."""
    return chr(number).encode("utf-8", "surrogatepass")


def _checksum(content: bytes, polynomial: int, bits: int) -> int:
    value, top = 0, 1 << (bits - 1)
    for byte in content:
        value ^= byte << (bits - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & ((1 << bits) - 1)
    return value


CONTAINERS: dict[str, Callable[[Waveform], bytes]] = {
    "wav": lambda samples: written(samples, "WAV", "PCM_16"),
    "flac": lambda samples: written(samples, "FLAC", "PCM_16"),
    "opus": lambda samples: encoded(samples, "ogg", "libopus"),
    "webm": lambda samples: encoded(samples, "webm", "libopus"),
    "mp3": lambda samples: encoded(samples, "mp3", "libmp3lame"),
    "m4a": lambda samples: encoded(samples, "ipod", "aac"),
}
"""What browsers and people send, by name."""
