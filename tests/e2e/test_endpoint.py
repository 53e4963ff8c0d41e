"""The running service: every address, every refusal, by real clients over real connections."""

import io
import json
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import numpy as np
import openai
import pytest
import soundfile

from data.records import Event, EventKind, QueryFigures, Release
from data.store import Store
from monitor.events import EventStore
from tests.conftest import QUERIES, SPEECH, RunningServer, start_server

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()


@pytest.fixture
def http(server: RunningServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def events(server: RunningServer) -> Iterator[EventStore]:
    store = Store.open(f"sqlite:///{server.home}/voicesearch.db")
    yield EventStore(store)
    store.close()


def wav(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, 16_000, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def kept(events: EventStore, wanted: Callable[[Event], bool]) -> Event:
    """Events are written beside the answer: wait for one."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        for event in events.read():
            if wanted(event):
                return event
        time.sleep(0.02)
    pytest.fail("the event was not kept")


def test_a_spoken_query_finds_its_film(http: httpx2.Client) -> None:
    answer = http.post("/v1/search", files={"audio": JURASSIC}, data={"limit": "3", "session_id": "s-1"}).json()
    assert answer["results"][0]["title"] == "Jurassic Park"
    assert len(answer["results"]) == 3
    assert answer["null_reason"] is None
    assert answer["release"] == "tiny.en-words"
    assert set(answer["timings_ms"]) == {"wait", "decode", "condition", "recognise", "search", "total"}
    assert answer["transcript"]["nbest"][0]["text"] == answer["transcript"]["text"]


def test_a_typed_query_goes_through_the_same_search(http: httpx2.Client) -> None:
    typed = http.get("/v1/search", params={"q": "jurassic park", "limit": 3}).json()
    spoken = http.post("/v1/search", files={"audio": JURASSIC}, data={"limit": "3"}).json()
    assert [hit["id"] for hit in typed["results"]] == [hit["id"] for hit in spoken["results"]]
    assert typed["conditioning"] is None


def test_an_answer_says_whether_it_is_sure_and_offers_the_nearest_few_where_not(http: httpx2.Client) -> None:
    sure = http.get("/v1/search", params={"q": "jurassic park"}).json()
    unsure = http.get("/v1/search", params={"q": "quarterly sales of the north"}).json()
    assert (sure["sure"], unsure["sure"]) == (True, False)
    assert 0 < len(unsure["results"]) <= 5


def test_silence_gives_no_text_no_results_and_the_reason(http: httpx2.Client) -> None:
    answer = http.post("/v1/search", files={"audio": wav(np.zeros(16_000, np.float32))}).json()
    assert (answer["transcript"]["text"], answer["results"], answer["null_reason"]) == ("", [], "silence")


def test_every_query_leaves_an_event_with_its_figures_and_no_words(http: httpx2.Client, events: EventStore) -> None:
    answer = http.post("/v1/search", files={"audio": JURASSIC}, data={"session_id": "s-2"}).json()
    event = kept(events, lambda event: event.query_id == answer["query_id"])
    figures = event.figures
    assert isinstance(figures, QueryFigures)
    assert (event.release, event.session_id, event.status) == ("tiny.en-words", "s-2", 200)
    assert (figures.audio_format, figures.bytes, figures.device) == ("flac", len(JURASSIC), "program")
    assert figures.result_ids == tuple(hit["id"] for hit in answer["results"])
    for name in (
        "seconds",
        "loudness",
        "cut_before_ms",
        "clipped_share",
        "confidence",
        "no_speech_prob",
        "compression_ratio",
    ):
        assert getattr(figures, name) is not None, name
    assert "urassic" not in repr(event).replace("jurassic-park", "")


def test_a_refused_query_leaves_an_event_too(http: httpx2.Client, events: EventStore) -> None:
    http.post("/v1/search", files={"audio": b"not audio at all, sorry"}, data={"session_id": "s-3"})
    event = kept(events, lambda event: event.session_id == "s-3")
    assert event.status == 415
    assert isinstance(event.figures, QueryFigures)
    assert event.figures.error == "unsupported_audio"


def test_words_are_kept_only_with_consent(http: httpx2.Client, server: RunningServer) -> None:
    from sqlalchemy import select

    from data.store import utterances

    said = http.post("/v1/search", files={"audio": JURASSIC}, data={"consent": "true"}).json()
    dropped = http.post("/v1/search", files={"audio": JURASSIC}).json()
    for text in ("something else", "jurassic park"):
        http.post("/v1/feedback", json={"query_id": said["query_id"], "kind": "correction", "text": text})
    store = Store.open(f"sqlite:///{server.home}/voicesearch.db")
    with store.begin() as connection:
        rows = {row.query_id: row for row in connection.execute(select(utterances))}
    store.close()
    assert rows[said["query_id"]].audio == JURASSIC
    assert rows[said["query_id"]].correction == "jurassic park"
    assert dropped["query_id"] not in rows


def test_feedback_counts_once(http: httpx2.Client, events: EventStore) -> None:
    query = http.get("/v1/search", params={"q": "jurassic park"}).json()
    click = {"query_id": query["query_id"], "kind": "click", "item_id": query["results"][0]["id"], "rank": 1}
    assert http.post("/v1/feedback", json=click).json() == {"recorded": True, "duplicate": False}
    assert http.post("/v1/feedback", json=click).json() == {"recorded": False, "duplicate": True}
    clicks = [event for event in events.read(kind=EventKind.CLICK) if event.query_id == query["query_id"]]
    assert len(clicks) == 1


def test_feedback_on_a_query_of_another_session_is_refused(http: httpx2.Client) -> None:
    asked = http.get("/v1/search", params={"q": "jaws", "session_id": "mine"}).json()
    click = {"query_id": asked["query_id"], "kind": "click", "item_id": "1"}
    refused = http.post("/v1/feedback", json={**click, "session_id": "another"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "forbidden")
    assert http.post("/v1/feedback", json={**click, "session_id": "mine"}).json()["recorded"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"query_id": "unknown", "kind": "click", "item_id": "x"}, 404, "not_found"),
        ({"query_id": "unknown", "kind": "click"}, 422, "invalid_request"),
        ({"query_id": "unknown", "kind": "correction"}, 422, "invalid_request"),
        ({"query_id": "unknown", "kind": "shrug"}, 422, "invalid_request"),
    ],
)
def test_feedback_that_cannot_be_used_is_refused(
    http: httpx2.Client, body: dict[str, str], status: int, code: str
) -> None:
    refused = http.post("/v1/feedback", json=body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)


def float_wav(value: float, rate: int = 16_000, channels: int = 1) -> bytes:
    body = struct.pack("<f", value) * 1600 * channels
    form = struct.pack("<IHHIIHH", 16, 3, channels, rate, 0, channels * 4, 32)
    return (
        b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVEfmt " + form + b"data" + struct.pack("<I", len(body)) + body
    )


def hours_of_silence() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(2 * 3600 * 16_000, np.int16), 16_000, format="FLAC")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 422, "empty_audio"),
        (wav(np.zeros(0, np.float32)), 422, "empty_audio"),
        (b"plain text", 415, "unsupported_audio"),
        (JURASSIC[:30], 415, "unsupported_audio"),
        (float_wav(float("nan")), 422, "invalid_audio"),
        (float_wav(float("inf")), 422, "invalid_audio"),
        (float_wav(0.1, rate=0), 422, "invalid_audio"),
        (float_wav(0.1, channels=255), 422, "invalid_audio"),
        (wav(np.zeros(31 * 16_000, np.float32)), 413, "audio_too_long"),
        (hours_of_silence(), 413, "audio_too_long"),
        (b"\0" * (11 * 1024 * 1024), 413, "body_too_large"),
    ],
    ids=["no bytes", "no samples", "text", "header", "nan", "inf", "0 Hz", "255 channels", "31 s", "2 hours", "11 MiB"],
)  # fmt: skip
def test_audio_that_cannot_be_used_is_refused_in_one_shape(
    http: httpx2.Client, content: bytes, status: int, code: str
) -> None:
    refused = http.post("/v1/search", files={"audio": content}, headers={"x-request-id": "my-id"})
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["request_id"]) == (status, code, "my-id")
    assert refused.headers["x-request-id"] == "my-id"
    assert "\n" not in error["message"]
    assert http.post("/v1/search", files={"audio": JURASSIC}).status_code == 200


def raw(server: RunningServer, head: str, chunks: Iterator[bytes]) -> bytes:
    """Send bytes as they are, and give the answer's, whenever it comes."""
    port = int(server.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head.encode())
        try:
            for chunk in chunks:
                connection.sendall(chunk)
        except (BrokenPipeError, ConnectionResetError):
            pass
        answer = b""
        try:
            while part := connection.recv(65_536):
                answer += part
        except (ConnectionResetError, TimeoutError):
            return answer
        return answer


def test_a_body_over_the_limit_in_chunks_is_refused_before_it_is_buffered(server: RunningServer) -> None:
    head = (
        "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        part = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'
        yield b"%x\r\n%s\r\n" % (len(part), part)
        while sent < 200 * 1024 * 1024:
            sent += 65_536
            yield b"10000\r\n" + b"\0" * 65_536 + b"\r\n"

    answer = raw(server, head, endless())
    assert b" 413 " in answer.split(b"\r\n")[0]
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]["code"] == "body_too_large"
    assert sent < 60 * 1024 * 1024


def test_a_content_length_over_the_limit_is_refused_at_once(server: RunningServer) -> None:
    head = (
        "POST /v1/search HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 99999999999\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    )
    assert b" 413 " in raw(server, head, iter([b"--b\r\n"])).split(b"\r\n")[0]


def test_a_malformed_form_and_a_missing_part_are_refused(http: httpx2.Client) -> None:
    garbage = http.post("/v1/search", content=b"garbage", headers={"content-type": "multipart/form-data; boundary=x"})
    assert garbage.status_code in (400, 422)
    missing = http.post("/v1/search", data={"limit": "3"})
    assert (missing.status_code, missing.json()["error"]["code"]) == (422, "invalid_request")
    assert "audio" in missing.json()["error"]["message"]
    limit = http.get("/v1/search", params={"q": "x", "limit": 1000})
    assert (limit.status_code, limit.json()["error"]["code"]) == (422, "invalid_request")


def test_an_empty_body_and_an_empty_question_are_refused(http: httpx2.Client) -> None:
    empty = http.post("/v1/search", content=b"")
    assert (empty.status_code, empty.json()["error"]["code"]) == (422, "empty_audio")
    blank = http.get("/v1/search", params={"q": "  "})
    assert (blank.status_code, blank.json()["error"]["code"]) == (422, "invalid_request")


def test_the_total_time_holds_the_wait_for_a_turn(server: RunningServer) -> None:
    def ask(_: int) -> dict[str, float]:
        response = httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, timeout=60)
        timings: dict[str, float] = response.json()["timings_ms"]
        return timings

    with ThreadPoolExecutor(6) as crowd:
        answers = list(crowd.map(ask, range(6)))
    assert max(each["wait"] for each in answers) > min(each["recognise"] for each in answers) / 2
    for each in answers:
        assert each["total"] >= sum(value for stage, value in each.items() if stage != "total") - 1.0


def test_more_recordings_than_may_wait_are_refused_with_when_to_try_again(release: Release, home: Path) -> None:
    with start_server(home, VOICESEARCH_MAX_WAITING="1", VOICESEARCH_WORKERS="1") as busy:

        def ask(_: int) -> httpx2.Response:
            return httpx2.post(f"{busy.url}/v1/search", files={"audio": JURASSIC}, timeout=60)

        with ThreadPoolExecutor(8) as crowd:
            answers = list(crowd.map(ask, range(8)))
        refused = [answer for answer in answers if answer.status_code == 503]
        assert {answer.status_code for answer in answers} == {200, 503}
        assert refused[0].json()["error"]["code"] == "overloaded"
        assert refused[0].headers["retry-after"] == str(refused[0].json()["error"]["retry_after"]) == "1"
        assert ask(0).status_code == 200


def test_a_locked_database_costs_no_answer_and_events_come_later(http: httpx2.Client, server: RunningServer) -> None:
    with sqlite3.connect(server.home / "voicesearch.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        answer = http.get("/v1/search", params={"q": "jaws"}).json()
        waited = time.monotonic() - begun
        other.execute("ROLLBACK")
    other.close()
    assert waited < 4.0
    store = Store.open(f"sqlite:///{server.home}/voicesearch.db")
    kept(EventStore(store), lambda event: event.query_id == answer["query_id"])
    store.close()


def test_an_unknown_address_is_refused_in_the_same_shape(http: httpx2.Client) -> None:
    assert http.get("/v1/nothing").json()["error"]["code"] == "not_found"
    refused = http.delete("/v1/feedback")
    assert refused.json()["error"]["code"] == "method_not_allowed"
    assert refused.headers["allow"] == "POST"


def test_the_openai_client_transcribes_unmodified(server: RunningServer) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
    recording = SPEECH / "all-circuits-busy-now.flac"
    plain = client.audio.transcriptions.create(model="whisper-1", file=recording)
    assert plain.text == "All circuits are busy now"
    verbose = client.audio.transcriptions.create(model="whisper-1", file=recording, response_format="verbose_json")
    assert verbose.duration == pytest.approx(1.8, abs=0.05)
    assert verbose.segments is not None
    assert 0 <= verbose.segments[0].start < verbose.segments[0].end <= 1.81
    assert client.audio.transcriptions.create(model="x", file=recording, response_format="text").strip() == plain.text
    subtitles = client.audio.transcriptions.create(model="x", file=recording, response_format="srt")
    assert subtitles.startswith("1\n00:00:00,")
    assert subtitles.endswith("All circuits are busy now\n\n")
    captions = client.audio.transcriptions.create(model="x", file=recording, response_format="vtt")
    assert captions.startswith("WEBVTT\n\n00:00:00.")


def test_the_openai_client_is_told_what_is_not_supported(server: RunningServer) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none")
    with pytest.raises(openai.UnprocessableEntityError, match="English"):
        client.audio.transcriptions.create(model="x", file=SPEECH / "vm-goodbye.flac", language="de")


def test_liveness_readiness_and_metrics(http: httpx2.Client) -> None:
    http.post("/v1/search", files={"audio": JURASSIC})
    assert http.get("/healthz").text == "ok\n"
    assert http.get("/readyz").json() == {"status": "ready", "release": "tiny.en-words", "items": 3200}
    text = http.get("/metrics").text
    for line in (
        'voicesearch_stage_seconds_count{kind="query",stage="recognise"}',
        'voicesearch_requests_total{route="/v1/search",status="200"}',
        'voicesearch_null_transcripts_total{kind="query",reason="silence"}',
    ):
        assert line in text


def test_every_answer_carries_a_strict_content_security_policy(http: httpx2.Client) -> None:
    for path in ("/", "/healthz", "/v1/search?q=x", "/nothing"):
        policy = http.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_a_new_index_is_served_without_a_restart(http: httpx2.Client, server: RunningServer, tmp_path: Path) -> None:
    import os

    films = Path(__file__).parents[2] / "examples" / "films" / "catalogue.csv"
    small = tmp_path / "small.csv"
    small.write_text("id,title\n1,The Only Film\n")
    environment = {**os.environ, "VOICESEARCH_HOME": str(server.home)}
    index = [sys.executable, "-m", "voicesearch", "serve", "index"]
    try:
        subprocess.run([*index, str(small)], check=True, env=environment, capture_output=True)
        assert [hit["title"] for hit in http.get("/v1/search", params={"q": "only film"}).json()["results"]] == [
            "The Only Film"
        ]
    finally:
        subprocess.run([*index, str(films)], check=True, env=environment, capture_output=True)
    assert http.get("/v1/search", params={"q": "jurassic park"}).json()["results"][0]["title"] == "Jurassic Park"
