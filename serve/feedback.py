"""What people did with an answer: a click on a result, or a correction of the transcript."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field

from data.errors import ForbiddenError, InvalidRequestError, NotFoundError
from data.records import Event, EventKind, FeedbackFigures
from monitor.events import EventStore


@dataclass(frozen=True, slots=True)
class Feedback:
    """A click needs `item_id` and, where it is known, `rank` (1 is the top); a correction needs `text`."""

    query_id: Annotated[str, Field(min_length=1, max_length=64)]
    kind: Literal["click", "correction"]
    item_id: Annotated[str | None, Field(max_length=512)] = None
    rank: Annotated[int | None, Field(ge=1, le=50)] = None
    text: Annotated[str | None, Field(max_length=1000)] = None
    session_id: Annotated[str | None, Field(pattern=r"^[\w.:-]{1,128}$")] = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of feedback: recorded now, or known from before."""

    recorded: bool
    duplicate: bool


def record_feedback(store: EventStore, feedback: Feedback) -> Receipt:
    """Keep feedback once.

    Args:
        store: Where.
        feedback: What was reported.

    Returns:
        A receipt, given only once the database has it.

    Raises:
        InvalidRequestError: A click without an item, a correction without text.
        NotFoundError: There was no such query.
        ForbiddenError: It was asked in another session.
        StoreError: The database refused it.
    """
    if feedback.kind == "click" and not feedback.item_id:
        raise InvalidRequestError("item_id: a click needs the id of the item")
    if feedback.kind == "correction" and not (feedback.text or "").strip():
        raise InvalidRequestError("text: a correction needs the words that were said")
    query = store.find_query(feedback.query_id)
    if query is None:
        raise NotFoundError(f"query_id: there was no query {feedback.query_id}; use the one in the answer")
    if feedback.session_id and query.session_id and feedback.session_id != query.session_id:
        raise ForbiddenError("session_id: this query was asked in another session")
    words = (feedback.text or "").strip() if feedback.kind == "correction" else None
    # A click counts once for each item, a correction once for each query: an id must not be made of words.
    about = f":{_digest(feedback.item_id)}" if feedback.kind == "click" else ""
    event = Event(
        id=f"{feedback.kind}:{feedback.query_id}{about}",
        kind=EventKind(feedback.kind),
        at=datetime.now(UTC),
        query_id=feedback.query_id,
        session_id=feedback.session_id,
        figures=FeedbackFigures(feedback.item_id, feedback.rank, None if words is None else len(words)),
    )
    is_new = store.append(event, correction=words)
    return Receipt(recorded=is_new, duplicate=not is_new)


def _digest(item_id: str | None) -> str:
    return hashlib.sha256((item_id or "").encode()).hexdigest()[:16]
