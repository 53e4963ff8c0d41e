"""One utterance of a stream: its sound so far, and what was heard of it while it comes in.

Every hearing goes over the utterance from its beginning. One that reaches far enough past the last speech stands as
the final one if nobody speaks on, so that most answers are there when the utterance is found to be over.
"""

import asyncio
import io
import wave
from dataclasses import dataclass
from time import perf_counter

from data.endpointing import Turn
from data.errors import OverloadedError
from data.records import SAMPLE_RATE
from data.voice import FRAME
from serve.hearing import Heard
from serve.listening import Listened
from serve.pool import RecognizerPool

LEAD = SAMPLE_RATE // 2
"""Samples kept before the first speech: more than conditioning keeps, so that it can judge the noise."""

SETTLED = SAMPLE_RATE // 5
"""Samples of silence after the last speech from which a hearing stands as the final one."""

SAMPLE_BYTES = 2
"""Bytes of one sample."""


@dataclass(frozen=True, slots=True)
class Span:
    """Part of a stream's turn: the first sample and the one after the last, at 16 kHz."""

    start: int
    end: int


@dataclass(eq=False, slots=True)
class Hearing:
    """A span that is being heard or was."""

    span: Span
    task: "asyncio.Task[Heard]"


class Utterance:
    """What a person is saying, and what was made out of it up to now."""

    def __init__(self, recognizers: RecognizerPool, partial_ms: float) -> None:
        self._recognizers = recognizers
        self._partial = round(partial_ms * SAMPLE_RATE / 1000.0)
        self._pcm = bytearray()
        self._hearings: list[Hearing] = []
        self.turn = Turn()
        self._begun = self.voice_at = perf_counter()

    @property
    def span(self) -> Span:
        """The utterance as far as it is known: from shortly before the first speech to the end of the turn."""
        length = len(self._pcm) // SAMPLE_BYTES
        end = length if self.turn.end is None else min(length, self.turn.frames * FRAME)
        start = 0 if self.turn.speech_start is None else max(self.turn.speech_start * FRAME - LEAD, 0)
        return Span(start, end)

    @property
    def lag_s(self) -> float:
        """By how many seconds the sound is behind the clock since it began."""
        return perf_counter() - self._begun - len(self._pcm) / (SAMPLE_BYTES * SAMPLE_RATE)

    def add(self, listened: Listened) -> None:
        """Take in what was listened to."""
        if listened.turn.last_end > self.turn.last_end:
            self.voice_at = perf_counter()
        self._pcm += listened.pcm
        self.turn = listened.turn

    def content(self, span: Span) -> bytes:
        """Give a span as a WAV file."""
        return wav_of(bytes(self._pcm[SAMPLE_BYTES * span.start : SAMPLE_BYTES * span.end]))

    def hear_on(self) -> Hearing | None:
        """Begin a hearing if one is due: for a partial transcript, or because the speech may be over.

        Returns:
            The hearing, whose task fails with `OverloadedError` where the recognisers have better things to do.
        """
        turn, span = self.turn, self.span
        if turn.speech_start is None or turn.end is not None:
            return None
        voice_end = turn.last_end * FRAME
        if span.end - voice_end >= SETTLED:
            return None if self._standing() else self._hear(span, spare=False)
        newest = self._hearings[-1] if self._hearings else None
        heard_to = newest.span.end if newest else turn.speech_start * FRAME
        if (newest and not newest.task.done()) or voice_end <= heard_to or span.end - heard_to < self._partial:
            return None
        return self._hear(span, spare=True)

    async def conclude(self) -> tuple[Heard, Span]:
        """Hear the utterance to its end.

        Returns:
            What was heard, and the span that it was heard in: up to the end of the turn, or where a hearing stands,
            the silence after it left out.

        Raises:
            VoiceSearchError: As `RecognizerPool.hear`.
        """
        while (standing := self._standing()) is not None:
            self._give_up(but=standing)
            try:
                return await standing.task, standing.span
            except OverloadedError:  # there was no place for it then; now there has to be
                self._hearings.clear()
        self._give_up()
        last = self._hear(self.span, spare=False)
        return await last.task, last.span

    def close(self) -> None:
        """Give up whatever is under way."""
        self._give_up()

    def _hear(self, span: Span, *, spare: bool) -> Hearing:
        task = asyncio.create_task(self._recognizers.hear(self.content(span), spare=spare))
        hearing = Hearing(span, task)
        self._hearings.append(hearing)
        task.add_done_callback(lambda done: self._drop_failed(hearing))
        return hearing

    def _standing(self) -> Hearing | None:
        """The first hearing that the last speech and enough silence after it are in."""
        needed = self.turn.last_end * FRAME + SETTLED
        return next((hearing for hearing in self._hearings if hearing.span.end >= needed), None)

    def _drop_failed(self, hearing: Hearing) -> None:
        failed = hearing.task.cancelled() or hearing.task.exception() is not None
        if failed and hearing in self._hearings:
            self._hearings.remove(hearing)

    def _give_up(self, but: Hearing | None = None) -> None:
        for hearing in self._hearings:
            if hearing is not but:
                hearing.task.cancel()


def wav_of(pcm: bytes) -> bytes:
    """Write 16-bit samples at 16 kHz, mono, as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(SAMPLE_BYTES)
        written.setframerate(SAMPLE_RATE)
        written.writeframes(pcm)
    return file.getvalue()
