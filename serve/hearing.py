"""From recordings to what was said in them: decode, condition, recognise.

The service runs this in processes of its own (`serve.pool`), the command line in its own process.
"""

import logging
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from data.errors import VoiceSearchError
from data.records import Conditioned, Decoded, Release, Transcript
from serve.stopwatch import Stopwatch

if TYPE_CHECKING:
    from asr.recognizer import Recognizer
    from asr.settings import RecognizerSettings
    from data.audio import AudioLimits

logger = logging.getLogger("voicesearch")


@dataclass(frozen=True, slots=True)
class Recording:
    """What a recording was before it was decoded; `truncated` says that the data broke off before its end."""

    container: str
    sample_rate: int
    channels: int
    seconds: float
    truncated: bool


@dataclass(frozen=True, slots=True)
class Conditioning:
    """What conditioning did to a recording; loudness in LUFS, None for silence, times in ms."""

    seconds: float
    gain_db: float
    loudness: float | None
    snr_db: float | None
    cut_before_ms: float
    cut_after_ms: float
    clipped_share: float
    speech_found: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a recording, and how long each stage took."""

    transcript: Transcript
    recording: Recording
    conditioning: Conditioning
    timings_ms: Mapping[str, float]

    @property
    def start(self) -> float:
        """Second of the recording at which the kept part begins."""
        return self.conditioning.cut_before_ms / 1000.0

    @property
    def end(self) -> float:
        """Second of the recording at which the kept part ends."""
        return self.recording.seconds - self.conditioning.cut_after_ms / 1000.0


@dataclass(frozen=True, slots=True)
class Postponed:
    """A recording that is too long to be heard now."""


Outcome: TypeAlias = Heard | VoiceSearchError | Postponed
"""What came of one recording among several."""

LONG_S = 8.0
"""Seconds of speech from which others would notice that they wait behind a recording; voice queries are shorter."""


@dataclass(frozen=True, slots=True)
class HearingJob:
    """Recordings to hear, as bytes of audio files; unless `may_be_long`, long ones are postponed."""

    contents: tuple[bytes, ...]
    may_be_long: bool = True


class Hearing:
    """A recogniser, and the most that a recording may hold."""

    def __init__(self, recognizer: "Recognizer", limits: "AudioLimits") -> None:
        self.recognizer = recognizer
        self.limits = limits

    def hear(self, content: bytes) -> Heard:
        """Turn a recording into a transcript.

        Args:
            content: An audio file's bytes.

        Returns:
            What was heard.

        Raises:
            AudioError: The recording cannot be used.
        """
        ((_, outcome),) = self.hear_each(HearingJob((content,)))
        if not isinstance(outcome, Heard):
            raise outcome if isinstance(outcome, VoiceSearchError) else AssertionError(outcome)
        return outcome

    def hear_each(self, job: HearingJob) -> Iterator[tuple[int, Outcome]]:
        """Turn several recordings into transcripts; those of like lengths are heard together.

        Args:
            job: The recordings.

        Yields:
            A recording's place and what came of it, the shortest first, each as soon as it is known.
        """
        taken: list[tuple[int, Stopwatch, Decoded, Conditioned]] = []
        for place, content in enumerate(job.contents):
            watch = Stopwatch()
            try:
                decoded, clip = self._condition(content, watch)
            except VoiceSearchError as error:
                yield place, error
            except Exception:  # one recording that a library chokes on must not cost the others their answer
                logger.exception("a recording could not be conditioned")
                yield place, VoiceSearchError("an error of the server while it decoded the audio")
            else:
                if clip.seconds > LONG_S and not job.may_be_long:
                    yield place, Postponed()
                else:
                    taken.append((place, watch, decoded, clip))
        recognition = Stopwatch()
        for among, transcript in self.recognizer.recognize_each([clip for *_, clip in taken]):
            place, watch, decoded, clip = taken[among]
            yield (
                place,
                Heard(
                    transcript=transcript,
                    recording=_recording_of(decoded),
                    conditioning=_conditioning_of(decoded, clip),
                    timings_ms={**watch.timings_ms, "recognise": recognition.finished()["total"]},
                ),
            )

    def _condition(self, content: bytes, watch: Stopwatch) -> tuple[Decoded, Conditioned]:
        from data.audio import decode
        from data.condition import condition

        with watch.stage("decode"):
            decoded = decode(content, self.limits)
        with watch.stage("condition"):
            return decoded, condition(decoded.samples)


def open_hearing(release: Release, settings: "RecognizerSettings", limits: "AudioLimits") -> Hearing:
    """Load a release, and run everything once, so that the first query is as quick as the others.

    Args:
        release: What to load.
        settings: How to run it.
        limits: The most that a recording may hold.

    Returns:
        The hearing.

    Raises:
        ModelError: The release cannot be loaded.
    """
    from concurrent.futures import ThreadPoolExecutor

    import numpy as np

    from asr.recognizer import Recognizer
    from data.condition import condition
    from data.records import SAMPLE_RATE

    noise = np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE).astype(np.float32)
    with ThreadPoolExecutor(1) as beside:  # its imports take as long as loading the model
        conditioned = beside.submit(condition, noise)
        recognizer = Recognizer(release, settings)
        recognizer.warm_up()
        conditioned.result()
    return Hearing(recognizer, limits)


def open_answering(
    release: Release, settings: "RecognizerSettings", limits: "AudioLimits"
) -> Callable[[HearingJob], Iterator[tuple[int, Outcome]]]:
    """Do as `open_hearing`; what it returns takes recordings, and answers as `Hearing.hear_each`."""
    return open_hearing(release, settings, limits).hear_each


def _recording_of(decoded: Decoded) -> Recording:
    return Recording(
        container=decoded.container,
        sample_rate=decoded.sample_rate,
        channels=decoded.channels,
        seconds=decoded.seconds,
        truncated=decoded.truncated,
    )


def _conditioning_of(decoded: Decoded, clip: Conditioned) -> Conditioning:
    return Conditioning(
        seconds=round(decoded.seconds, 3),
        gain_db=round(clip.gain_db, 2),
        loudness=round(clip.loudness_before, 2) if math.isfinite(clip.loudness_before) else None,
        snr_db=None if clip.snr_db is None else round(clip.snr_db, 2),
        cut_before_ms=round(clip.cut_before_ms, 1),
        cut_after_ms=round(clip.cut_after_ms, 1),
        clipped_share=round(clip.clipped_share, 6),
        speech_found=clip.speech_found,
    )
