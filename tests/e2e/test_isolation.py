"""A recogniser that hangs or dies under the running service costs one recording, and callers who leave make room."""

import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest

from data.records import Release
from serve.index import SearchIndex
from tests.conftest import QUERIES, RunningServer, start_server

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()


@pytest.fixture(scope="module")
def one(release: Release, film_index: SearchIndex, home: Path) -> Iterator[RunningServer]:
    """A server with one recogniser, two places to wait and little patience."""
    with start_server(
        home, VOICESEARCH_WORKERS="1", VOICESEARCH_MAX_WAITING="2", VOICESEARCH_DEADLINE_SECONDS="3"
    ) as running:
        yield running


def recogniser(server: RunningServer) -> int:
    """The number of the process that recognises."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for forked in (child for helper in children(server.pid) for child in children(helper)):
            if Path(f"/proc/{forked}/comm").read_text().startswith("recogniser"):
                return forked
        time.sleep(0.05)
    pytest.fail("there is no recogniser")


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def ask(server: RunningServer) -> httpx2.Response:
    return httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, timeout=60)


def hang_up(server: RunningServer) -> None:
    """Send a whole recording, and leave before the answer comes."""
    request = httpx2.Request("POST", f"{server.url}/v1/search", files={"audio": JURASSIC})
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1]))) as connection:
        connection.sendall(f"POST /v1/search HTTP/1.1\r\n{head}\r\n".encode() + request.read())
        time.sleep(0.3)


def test_a_recogniser_that_hangs_is_replaced_and_its_query_told_so(one: RunningServer) -> None:
    hanging = recogniser(one)
    os.kill(hanging, signal.SIGSTOP)
    refused = ask(one)
    assert (refused.status_code, refused.json()["error"]["code"]) == (504, "deadline_exceeded")
    assert refused.headers["retry-after"] == "1"
    assert ask(one).json()["transcript"]["text"] == "Jurassic Park"
    assert recogniser(one) != hanging


def test_a_recogniser_that_dies_costs_one_query_and_typing_goes_on(one: RunningServer) -> None:
    dying = recogniser(one)
    os.kill(dying, signal.SIGSTOP)
    with ThreadPoolExecutor(1) as beside:
        lost = beside.submit(ask, one)
        time.sleep(0.3)
        assert httpx2.get(f"{one.url}/v1/search", params={"q": "jaws"}).json()["results"][0]["title"] == "Jaws"
        os.kill(dying, signal.SIGKILL)
        refused = lost.result()
    assert (refused.status_code, refused.json()["error"]["code"]) == (500, "recognition_failed")
    assert ask(one).json()["transcript"]["text"] == "Jurassic Park"
    counted = [line for line in httpx2.get(f"{one.url}/metrics").text.splitlines() if "restarts_total" in line]
    assert float(counted[-1].split()[-1]) >= 1


def test_callers_who_hang_up_free_their_places(one: RunningServer) -> None:
    stopped = recogniser(one)
    os.kill(stopped, signal.SIGSTOP)
    with ThreadPoolExecutor(3) as crowd:
        answers = [crowd.submit(ask, one)]
        time.sleep(0.3)  # the first is being heard; both places behind it are taken and left
        list(crowd.map(lambda _: hang_up(one), range(2)))
        answers += [crowd.submit(ask, one) for _ in range(2)]
        time.sleep(0.3)
        os.kill(stopped, signal.SIGCONT)
        assert [answer.result().status_code for answer in answers] == [200, 200, 200]
