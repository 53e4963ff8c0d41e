"""What the review queue keeps: clips to be labelled, the places in which people hold them, and the labels they gave.

A clip has a task for each round of review, a task has a place for each label wanted. Labels are only ever added.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    ColumnElement,
    DateTime,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    Row,
    Select,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    case,
    exists,
    or_,
    select,
)

from data.errors import InvalidRequestError
from data.store import metadata
from labeling.transcriptions import Transcription

LONGEST_NAME = 128
"""Most characters of a person's name."""


class Reason(StrEnum):
    """Why a clip waits for a person."""

    SUSPECT = "suspect"
    LOW_CONFIDENCE = "low_confidence"
    DISAGREEMENT = "disagreement"
    DOUBT = "doubt"


class Verdict(StrEnum):
    """What a person decided about a clip."""

    CONFIRMED = "confirmed"
    CORRECTED = "corrected"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class ReviewTask:
    """A clip that waits for a person.

    `audio` is the path of the clip, None where its audio is kept in the database under the clip's id. `text` is the
    label in doubt, `hypotheses` what else it could be, best first; `note` says why it is doubted. Higher `priority`
    comes first.
    """

    clip: str
    reason: Reason
    text: str = ""
    audio: str | None = None
    duration: float | None = None
    hypotheses: tuple[str, ...] = ()
    note: str = ""
    priority: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """A clip in the hands of one person until a time."""

    id: str
    task: ReviewTask
    person: str
    until: datetime


@dataclass(frozen=True, slots=True)
class NothingNow:
    """There is no clip for this person at the moment.

    `leased` clips are with others, and may come back: the first at `returns_at`. `for_others` clips wait for somebody
    else, because this person has labelled or skipped them.
    """

    leased: int
    for_others: int
    returns_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether every clip has all its labels."""
        return not self.leased and not self.for_others


@dataclass(frozen=True, slots=True)
class Label:
    """What a person made of a clip, and when; `seconds` is how long it took, `convention` which one was checked."""

    lease: str
    clip: str
    person: str
    text: str
    verdict: Verdict
    at: datetime
    seconds: float | None = None
    convention: str | None = None


@dataclass(frozen=True, slots=True)
class PersonCount:
    """How many labels a person gave."""

    person: str
    labels: int


@dataclass(frozen=True, slots=True)
class QueueStats:
    """How many clips wait, are leased and are done, and how many labels each person gave."""

    waiting: int
    leased: int
    done: int
    people: tuple[PersonCount, ...]


@dataclass(frozen=True, slots=True)
class Added:
    """How many clips joined the queue, and how many were in it already or done."""

    added: int
    waiting: int
    done: int


tasks = Table(
    "review_tasks",
    metadata,
    Column("clip", String(256), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Column("audio", Text),
    Column("duration", Float),
    Column("hypotheses", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("priority", Float, nullable=False),
    Column("added_at", DateTime(timezone=True), nullable=False),
)
"""A clip in a round of review."""

places = Table(
    "review_places",
    metadata,
    Column("clip", String(256), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("person", String(LONGEST_NAME)),
    Column("lease", String(64), unique=True),
    Column("until", DateTime(timezone=True)),
    Column("done_at", DateTime(timezone=True)),
    ForeignKeyConstraint(["clip", "round"], ["review_tasks.clip", "review_tasks.round"]),
    UniqueConstraint("clip", "round", "person"),
    Index("review_places_open", "done_at", "until"),
)
"""Room for one label of a task, and who holds it; one person never has two places of a task."""

labels = Table(
    "review_labels",
    metadata,
    Column("lease", String(64), primary_key=True),
    Column("clip", String(256), nullable=False),
    Column("round", Integer, nullable=False),
    Column("person", String(LONGEST_NAME), nullable=False),
    Column("text", Text, nullable=False),
    Column("verdict", String(32), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("seconds", Float),
    Column("convention", String(128)),
    Index("review_labels_by_clip", "clip", "round"),
)
"""The history; one label to a lease, however often it is sent."""


def still_open() -> ColumnElement[bool]:
    """Whether a place wants its label still."""
    return places.c.done_at.is_(None)


def free_at(now: datetime) -> ColumnElement[bool]:
    """Whether a place can be leased at a time."""
    return and_(still_open(), or_(places.c.until.is_(None), places.c.until <= now))


def seen_by(person: str) -> ColumnElement[bool]:
    """Whether a person has another place of a task, or labelled or skipped it already."""
    other = places.alias()
    return or_(
        exists().where(labels.c.clip == places.c.clip, labels.c.round == places.c.round, labels.c.person == person),
        exists().where(
            other.c.clip == places.c.clip,
            other.c.round == places.c.round,
            other.c.number != places.c.number,
            other.c.person == person,
        ),
    )


def places_with_tasks() -> Select[Any]:
    """Select places with their tasks."""
    same = and_(tasks.c.clip == places.c.clip, tasks.c.round == places.c.round)
    return select(tasks, places.c.number, places.c.person, places.c.lease, places.c.until).join(places, same)


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Give 1 where a condition holds and 0 elsewhere."""
    return case((condition, 1), else_=0)


def task_row(task: ReviewTask) -> dict[str, Any]:
    """Give a task as the columns of its table, without the round and the time."""
    return asdict(task) | {"hypotheses": list(task.hypotheses)}


def read_task(row: Row[Any]) -> ReviewTask:
    """Read a task from a row with its columns."""
    return ReviewTask(
        clip=row.clip,
        reason=Reason(row.reason),
        text=row.text,
        audio=row.audio,
        duration=row.duration,
        hypotheses=tuple(row.hypotheses),
        note=row.note,
        priority=row.priority,
    )


def read_lease(row: Row[Any]) -> Lease:
    """Read a lease from a row with the columns of a task and its place."""
    return Lease(row.lease, read_task(row), row.person, in_utc(row.until))


def read_label(row: Row[Any]) -> Label:
    """Read a label from its row."""
    return Label(
        lease=row.lease,
        clip=row.clip,
        person=row.person,
        text=row.text,
        verdict=Verdict(row.verdict),
        at=in_utc(row.at),
        seconds=row.seconds,
        convention=row.convention,
    )


def transcriptions_of(history: Iterable[Label]) -> tuple[Transcription, ...]:
    """Give labels as transcriptions; those of one person for one clip are takes, in their order.

    Args:
        history: Oldest first.

    Returns:
        One transcription for each label.
    """
    takes: dict[tuple[str, str], int] = {}
    written = []
    for each in history:
        take = takes[each.clip, each.person] = takes.get((each.clip, each.person), 0) + 1
        skipped = each.verdict is Verdict.SKIPPED
        written.append(
            Transcription(
                each.clip, each.person, each.text, take, at=each.at.isoformat(), seconds=each.seconds, skipped=skipped
            )
        )
    return tuple(written)


def named(person: str) -> str:
    """Give a person's name without the space around it, so that nobody is two people.

    Raises:
        InvalidRequestError: It is empty or too long.
    """
    if not 1 <= len(name := person.strip()) <= LONGEST_NAME:
        raise InvalidRequestError(f"{person[:20]!r} is no name; give one of 1 to {LONGEST_NAME} characters")
    return name


def in_utc(at: datetime) -> datetime:
    """Give a time its zone again, which SQLite does not keep."""
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
