"""Hostile connections: slow, cut off at every stage, hundreds at once; the next good query is answered as ever."""

import os
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from data.records import Release
from serve.index import SearchIndex
from tests.conftest import QUERIES, RunningServer, start_server

pytestmark = pytest.mark.slow

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
UPLOAD_S = 2
UNREAD_S = 2
WITHIN_S = 60.0

FORM = b'--b\r\nContent-Disposition: form-data; name="audio"; filename="a.flac"\r\n\r\n' + JURASSIC + b"\r\n--b--\r\n"
HEAD = (
    b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    b"Content-Length: %d\r\n\r\n" % len(FORM)
)
WHOLE = HEAD + FORM

Reset = Callable[[socket.socket], None]


@pytest.fixture(scope="module")
def server(release: Release, film_index: SearchIndex, home: Path) -> Iterator[RunningServer]:
    settings = {"VOICESEARCH_UPLOAD_SECONDS": str(UPLOAD_S), "VOICESEARCH_UNREAD_SECONDS": str(UNREAD_S)}
    with start_server(home, **settings) as running:
        yield running


def connect(server: RunningServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=WITHIN_S)


def good(server: RunningServer) -> httpx2.Response:
    return httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, timeout=60)


def assert_answers(server: RunningServer) -> None:
    assert good(server).json()["results"][0]["title"] == "Jurassic Park"


def callers(server: RunningServer) -> set[int]:
    """List the ports of the callers whose connections the server holds open."""
    held = set()
    for entry in Path(f"/proc/{server.pid}/fd").iterdir():
        try:
            held.add(os.readlink(entry))
        except FileNotFoundError:
            continue
    rows = [row.split() for row in Path(f"/proc/{server.pid}/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in held}


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.parametrize("at", [len(HEAD), len(HEAD) + 40, len(WHOLE) // 2, len(WHOLE) - 1])
def test_an_upload_that_comes_drop_by_drop_is_given_up(server: RunningServer, at: int) -> None:
    with connect(server) as slow:
        slow.sendall(WHOLE[:at])
        begun = time.monotonic()
        answer = b""
        for place in range(at, len(WHOLE) - 1):
            slow.settimeout(0.2)
            try:
                answer += slow.recv(4096)
                break
            except TimeoutError:
                slow.sendall(WHOLE[place : place + 1])
        slow.settimeout(WITHIN_S)
        while part := slow.recv(4096):  # head and body may come apart; the connection ends with the answer
            answer += part
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"too_slow"' in answer
    assert time.monotonic() - begun < UPLOAD_S + 5
    assert_answers(server)


def test_a_caller_that_reads_nothing_is_let_go(server: RunningServer) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", int(server.url.rsplit(":", 1)[1])))
        port = slow.getsockname()[1]
        until(lambda: port in callers(server))
        slow.setblocking(False)
        asked = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200
        while asked:
            try:
                asked = asked[slow.send(asked) :]
            except BlockingIOError:
                break
        assert_answers(server)
        until(lambda: port not in callers(server))
    assert_answers(server)


STAGES = {
    "before anything": 0,
    "in the first line": 9,
    "in the headers": len(HEAD) - 20,
    "after the headers": len(HEAD),
    "in the form's header": len(HEAD) + 30,
    "in the recording": len(WHOLE) // 2,
    "before the last byte": len(WHOLE) - 1,
    "after the request": len(WHOLE),
}


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize("leave", [close, reset])
@pytest.mark.parametrize("stage", STAGES)
def test_callers_that_hang_up_free_their_place(server: RunningServer, stage: str, leave: Reset) -> None:
    crowd = [connect(server) for _ in range(40)]  # more than may wait: were they not forgotten, the next is refused
    ports = {caller.getsockname()[1] for caller in crowd}
    until(lambda: ports <= callers(server))
    for caller in crowd:
        caller.sendall(WHOLE[: STAGES[stage]])
    for caller in crowd:
        leave(caller)
    until(lambda: good(server).status_code == 200)
    assert_answers(server)
    until(lambda: ports.isdisjoint(callers(server)))


def test_a_caller_that_hangs_up_after_the_first_bytes_of_its_answer_disturbs_nobody(server: RunningServer) -> None:
    for leave in (close, reset):
        caller = connect(server)
        caller.sendall(WHOLE)
        assert caller.recv(1) == b"H"
        leave(caller)
    assert_answers(server)


def test_500_connections_at_once_are_all_answered_or_told_to_come_back(server: RunningServer) -> None:
    def ask(_: int) -> tuple[int, bool]:
        with connect(server) as caller:
            caller.sendall(WHOLE)
            answer = caller.recv(65_536)
            return int(answer.split()[1]), b"retry-after: 1" in answer

    with ThreadPoolExecutor(500) as crowd:
        answers = list(crowd.map(ask, range(500)))
    refused = [told for status, told in answers if status == 503]
    assert {status for status, _ in answers} == {200, 503}
    assert all(refused)
    assert_answers(server)


def test_500_connections_that_say_nothing_keep_nobody_out(server: RunningServer) -> None:
    idle = [connect(server) for _ in range(500)]
    try:
        assert_answers(server)
    finally:
        for each in idle:
            each.close()
