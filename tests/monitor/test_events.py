"""The event store: append-only, once each, words apart and only when kept."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from data.errors import StoreError
from data.records import Event, EventKind, FeedbackFigures, QueryFigures
from data.store import Store, utterances
from monitor.events import EventStore

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(f"sqlite:///{tmp_path}/events.db")


def query(name: str, at: datetime = NOW) -> Event:
    figures = QueryFigures(
        audio_format="wav",
        seconds=1.5,
        loudness=-20.5,
        result_ids=("1", "2"),
        result_scores=(2.0, 1.0),
        stage_ms={"decode": 1.0},
    )
    return Event(f"query:{name}", EventKind.QUERY, at, name, "session", "tiny.en", 200, None, figures)


def test_an_event_comes_back_as_it_happened(store: Store) -> None:
    events = EventStore(store)
    click = Event("click:q:1", EventKind.CLICK, NOW + timedelta(seconds=1), "q", figures=FeedbackFigures("1", 1))
    assert events.append(query("q"))
    assert events.append(click)
    assert list(events.read()) == [query("q"), click]


def test_an_event_is_kept_once(store: Store) -> None:
    events = EventStore(store)
    assert [events.append(query("q")), events.append(query("q"))] == [True, False]
    assert len(list(events.read())) == 1


def test_events_are_read_by_time_and_kind_oldest_first(store: Store) -> None:
    events = EventStore(store)
    for minutes, name in ((2, "later"), (0, "first"), (1, "second")):
        events.append(query(name, NOW + timedelta(minutes=minutes)))
    assert [event.query_id for event in events.read()] == ["first", "second", "later"]
    assert [event.query_id for event in events.read(since=NOW + timedelta(minutes=1))] == ["second", "later"]
    assert list(events.read(kind=EventKind.CLICK)) == []


def test_an_infinite_loudness_is_no_figure(store: Store) -> None:
    events = EventStore(store)
    events.append(Event("query:q", EventKind.QUERY, NOW, "q", figures=QueryFigures(loudness=float("-inf"), bytes=3)))
    assert next(events.read()).figures == QueryFigures(bytes=3)


def test_words_are_in_a_table_of_their_own_and_take_a_correction(store: Store) -> None:
    events = EventStore(store)
    events.keep_words("q", "session", "jurassic bark", b"sound")
    correction = Event("correction:q", EventKind.CORRECTION, NOW, "q")
    unknown = Event("correction:unknown", EventKind.CORRECTION, NOW, "unknown")
    assert [events.append(correction, each) for each in ("one", "two", "jurassic park")] == [True, False, False]
    assert events.append(unknown, "words of a query that was not kept")
    with store.begin() as connection:
        row = connection.execute(select(utterances)).one()
    assert (row.text, row.correction, row.audio) == ("jurassic bark", "jurassic park", b"sound")


def test_what_was_appended_survives_closing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/events.db"
    first = Store.open(url)
    EventStore(first).append(query("q"))
    first.close()
    assert EventStore(Store.open(url)).find_query("q") == query("q")


def test_a_database_that_cannot_be_opened_is_refused_without_its_password(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be opened"):
        Store.open(f"sqlite:///{tmp_path}/file/events.db")
    with pytest.raises(StoreError, match="not a database address") as refused:
        Store.open("nonsense://user:secret@host/db")
    assert "secret" not in str(refused.value)
