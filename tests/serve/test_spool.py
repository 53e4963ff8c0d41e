"""The spool: in order, nothing lost while the database refuses, bounded; the refusals are SQLite's own."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from data.errors import NotFoundError, StoreError
from data.records import Event, EventKind
from data.store import Store
from monitor.events import EventStore
from serve.metrics import ServiceMetrics
from serve.spool import Spool, SpoolLimits

WITHIN_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def events(path: Path) -> Iterator[EventStore]:
    with closing(Store.open(f"sqlite:///{path}")) as store:
        yield EventStore(store)


def event(name: str) -> Event:
    return Event(f"query:{name}", EventKind.QUERY, datetime.now(UTC), name, "session", "tiny.en", 200)


def figure(metrics: ServiceMetrics, name: str) -> float:
    return metrics.registry.get_sample_value(name) or 0.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def write(events: EventStore, name: str) -> Callable[[], object]:
    return lambda: events.append(event(name))


@pytest.fixture
def lock(path: Path, events: EventStore) -> Iterator[sqlite3.Connection]:
    """Another program that holds the database until it commits."""
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


def test_what_was_added_is_written_in_order_before_an_answer_is_given(events: EventStore) -> None:
    spool = Spool(ServiceMetrics())
    for name in "abc":
        spool.add(write(events, name))
    assert spool.submit(lambda: [each.query_id for each in events.read()]).result(WITHIN_S) == ["a", "b", "c"]
    spool.close()


def test_while_the_database_is_locked_events_wait_and_who_waits_for_an_answer_is_refused(
    events: EventStore, lock: sqlite3.Connection
) -> None:
    metrics = ServiceMetrics()
    spool = Spool(metrics)
    spool.add(write(events, "a"))
    spool.add(write(events, "b"))
    with pytest.raises(StoreError, match="locked"):
        spool.submit(lambda: None).result(WITHIN_S)
    assert spool.trouble is not None
    assert figure(metrics, "voicesearch_events_waiting") == 2
    lock.execute("COMMIT")
    until(lambda: spool.trouble is None)
    spool.close()
    assert [each.query_id for each in events.read()] == ["a", "b"]
    assert figure(metrics, "voicesearch_events_dropped_total") == 0


def test_what_is_beyond_the_bounds_is_dropped_and_counted(events: EventStore, lock: sqlite3.Connection) -> None:
    metrics = ServiceMetrics()
    spool = Spool(metrics, SpoolLimits(entries=3, size=100))
    spool.add(write(events, "a"), size=60)
    spool.add(write(events, "too large"), size=60)
    for name in ("b", "c", "too many"):
        spool.add(write(events, name))
    assert figure(metrics, "voicesearch_events_dropped_total") == 2
    lock.execute("COMMIT")
    spool.close()
    assert [each.query_id for each in events.read()] == ["a", "b", "c"]


def test_what_the_database_will_never_take_keeps_nothing_else_waiting(events: EventStore) -> None:
    metrics = ServiceMetrics()
    spool = Spool(metrics)
    for _ in range(2):  # a recording is kept once for each query
        spool.add(lambda: events.keep_words("q", None, "words", None))
    spool.add(write(events, "a"))
    spool.close()
    assert [each.query_id for each in events.read()] == ["a"]
    assert figure(metrics, "voicesearch_events_dropped_total") == 1


def test_an_answer_that_is_a_refusal_reaches_who_asked_and_nobody_else(events: EventStore) -> None:
    def refuse() -> None:
        raise NotFoundError("there was no such query")

    spool = Spool(ServiceMetrics())
    with pytest.raises(NotFoundError):
        spool.submit(refuse).result(WITHIN_S)
    assert spool.submit(lambda: 1).result(WITHIN_S) == 1
    spool.close()


def test_a_database_that_stays_away_does_not_keep_the_service_from_ending(events: EventStore, path: Path) -> None:
    metrics = ServiceMetrics()
    path.unlink()
    path.mkdir()
    spool = Spool(metrics)
    spool.add(write(events, "a"))
    spool.close()
    assert figure(metrics, "voicesearch_events_dropped_total") == 1


def test_a_database_file_that_is_removed_is_made_anew_and_nothing_more_goes_into_the_old_one(
    events: EventStore, path: Path
) -> None:
    events.append(event("before"))
    path.unlink()
    events.append(event("after"))
    with closing(Store.open(f"sqlite:///{path}")) as reopened:
        assert [each.query_id for each in EventStore(reopened).read()] == ["after"]
