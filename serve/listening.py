"""What is listened for in streams: their sound decoded to 16 kHz, and where speech begins and ends in it.

Runs in a process of its own (`serve.listener`), since it decodes what others send; it keeps one state for each stream.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from data.endpointing import EndpointOptions, Turn, advance
from data.errors import RecognitionFailedError, UnsupportedAudioError, VoiceSearchError
from data.records import SAMPLE_RATE
from data.voice import VoiceDetector

if TYPE_CHECKING:
    import av

FULL_SCALE = np.float32(32768.0)
"""What 16-bit samples are divided by."""

OPUS_RATE = 48_000
"""The rate at which Opus is decoded (RFC 6716)."""

FOR_EVER_MS = 1e9
"""Longer than any turn."""

Encoding: TypeAlias = Literal["pcm16", "opus"]
"""16-bit samples, mono, little endian; or one Opus packet in each message."""


@dataclass(frozen=True, slots=True)
class Begin:
    """A turn of a stream begins; what was known of an earlier one is forgotten.

    `rate` is in Hz; `endpoint` says whether silence after speech ends the turn.
    """

    stream: str
    encoding: Encoding
    rate: int
    endpoint: bool = True


@dataclass(frozen=True, slots=True)
class Sound:
    """What comes next in a stream."""

    stream: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Forget:
    """A stream is over."""

    stream: str


Request: TypeAlias = Begin | Sound | Forget


@dataclass(frozen=True, slots=True)
class Listened:
    """What came of a message: its sound as 16-bit samples at 16 kHz, and what is known of the turn after it."""

    pcm: bytes
    turn: Turn


Reply: TypeAlias = Listened | VoiceSearchError


def open_listening(options: EndpointOptions) -> Callable[[Sequence[Request]], Iterator[tuple[int, Reply]]]:
    """Load the detector.

    Args:
        options: When turns begin and end.

    Returns:
        What takes requests of any streams, and answers each with its place and what came of it.

    Raises:
        ModelUnavailableError: The detector is not there.
    """
    VoiceDetector().push(np.zeros(SAMPLE_RATE // 10, np.float32))
    return Listening(options).answer


class Listening:
    """The streams that are listened to."""

    def __init__(self, options: EndpointOptions) -> None:
        self._options = options
        self._ears: dict[str, Ear] = {}

    def answer(self, requests: Sequence[Request]) -> Iterator[tuple[int, Reply]]:
        """Take in requests in their order; each of the answers comes as soon as it is known."""
        for place, request in enumerate(requests):
            try:
                yield place, self._take(request)
            except VoiceSearchError as error:
                yield place, error

    def _take(self, request: Request) -> Listened:
        match request:
            case Begin(stream, encoding, rate, endpoint):
                options = self._options if endpoint else replace(self._options, trailing_silence_ms=FOR_EVER_MS)
                self._ears[stream] = Ear(encoding, rate, options)
            case Forget(stream):
                self._ears.pop(stream, None)
            case Sound(stream, content):
                if stream not in self._ears:  # this process is younger than the stream
                    raise RecognitionFailedError("what listens to this stream had to be started again; begin anew")
                return self._ears[stream].listen(content)
        return Listened(b"", Turn())


class Ear:
    """Listens to one turn of one stream."""

    def __init__(self, encoding: Encoding, rate: int, options: EndpointOptions) -> None:
        self._sound = OpusSound() if encoding == "opus" else PcmSound(rate)
        self._options = options
        self._detector = VoiceDetector()
        self._turn = Turn()

    def listen(self, content: bytes) -> Listened:
        """Take in one message.

        Args:
            content: Sound as announced.

        Returns:
            Its samples, and the turn; what comes after the end of a turn changes it no more.

        Raises:
            UnsupportedAudioError: It is not sound as announced.
        """
        samples = self._sound.decode(content)
        for probability in self._detector.push(samples.astype(np.float32) / FULL_SCALE):
            if self._turn.end is None:
                self._turn = advance(self._turn, float(probability), self._options)
        return Listened(samples.tobytes(), self._turn)


class PcmSound:
    """16-bit samples at any rate, brought to 16 kHz; at 16 kHz they stay as they are."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler = None if rate == SAMPLE_RATE else _resampler()

    def decode(self, content: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        """Give the samples of a message.

        Raises:
            UnsupportedAudioError: Half a sample.
        """
        if len(content) % 2:
            raise UnsupportedAudioError(f"{len(content)} bytes are not whole 16-bit samples; send an even number")
        samples = np.frombuffer(content, "<i2").astype(np.int16)
        if self._resampler is None or not len(samples):
            return samples
        import av

        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = self._rate
        return _resampled(self._resampler, [frame])


class OpusSound:
    """Opus packets."""

    def __init__(self) -> None:
        import av

        self._decoder = av.CodecContext.create("opus", "r")
        self._decoder.sample_rate = OPUS_RATE
        self._decoder.layout = "mono"
        self._resampler = _resampler()

    def decode(self, content: bytes) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
        """Give the samples of a message.

        Raises:
            UnsupportedAudioError: Not an Opus packet.
        """
        import av

        if not content:  # the decoder would take it for the end
            raise UnsupportedAudioError("an empty message; send one Opus packet in each")
        try:
            return _resampled(self._resampler, self._decoder.decode(av.Packet(content)))
        except (av.error.FFmpegError, ValueError) as error:
            raise UnsupportedAudioError("not an Opus packet; send one in each message, without a container") from error


def _resampler() -> "av.AudioResampler":
    import av

    return av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)


def _resampled(
    resampler: "av.AudioResampler", frames: "Sequence[av.AudioFrame]"
) -> "np.ndarray[tuple[int], np.dtype[np.int16]]":
    parts = [np.zeros(0, np.int16)]
    for frame in frames:
        frame.pts = None
        parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
    return np.concatenate(parts)
