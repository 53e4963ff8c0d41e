"""The event store: what happened, append-only, and the words that may be erased, apart from it."""

import json
import math
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from data.records import Event, EventKind, FeedbackFigures, QueryFigures
from data.store import Store, events, utterances

_QUERIES = (EventKind.QUERY, EventKind.TYPED_QUERY, EventKind.TRANSCRIPTION)


class EventStore:
    """Writes and reads events."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def append(self, event: Event, correction: str | None = None) -> bool:
        """Keep an event; one with a known id is kept once.

        Args:
            event: What happened.
            correction: What the speaker says was said; the newest is kept where the words of the query were kept.

        Returns:
            Whether it was new.

        Raises:
            StoreError: The database refused it.
        """
        with self._store.begin() as connection:
            if correction is not None:
                connection.execute(
                    update(utterances).where(utterances.c.query_id == event.query_id).values(correction=correction)
                )
            try:
                with connection.begin_nested():
                    connection.execute(insert(events).values(_row(event)))
            except IntegrityError:
                return False
        return True

    def find_query(self, query_id: str) -> Event | None:
        """Find the event of a query.

        Args:
            query_id: The query.

        Returns:
            Its event, None where there was no such query.
        """
        wanted = select(events).where(events.c.query_id == query_id, events.c.kind.in_(_QUERIES))
        with self._store.begin() as connection:
            row = connection.execute(wanted.limit(1)).first()
        return _event(row) if row else None

    def read(self, since: datetime | None = None, kind: EventKind | None = None) -> Iterator[Event]:
        """Read events, oldest first.

        Args:
            since: Only events at or after this time.
            kind: Only events of this kind.

        Yields:
            Events.
        """
        wanted = select(events).order_by(events.c.at, events.c.id)
        if since is not None:
            wanted = wanted.where(events.c.at >= since)
        if kind is not None:
            wanted = wanted.where(events.c.kind == kind)
        with self._store.begin() as connection:
            for row in connection.execute(wanted):
                yield _event(row)

    def keep_words(self, query_id: str, session_id: str | None, text: str, audio: bytes | None) -> None:
        """Keep what was said, because the speaker consented.

        Args:
            query_id: The query.
            session_id: Its session.
            text: The transcript.
            audio: The recording as it was sent; None for a typed query.
        """
        values = {
            "query_id": query_id, "session_id": session_id, "at": datetime.now(UTC), "text": text, "audio": audio
        }  # fmt: skip
        with self._store.begin() as connection:
            connection.execute(insert(utterances).values(values))


def _row(event: Event) -> dict[str, Any]:
    row = {field.name: getattr(event, field.name) for field in fields(event)}
    if event.figures is not None:
        row["figures"] = {
            field.name: _storable(value)
            for field in fields(event.figures)
            if (value := getattr(event.figures, field.name)) not in (None, ())
        }
    return row


def _storable(value: Any) -> Any:
    """Give a value that JSON can hold: an infinite loudness is no figure."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return json.loads(json.dumps(value, default=dict))


def _event(row: Row[Any]) -> Event:
    values: dict[str, Any] = dict(row._mapping)
    kind = EventKind(values["kind"])
    known: type[QueryFigures | FeedbackFigures] = QueryFigures if kind in _QUERIES else FeedbackFigures
    figures: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in (values["figures"] or {}).items()
    }
    at = values["at"] if values["at"].tzinfo else values["at"].replace(tzinfo=UTC)
    return Event(**{**values, "kind": kind, "at": at, "figures": known(**figures) if figures else None})
