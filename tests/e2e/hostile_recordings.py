"""Recordings that nobody in good faith would send, and what each is answered with."""

import io
import zipfile
from dataclasses import dataclass

import av
import numpy as np
import soundfile

from data.records import SAMPLE_RATE
from tests.conftest import QUERIES
from tests.recordings import Waveform, encoded, flac_of_silence, wav, written

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
SPEECH: Waveform = soundfile.read(io.BytesIO(JURASSIC), dtype="float32")[0]

REFUSED = {415: "unsupported_audio", 422: "invalid_audio", 413: "audio_too_long"}
NOT_AUDIO, IMPOSSIBLE, TOO_LONG = 415, 422, 413
EMPTY = "empty_audio"
HEARD = "Jurassic Park"
NO_TEXT = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A recording by name; `expected` is a refusal's status or code, else the text heard (`NO_TEXT` for none).

    None where the answer may have any text: it must only be an answer.
    """

    name: str
    content: bytes
    expected: int | str | None


def noise(seconds: float, seed: int = 0) -> Waveform:
    return np.random.default_rng(seed).normal(0.0, 0.1, int(seconds * SAMPLE_RATE))


def tone(seconds: float, *hertz: float) -> Waveform:
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    waves: Waveform = np.sum([np.sin(2 * np.pi * each * time) for each in hertz], axis=0)
    return waves / (2 * len(hertz))


def tune() -> Waveform:
    """A chord progression with an attack on each beat, as a keyboard plays it."""
    chords = [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)] * 2
    decay = np.exp(-3 * np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE)
    return np.concatenate([tone(0.5, *chord, *(2 * each for each in chord)) * decay for chord in chords])


def silent_video() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="webm") as sink:
        stream = sink.add_stream("libvpx", rate=5)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuv420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode(None)]:
            sink.mux(packet)
    return buffer.getvalue()


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("query.flac", JURASSIC)
    return buffer.getvalue()


def junk(length: int, seed: int) -> bytes:
    return np.random.default_rng(seed).bytes(length)


def changed(content: bytes, place: int, new: bytes) -> bytes:
    return content[:place] + new + content[place + len(new) :]


ROWS = [
    Row("no bytes", b"", EMPTY),
    Row("one byte", b"R", NOT_AUDIO),
    *(Row(f"random bytes, {length}", junk(length, length), NOT_AUDIO) for length in (16, 1000, 100_000, 5_000_000)),
    *(
        Row(f"{name} and then random bytes", magic + junk(20_000, 7), NOT_AUDIO)
        for name, magic in {
            "RIFF/WAVE": b"RIFF\xff\xff\xff\xffWAVE",
            "fLaC": b"fLaC",
            "OggS": b"OggS\0\2",
            "EBML": b"\x1a\x45\xdf\xa3",
            "ftyp": b"\0\0\0\x20ftypM4A ",
        }.items()
    ),
    Row("zeros", bytes(100_000), NOT_AUDIO),
    Row("text", b"Find me a film, please.\n" * 100, NOT_AUDIO),
    Row("HTML", b"<html><script>alert(1)</script></html>", NOT_AUDIO),
    Row("a ZIP archive of a recording", archive(), NOT_AUDIO),
    Row("a program", b"\x7fELF" + junk(4000, 3), NOT_AUDIO),
    Row("a playlist that names a file of the server", b"#EXTM3U\nfile:///etc/passwd\n", NOT_AUDIO),
    Row("a script that names a file of the server", b"ffconcat version 1.0\nfile '/etc/passwd'\n", NOT_AUDIO),
    Row("a playlist inside a WAV", b"RIFF\x40\0\0\0WAVE#EXTM3U\nhttp://127.0.0.1:1/x.ts\n" + bytes(64), NOT_AUDIO),
    Row("a film without sound", silent_video(), NOT_AUDIO),
    Row("WebM of an unknown codec", encoded(SPEECH, "webm", "libopus").replace(b"A_OPUS", b"A_NOPE"), NOT_AUDIO),
    Row("an ID3 tag of 256 MB", b"ID3\4\0\0\x7f\x7f\x7f\x7f" + junk(1000, 4), NOT_AUDIO),
    Row("FLAC with a metadata block of 16 MB", b"fLaC\x84\xff\xff\xff" + junk(1000, 5), NOT_AUDIO),
    Row("WAV claiming 2^32 bytes", wav(SPEECH, claimed=2**32 - 1), HEARD),
    Row("WAV claiming no bytes", wav(SPEECH, claimed=0), HEARD),
    Row("FLAC claiming 2^36 samples", changed(JURASSIC, 21, b"\xff" * 5), HEARD),
    Row("rate 0", wav(SPEECH, rate=0), IMPOSSIBLE),
    Row("rate 1 Hz", wav(SPEECH, rate=1), IMPOSSIBLE),
    Row("rate 1 GHz", wav(SPEECH, rate=1_000_000_000), IMPOSSIBLE),
    Row("rate 2^32 - 1", wav(SPEECH, rate=2**32 - 1), IMPOSSIBLE),
    Row("no channels", wav(SPEECH, channels=0), IMPOSSIBLE),
    Row("255 channels", wav(np.zeros(25_500), channels=255), IMPOSSIBLE),
    Row("16,383 channels", wav(np.zeros(70_000), channels=16_383), IMPOSSIBLE),
    Row("NaN", wav(np.full(16_000, np.nan)), IMPOSSIBLE),
    Row("one NaN in speech", wav(np.concatenate([SPEECH, [np.nan]])), IMPOSSIBLE),
    Row("infinite", wav(np.full(16_000, np.inf)), IMPOSSIBLE),
    Row("minus infinity in speech", wav(np.concatenate([SPEECH, [-np.inf]])), IMPOSSIBLE),
    Row("samples of 1e30", wav(SPEECH * 1e30), HEARD),
    Row("samples of 1e-30", wav(SPEECH * 1e-30), NO_TEXT),
    Row("denormal samples", wav(np.full(16_000, 1e-42)), NO_TEXT),
    Row("64 KB that decode to 10 hours", flac_of_silence(36_000), TOO_LONG),
    Row("31 s", wav(noise(31)), TOO_LONG),
    Row("no samples, WAV", wav(np.zeros(0)), EMPTY),
    Row("no samples, FLAC", written(np.zeros(0), "FLAC", "PCM_16"), EMPTY),
    Row("1 sample", wav(np.full(1, 0.5)), NO_TEXT),
    Row("10 ms of speech", wav(SPEECH[8000:8160]), NO_TEXT),
    Row("digital silence", wav(np.zeros(48_000)), NO_TEXT),
    Row("30 s of silence", written(np.zeros(480_000), "FLAC", "PCM_16"), NO_TEXT),
    Row("white noise", wav(noise(3)), NO_TEXT),
    Row("30 s of white noise", wav(noise(30)), NO_TEXT),
    Row("music", wav(tune()), NO_TEXT),
    Row("a tone of 1 kHz", wav(tone(3, 1000)), NO_TEXT),
    Row("nothing but a DC offset", wav(np.full(48_000, 0.7)), NO_TEXT),
    Row("speech on a DC offset", wav(np.clip(SPEECH + 0.4, -1, 1)), HEARD),
    Row("a click", wav(np.eye(1, 16_000, 8000)[0]), NO_TEXT),
    Row("30 s of a clipped square wave", wav(np.clip(50 * tone(30, 220), -1, 1)), NO_TEXT),
    Row("a sentence 19 times", written(np.tile(SPEECH, 19), "FLAC", "PCM_16"), None),
    Row("speech 50 dB too loud, clipped", wav(np.clip(SPEECH * 300, -1, 1)), None),
    Row("speech 40 dB too soft", wav(SPEECH * 0.01), HEARD),
    Row("speech upside down", wav(-SPEECH), HEARD),
    Row("speech whose channels cancel", wav(np.stack([SPEECH, -SPEECH], 1).ravel(), channels=2), NO_TEXT),
    Row("speech after 20 s of silence", wav(np.concatenate([np.zeros(320_000), SPEECH])), HEARD),
    Row("speech, then random bytes", JURASSIC + junk(50_000, 8), HEARD),
    Row("speech in 8 bits", written(SPEECH, "WAV", "PCM_U8"), HEARD),
    Row("speech in 64-bit floats", written(SPEECH, "WAV", "DOUBLE"), HEARD),
    Row("speech as IMA ADPCM", written(SPEECH, "WAV", "IMA_ADPCM"), HEARD),
    Row("two files one after the other", JURASSIC + JURASSIC, f"{HEARD} {HEARD}"),
]
