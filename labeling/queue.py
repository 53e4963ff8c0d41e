"""The review queue: clips that wait for a person, each leased to one person at a time, and the history of their labels.

Safe with many people at once, on SQLite and PostgreSQL: a place is taken by one conditional update, so that of two who
reach for it one gets it and the other the next.
"""

import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from data.errors import NotFoundError, StoreError
from data.store import Store
from labeling.review import (
    Added,
    Label,
    Lease,
    NothingNow,
    PersonCount,
    QueueStats,
    ReviewTask,
    Verdict,
    counted,
    free_at,
    in_utc,
    labels,
    named,
    places,
    places_with_tasks,
    read_label,
    read_lease,
    read_task,
    seen_by,
    still_open,
    task_row,
    tasks,
)

LEASE = timedelta(minutes=10)
"""How long a clip stays with a person who does nothing; many times what a query takes to label."""

CANDIDATES = 16
"""Places looked at in one go; so many people can reach into the queue at once without a second look."""


class ReviewQueue:
    """Clips waiting for people."""

    def __init__(
        self,
        store: Store,
        *,
        lease: timedelta = LEASE,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store, self._lease, self._clock = store, lease, clock

    def add(self, waiting: Iterable[ReviewTask], *, wanted: int = 1, again: bool = False) -> Added:
        """Put clips into the queue; one that waits already keeps its place, or moves up to a higher priority.

        Args:
            waiting: The clips.
            wanted: How many people are to label each; 2 is double labelling.
            again: Whether clips that were labelled before are to be labelled once more.

        Returns:
            What became of them.
        """
        outcomes = [self._add(task, wanted, again) for task in waiting]
        return Added(outcomes.count("added"), outcomes.count("waiting"), outcomes.count("done"))

    def next(self, person: str) -> Lease | NothingNow:
        """Lease the clip of the highest priority to a person; a person who holds one gets the same again.

        Args:
            person: Who asks.

        Returns:
            The lease, or why there is none; only `NothingNow.finished` means that all is done.

        Raises:
            InvalidRequestError: The person has no name, or one that is too long.
        """
        person = named(person)
        while True:
            now = self._clock()
            with self._store.begin() as connection:
                held = connection.execute(
                    places_with_tasks().where(places.c.person == person, places.c.until > now, still_open())
                ).first()
                if held is not None:
                    return read_lease(held)
                candidates = connection.execute(
                    places_with_tasks()
                    .where(free_at(now), ~seen_by(person))
                    .order_by(tasks.c.priority.desc(), tasks.c.added_at, places.c.clip, places.c.number)
                    .limit(CANDIDATES)
                ).all()
                if not candidates:
                    return self._nothing(connection, now)
            for candidate in candidates:
                if (lease := self._take(candidate, person, now)) is not None:
                    return lease

    def renew(self, lease: str) -> Lease:
        """Begin a lease's time anew, as long as nobody else has the clip.

        Args:
            lease: The lease's id.

        Returns:
            The lease with its new end.

        Raises:
            NotFoundError: The lease has ended and the clip went to somebody else, or was labelled.
        """
        with self._store.begin() as connection:
            changed = connection.execute(
                update(places).where(places.c.lease == lease, still_open()).values(until=self._clock() + self._lease)
            ).rowcount
            row = connection.execute(places_with_tasks().where(places.c.lease == lease)).first() if changed else None
        if row is None:
            raise _ended(lease)
        return read_lease(row)

    def release(self, lease: str) -> None:
        """Give a clip back without a label; a lease that has ended is let be."""
        with self._store.begin() as connection:
            connection.execute(update(places).where(places.c.lease == lease, still_open()).values(**_VACANT))

    def label(self, lease: str, text: str, *, seconds: float | None = None, convention: str | None = None) -> Label:
        """Keep a person's label. Sent twice, it is kept once.

        Args:
            lease: The lease under which the person has the clip. One that ran out still counts while nobody else took
                the clip.
            text: The transcript; the same as the label in doubt confirms that.
            seconds: How long it took.
            convention: Identifier of the convention that the text was checked against.

        Returns:
            The label as it is kept.

        Raises:
            NotFoundError: The lease has ended and the clip went to somebody else.
        """
        return self._settle(lease, text, seconds, convention)

    def skip(self, lease: str) -> Label:
        """Pass a clip on to somebody else.

        Args:
            lease: The lease under which the person has it.

        Returns:
            The entry in the history.

        Raises:
            NotFoundError: The lease has ended and the clip went to somebody else.
        """
        return self._settle(lease, None, None, None)

    def history(self, clip: str | None = None) -> tuple[Label, ...]:
        """Give every label that was ever kept, oldest first.

        Args:
            clip: Of one clip only.

        Returns:
            The labels.
        """
        wanted = select(labels).order_by(labels.c.at, labels.c.round, labels.c.lease)
        if clip is not None:
            wanted = wanted.where(labels.c.clip == clip)
        with self._store.begin() as connection:
            return tuple(map(read_label, connection.execute(wanted)))

    def waiting(self, limit: int = 50) -> tuple[ReviewTask, ...]:
        """List the clips that still want a label, leased or not, those of the highest priority first."""
        wanted = (
            select(tasks)
            .where(exists().where(places.c.clip == tasks.c.clip, places.c.round == tasks.c.round, still_open()))
            .order_by(tasks.c.priority.desc(), tasks.c.added_at, tasks.c.clip)
            .limit(limit)
        )
        with self._store.begin() as connection:
            return tuple(map(read_task, connection.execute(wanted)))

    def stats(self) -> QueueStats:
        """Count clips by where they are, and labels by person."""
        now = self._clock()
        by_person = (
            select(labels.c.person, func.count())
            .where(labels.c.verdict != Verdict.SKIPPED)
            .group_by(labels.c.person)
            .order_by(func.count().desc(), labels.c.person)
        )
        with self._store.begin() as connection:
            counts = _count_clips(connection, now)
            people = tuple(PersonCount(person, count) for person, count in connection.execute(by_person))
        return QueueStats(counts.get((1, 0), 0), counts.get((1, 1), 0), counts.get((0, 0), 0), people)

    def forget(self, clips: Iterable[str]) -> int:
        """Erase clips with their labels, as somebody who spoke in them may ask.

        Args:
            clips: Their ids.

        Returns:
            How many of them were known.
        """
        known = 0
        with self._store.begin() as connection:
            for clip in clips:
                for table in (labels, places):
                    connection.execute(delete(table).where(table.c.clip == clip))
                known += connection.execute(delete(tasks).where(tasks.c.clip == clip)).rowcount > 0
        return known

    def _settle(self, lease: str, text: str | None, seconds: float | None, convention: str | None) -> Label:
        """Keep a label, or with no text a skip, and give the place up."""
        now = self._clock()
        with self._store.begin() as connection:
            # Locks the place before it is read, so that a second click finds the first one's label.
            connection.execute(update(places).where(places.c.lease == lease, still_open()).values(lease=lease))
            row = connection.execute(places_with_tasks().where(places.c.lease == lease, still_open())).first()
            if row is not None:
                verdict = Verdict.CONFIRMED if text == row.text else Verdict.CORRECTED
                content = {
                    "lease": lease,
                    "clip": row.clip,
                    "round": row.round,
                    "person": row.person,
                    "text": text or "",
                    "verdict": Verdict.SKIPPED if text is None else verdict,
                    "at": now,
                    "seconds": seconds,
                    "convention": convention,
                }
                left = _VACANT if text is None else {"done_at": now}
                connection.execute(update(places).where(places.c.lease == lease).values(**left))
                connection.execute(insert(labels).values(content))
            kept = connection.execute(select(labels).where(labels.c.lease == lease)).first()
        if kept is None:
            raise _ended(lease)
        return read_label(kept)

    def _add(self, task: ReviewTask, wanted: int, again: bool) -> str:
        known = select(tasks.c.round, tasks.c.priority).where(tasks.c.clip == task.clip).order_by(tasks.c.round.desc())
        with self._store.begin() as connection:
            last = connection.execute(known.limit(1)).first()
            if last is not None:
                this = and_(places.c.clip == task.clip, places.c.round == last.round)
                if connection.execute(select(places.c.number).where(this, still_open()).limit(1)).first() is not None:
                    connection.execute(
                        update(tasks)
                        .where(tasks.c.clip == task.clip, tasks.c.round == last.round, tasks.c.priority < task.priority)
                        .values(priority=task.priority)
                    )
                    return "waiting"
                if not again:
                    return "done"
        try:
            with self._store.begin() as connection:
                self._open_round(connection, task, last.round + 1 if last else 1, wanted)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                return "waiting"  # somebody else added it at the same moment
            raise
        return "added"

    def _open_round(self, connection: Connection, task: ReviewTask, number: int, wanted: int) -> None:
        connection.execute(insert(tasks).values(round=number, added_at=self._clock(), **task_row(task)))
        connection.execute(
            insert(places), [{"clip": task.clip, "round": number, "number": place + 1} for place in range(wanted)]
        )

    def _take(self, row: Row[Any], person: str, now: datetime) -> Lease | None:
        """Take a place, unless somebody was quicker."""
        lease, until = secrets.token_hex(16), now + self._lease
        here = and_(places.c.clip == row.clip, places.c.round == row.round, places.c.number == row.number)
        try:
            with self._store.begin() as connection:
                taken = connection.execute(
                    update(places).where(here, free_at(now)).values(person=person, lease=lease, until=until)
                ).rowcount
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):
                return None  # the same person took the other place of this clip at the same moment
            raise
        return Lease(lease, read_task(row), person, until) if taken else None

    def _nothing(self, connection: Connection, now: datetime) -> NothingNow:
        counts = _count_clips(connection, now)
        held = select(func.min(places.c.until)).where(still_open(), places.c.until > now)
        returns_at = connection.execute(held).scalar_one()
        at = None if returns_at is None else in_utc(returns_at)
        return NothingNow(counts.get((1, 1), 0), counts.get((1, 0), 0), at)


_VACANT = {"person": None, "lease": None, "until": None}


def _count_clips(connection: Connection, now: datetime) -> dict[tuple[int, int], int]:
    """Count clips by whether they want a label still, and whether somebody holds them."""
    held = func.max(counted(and_(still_open(), places.c.until > now)))
    states = (
        select(func.max(counted(still_open())).label("open"), held.label("held"))
        .group_by(places.c.clip, places.c.round)
        .subquery()
    )
    rows = connection.execute(select(states.c.open, states.c.held, func.count()).group_by(states.c.open, states.c.held))
    return {(unfinished, leased): count for unfinished, leased, count in rows}


def _ended(lease: str) -> NotFoundError:
    return NotFoundError(f"lease {lease!r} has ended and the clip went to somebody else; ask for the next one")
