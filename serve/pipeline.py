"""One query from bytes to results: decode, condition, recognise, search.

The command line, the endpoint and the benchmarks all answer through this.
"""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from asr.recognizer import Recognizer
from data.audio import AudioLimits, decode
from data.condition import condition
from data.errors import InvalidRequestError
from data.records import Conditioned, Decoded, Hypothesis, SearchHit, Transcript
from serve.index import SearchIndex


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
class Answer:
    """What came of one query; `decoded` and `conditioning` are None for typed text.

    `sure` says whether the first hit is surely meant; where not, the hits are the nearest few.
    """

    transcript: Transcript
    hits: tuple[SearchHit, ...]
    sure: bool
    release: str
    timings_ms: Mapping[str, float]
    decoded: Decoded | None = None
    conditioning: Conditioning | None = None


@dataclass(slots=True)
class Stopwatch:
    """Times one query from its arrival, in milliseconds; what was timed stays when a stage fails."""

    timings_ms: dict[str, float] = field(default_factory=dict)
    arrived: float = field(default_factory=time.perf_counter)

    def begin(self) -> None:
        """Time how long the query waited for its turn."""
        self.timings_ms["wait"] = self._since(self.arrived)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under a name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = self._since(start)

    def finished(self) -> Mapping[str, float]:
        """Give the times of all stages, and in `total` the time since the query arrived."""
        return {**self.timings_ms, "total": self._since(self.arrived)}

    @staticmethod
    def _since(start: float) -> float:
        return round(1000.0 * (time.perf_counter() - start), 3)


class Pipeline:
    """A recogniser, an index, and the way from one to the other."""

    def __init__(self, recognizer: Recognizer, index: SearchIndex, limits: AudioLimits) -> None:
        self.recognizer = recognizer
        self.index = index
        self.limits = limits

    def transcribe(self, content: bytes, watch: Stopwatch) -> tuple[Decoded, Conditioned, Transcript]:
        """Turn a recording into a transcript.

        Args:
            content: An audio file's bytes.
            watch: Gets the times of the stages.

        Returns:
            The recording, the clip and the transcript.

        Raises:
            AudioError: The recording cannot be used.
        """
        with watch.stage("decode"):
            decoded = decode(content, self.limits)
        with watch.stage("condition"):
            clip = condition(decoded.samples)
        with watch.stage("recognise"):
            transcript = self.recognizer.recognize(clip)
        return decoded, clip, transcript

    def search_audio(self, content: bytes, limit: int, watch: Stopwatch) -> Answer:
        """Answer a spoken query.

        Args:
            content: An audio file's bytes.
            limit: Most results.
            watch: Gets the times of the stages.

        Returns:
            The answer. Where a transcript is too uncertain to stand, its hypotheses are still searched for, and nothing
            found by them is sure; without hypotheses there are no results.

        Raises:
            AudioError: The recording cannot be used.
            IndexUnavailableError: There is nothing to search in.
        """
        decoded, clip, transcript = self.transcribe(content, watch)
        with watch.stage("search"):
            found = self.index.find(transcript.nbest, limit)
        return Answer(
            transcript=transcript,
            hits=found.hits,
            sure=found.sure and transcript.null_reason is None,
            release=self.recognizer.release.name,
            timings_ms=watch.finished(),
            decoded=decoded,
            conditioning=conditioning_of(decoded, clip),
        )

    def search_text(self, text: str, limit: int, watch: Stopwatch) -> Answer:
        """Answer a typed query.

        Args:
            text: What was typed.
            limit: Most results.
            watch: Gets the time of the search.

        Returns:
            The answer, its transcript being the text.

        Raises:
            InvalidRequestError: The text is blank.
            IndexUnavailableError: There is nothing to search in.
        """
        if not text.strip():
            raise InvalidRequestError("q: the query is empty; say or type what to search for")
        with watch.stage("search"):
            found = self.index.find((Hypothesis(text, 0.0),), limit)
        typed = Transcript(text=text, nbest=(), confidence=1.0, no_speech_prob=0.0, compression_ratio=0.0)
        return Answer(typed, found.hits, found.sure, self.recognizer.release.name, watch.finished())


def conditioning_of(decoded: Decoded, clip: Conditioned) -> Conditioning:
    """Tell what was done to a recording, without its samples.

    Args:
        decoded: The recording.
        clip: What became of it.

    Returns:
        The figures.
    """
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
