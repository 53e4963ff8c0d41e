"""Every query leaves an event; a database that is slow or refuses it costs no answer."""

import asyncio
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from data.errors import VoiceSearchError
from data.records import Event, EventKind, NullReason, QueryFigures
from monitor.events import EventStore
from serve.errors import status_of
from serve.feedback import Feedback, Receipt, record_feedback
from serve.metrics import ServiceMetrics
from serve.pipeline import Answer
from serve.spool import Spool
from serve.stopwatch import Stopwatch


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked, and what came in: `content` is the recording's bytes, or the typed text's UTF-8."""

    query_id: str
    kind: EventKind
    content: bytes
    session_id: str | None = None
    device: str | None = None
    consent: bool = False


class Journal:
    """Keeps events and metrics of queries, in order; what the database refuses is written when it is back."""

    def __init__(self, store: EventStore, metrics: ServiceMetrics) -> None:
        self._store = store
        self._metrics = metrics
        self._spool = Spool(metrics)

    @property
    def trouble(self) -> str | None:
        """Why events wait for the database; None where they do not."""
        return self._spool.trouble

    def answered(self, asked: Asked, answer: Answer) -> None:
        """Keep what came of a query; its words only with consent.

        Args:
            asked: The query.
            answer: What was returned.
        """
        self._metrics.observe_stages(asked.kind, answer.timings_ms)
        if (reason := answer.transcript.null_reason) is not None:
            self._metrics.count_null(asked.kind, reason)
        event = _event(asked, answer.release, 200, figures_of(asked, answer), reason)
        self._spool.add(lambda: self._store.append(event))
        if asked.consent:
            audio = asked.content if answer.heard else None
            text = answer.transcript.text
            self._spool.add(
                lambda: self._store.keep_words(asked.query_id, asked.session_id, text, audio), len(audio or b"")
            )

    @contextmanager
    def refusals(self, asked: Asked, watch: Stopwatch, release: str) -> Iterator[None]:
        """Keep that a query was refused, where the block refuses it.

        Args:
            asked: The query.
            watch: The stages that it went through.
            release: What would have answered.

        Raises:
            VoiceSearchError: The block's.
        """
        try:
            yield
        except VoiceSearchError as error:
            self._refused(asked, error, watch, release)
            raise

    def _refused(self, asked: Asked, error: VoiceSearchError, watch: Stopwatch, release: str) -> None:
        figures = QueryFigures(
            device=asked.device, bytes=len(asked.content), error=error.code, stage_ms=dict(watch.timings_ms)
        )
        event = _event(asked, release, status_of(error), figures)
        self._spool.add(lambda: self._store.append(event))

    async def feedback(self, feedback: Feedback) -> Receipt:
        """Keep feedback, after everything that happened before it.

        Args:
            feedback: What was reported.

        Returns:
            A receipt, given only once the database has it.

        Raises:
            InvalidRequestError: It lacks a part.
            NotFoundError: There was no such query.
            StoreError: The database refused it.
        """
        return await asyncio.wrap_future(self._spool.submit(lambda: record_feedback(self._store, feedback)))

    def close(self) -> None:
        """Write what is left, then stop."""
        self._spool.close()


def _event(
    asked: Asked, release: str, status: int, figures: QueryFigures, null_reason: NullReason | None = None
) -> Event:
    return Event(
        id=f"{asked.kind}:{asked.query_id}",
        kind=asked.kind,
        at=datetime.now(UTC),
        query_id=asked.query_id,
        session_id=asked.session_id,
        release=release,
        status=status,
        null_reason=null_reason,
        figures=figures,
    )


def figures_of(asked: Asked, answer: Answer) -> QueryFigures:
    """Collect the figures of an answered query.

    Args:
        asked: The query.
        answer: What came of it.

    Returns:
        Ids and numbers, no words.
    """
    figures = QueryFigures(
        device=asked.device,
        bytes=len(asked.content),
        text_length=len(answer.transcript.text),
        result_ids=tuple(hit.id for hit in answer.hits),
        result_scores=tuple(round(hit.score, 4) for hit in answer.hits),
        stage_ms=dict(answer.timings_ms),
    )
    if answer.heard is None:
        return figures
    recording, clip, transcript = answer.heard.recording, answer.heard.conditioning, answer.transcript
    return replace(
        figures,
        audio_format=recording.container,
        seconds=recording.seconds,
        loudness=clip.loudness,
        snr_db=clip.snr_db,
        cut_before_ms=clip.cut_before_ms,
        cut_after_ms=clip.cut_after_ms,
        clipped_share=clip.clipped_share,
        truncated=recording.truncated,
        confidence=round(transcript.confidence, 4),
        no_speech_prob=round(transcript.no_speech_prob, 4),
        compression_ratio=round(transcript.compression_ratio, 3),
    )


def device_of(user_agent: str | None) -> str | None:
    """Tell the kind of device from a User-Agent, no finer than monitoring needs.

    Args:
        user_agent: The header.

    Returns:
        `phone`, `computer`, `program`, or None without the header.
    """
    if not user_agent:
        return None
    if re.search(r"Mobi|Android|iPhone|iPad", user_agent):
        return "phone"
    return "computer" if user_agent.startswith("Mozilla/") else "program"


def new_query_id() -> str:
    """Make an id for a query, hard to guess."""
    return uuid.uuid4().hex
