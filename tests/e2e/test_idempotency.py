"""A query sent twice with one key, to the real server: one answer, one event."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest

from data.store import Store
from monitor.events import EventStore
from tests.conftest import QUERIES, RunningServer

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


def sent(http: httpx2.Client, key: str, limit: int = 3, session: str = "twice") -> httpx2.Response:
    form = {"limit": str(limit), "session_id": session}
    return http.post("/v1/search", files={"audio": JURASSIC}, data=form, headers={"idempotency-key": key})


def test_the_second_gets_the_first_answer_and_nothing_is_counted_twice(
    http: httpx2.Client, server: RunningServer
) -> None:
    first, second = sent(http, '"one-key"'), sent(http, "one-key")
    assert first.status_code == 200
    assert second.json() == first.json()
    click = {"query_id": second.json()["query_id"], "kind": "click", "item_id": second.json()["results"][0]["id"]}
    assert http.post("/v1/feedback", json=click).json() == {"recorded": True, "duplicate": False}
    with closing(Store.open(f"sqlite:///{server.home}/voicesearch.db")) as store:  # a receipt follows what came before
        counted = [event for event in EventStore(store).read() if event.session_id == "twice"]
    assert [event.query_id for event in counted] == [first.json()["query_id"]]


def test_one_key_for_two_requests_and_what_is_no_key_are_refused(http: httpx2.Client) -> None:
    assert sent(http, "two", limit=3).status_code == 200
    for response in (sent(http, "two", limit=4), sent(http, "not a key"), sent(http, "k" * 200)):
        assert response.status_code == 422
        assert "idempotency-key" in response.json()["error"]["message"]


def test_of_two_in_flight_one_is_answered_and_the_other_told_to_come_back(server: RunningServer) -> None:
    def ask(_: int) -> httpx2.Response:
        with httpx2.Client(base_url=server.url, timeout=30) as client:
            return sent(client, "at-once", session="at-once")

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(ask, range(6)))
    given = [answer.json() for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert given
    assert all(answer == given[0] for answer in given)
    assert {(each.status_code, each.json()["error"]["code"], each.headers["retry-after"]) for each in refused} <= {
        (409, "in_progress", "1")
    }
    time.sleep(1)
    assert ask(0).json() == given[0]


def test_a_transcription_is_given_again_too_in_the_format_asked_for(http: httpx2.Client) -> None:
    def hear(format_: str) -> httpx2.Response:
        form = {"model": "any", "response_format": format_}
        headers = {"idempotency-key": f"hear-{format_}"}
        return http.post("/v1/audio/transcriptions", files={"file": JURASSIC}, data=form, headers=headers)

    for format_ in ("text", "verbose_json"):
        assert hear(format_).text == hear(format_).text


def test_who_lost_the_connection_gets_an_answer_with_the_same_key_and_is_counted_once(server: RunningServer) -> None:
    hasty = httpx2.Timeout(30, read=0.01)
    with httpx2.Client(base_url=server.url, timeout=hasty) as impatient, pytest.raises(httpx2.ReadTimeout):
        sent(impatient, "lost", session="lost")
    with httpx2.Client(base_url=server.url, timeout=30) as patient:
        while (answer := sent(patient, "lost", session="lost")).status_code == 409:
            time.sleep(0.05)
        assert answer.json()["results"][0]["title"] == "Jurassic Park"
        click = {"query_id": answer.json()["query_id"], "kind": "click", "item_id": "any"}
        patient.post("/v1/feedback", json={**click, "session_id": "lost"})
    with closing(Store.open(f"sqlite:///{server.home}/voicesearch.db")) as store:
        events = [event for event in EventStore(store).read() if event.session_id == "lost"]
    assert [event.query_id for event in events if event.status == 200] == [answer.json()["query_id"]]
