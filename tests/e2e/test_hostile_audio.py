"""Hostile recordings at the running server: each gets the answer expected of it, and the next query works."""

from collections.abc import Iterator

import httpx2
import pytest

from tests.conftest import RunningServer
from tests.e2e.hostile_recordings import EMPTY, JURASSIC, REFUSED, ROWS, SPEECH, Row
from tests.recordings import CONTAINERS

CUTS = {name: CONTAINERS[name](SPEECH[4000:5600]) for name in ("wav", "flac", "opus", "webm")}
"""A tenth of a second in each container; to be cut off at every byte."""


@pytest.fixture(scope="module")
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=60) as client:
        yield client


def search(http: httpx2.Client, content: bytes) -> httpx2.Response:
    return http.post("/v1/search", files={"audio": content}, data={"limit": "1"})


def still_works(http: httpx2.Client) -> bool:
    answer = search(http, JURASSIC).json()
    return bool(answer["results"][0]["title"] == "Jurassic Park")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_hostile_recording_gets_its_answer_and_the_next_query_works(http: httpx2.Client, row: Row) -> None:
    answer = search(http, row.content)
    body = answer.json()
    if isinstance(row.expected, int):
        assert (answer.status_code, body["error"]["code"]) == (row.expected, REFUSED[row.expected])
    elif row.expected == EMPTY:
        assert (answer.status_code, body["error"]["code"]) == (422, "empty_audio")
    else:
        assert answer.status_code == 200, body
        text, reason = body["transcript"]["text"], body["null_reason"]
        assert (text == "") == (reason is not None)
        if row.expected is not None:
            assert text == row.expected, reason
    assert still_works(http)


@pytest.mark.parametrize("container", CUTS)
@pytest.mark.parametrize("step", [101, pytest.param(1, marks=pytest.mark.slow)])
def test_a_recording_cut_off_at_any_byte_is_heard_or_refused(http: httpx2.Client, container: str, step: int) -> None:
    content = CUTS[container]
    for cut in range(0, len(content), step):
        answer = search(http, content[:cut])
        assert answer.status_code in (200, 415, 422), (cut, answer.text)
        if answer.status_code != 200:
            assert answer.json()["error"]["code"] in ("unsupported_audio", "empty_audio", "invalid_audio"), cut
    assert still_works(http)
