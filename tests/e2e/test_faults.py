"""Faults of the machine under the real service: what is killed, locked, full, gone or set, and what comes of it."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import httpx2
import pytest

from data.records import EventKind, FeedbackFigures, Release
from data.store import Store
from monitor.events import EventStore
from serve.index import SearchIndex
from tests.conftest import FILMS, QUERIES, ROOT, RunningServer, start_server

pytestmark = pytest.mark.slow

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
WITHIN_S = 60.0


@pytest.fixture
def own(release: Release, film_index: SearchIndex, home: Path, tmp_path: Path) -> Path:
    """A home of the test's own, whose index it may delete."""
    (tmp_path / "models").symlink_to(home / "models")
    shutil.copytree(home / "indexes", tmp_path / "indexes")
    return tmp_path


@pytest.fixture
def server(own: Path) -> Iterator[RunningServer]:
    with start_server(own) as running:
        yield running


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def speak(server: RunningServer) -> httpx2.Response:
    return httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, timeout=60)


def type_(server: RunningServer) -> str:
    """Ask by typing; gives the query's id."""
    answer = httpx2.get(f"{server.url}/v1/search", params={"q": "jurassic park"}, timeout=30)
    assert answer.json()["results"][0]["title"] == "Jurassic Park"
    return str(answer.json()["query_id"])


def click(server: RunningServer, query_id: str, item: str = "1") -> httpx2.Response:
    body = {"query_id": query_id, "kind": "click", "item_id": item}
    return httpx2.post(f"{server.url}/v1/feedback", json=body, timeout=30)


def readiness(server: RunningServer) -> str:
    return str(httpx2.get(f"{server.url}/readyz", timeout=30).json()["status"])


def figure(server: RunningServer, name: str) -> float:
    lines = httpx2.get(f"{server.url}/metrics", timeout=30).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def kept(home: Path, kind: EventKind) -> list[str]:
    with closing(Store.open(f"sqlite:///{home}/voicesearch.db")) as store:
        return [event.query_id for event in EventStore(store).read(kind=kind)]


def family(pid: int) -> list[int]:
    """Give the processes below a process."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for task in tasks for child in task.read_text().split()]
    return children + [below for child in children for below in family(child)]


def is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_after_a_kill_in_mid_write_no_acknowledged_feedback_is_lost_and_all_opens_clean(own: Path) -> None:
    acknowledged: list[str] = []
    with start_server(own) as server:
        query_id = type_(server)
        click(server, query_id)
        processes = family(server.pid)

        def clicks(start: int) -> None:
            with suppress(httpx2.TransportError):
                for item in map(str, range(start, 100_000, 4)):
                    assert click(server, query_id, item).json()["recorded"]
                    acknowledged.append(item)

        def speaks(_: int) -> None:
            with suppress(httpx2.TransportError):
                while True:
                    speak(server)

        with ThreadPoolExecutor(6) as crowd:
            busy = [crowd.submit(clicks, start) for start in range(2, 6)]
            busy += [crowd.submit(speaks, place) for place in range(2)]
            until(lambda: len(acknowledged) > 200)
            os.kill(server.pid, signal.SIGKILL)
        for each in busy:
            each.result()
        until(lambda: all(is_gone(pid) for pid in processes))
    with closing(sqlite3.connect(own / "voicesearch.db")) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    with closing(Store.open(f"sqlite:///{own}/voicesearch.db")) as store:
        figures = [event.figures for event in EventStore(store).read(kind=EventKind.CLICK)]
        clicked = {each.item_id for each in figures if isinstance(each, FeedbackFigures)}
    assert set(acknowledged) <= clicked
    assert SearchIndex.open(own / "indexes").search("jurassic park")[0].title == "Jurassic Park"
    with start_server(own) as again:
        assert speak(again).json()["results"][0]["title"] == "Jurassic Park"


def test_recognisers_that_are_killed_cost_at_most_their_own_requests_and_are_back(own: Path) -> None:
    with start_server(own, VOICESEARCH_DEADLINE_SECONDS="60") as server:  # a busy machine is no failure
        below = family(server.pid)
        before = figure(server, "voicesearch_recogniser_restarts_total")
        with ThreadPoolExecutor(8) as crowd:
            asked = [crowd.submit(speak, server) for _ in range(24)]
            time.sleep(0.3)
            for pid in below:  # also the process that the recognisers are forked from
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            answers = [each.result() for each in asked]
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) <= {200, 500}
        assert statuses.count(500) <= len(below)
        until(lambda: readiness(server) == "ready")
        assert figure(server, "voicesearch_recogniser_restarts_total") > before
        assert speak(server).json()["results"][0]["title"] == "Jurassic Park"


def test_recognisers_that_hang_are_killed_at_the_deadline_and_are_back(own: Path) -> None:
    with start_server(own, VOICESEARCH_DEADLINE_SECONDS="3") as server:
        for pid in family(server.pid):
            os.kill(pid, signal.SIGSTOP)
        with ThreadPoolExecutor(4) as crowd:
            begun = time.monotonic()
            answers = list(crowd.map(lambda _: speak(server), range(4)))
            assert time.monotonic() - begun < 8
        assert {answer.status_code for answer in answers} <= {500, 504}
        type_(server)  # what needs no recogniser is answered meanwhile
        for pid in family(server.pid):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)  # the one that they are forked from hears no recordings, and is not killed
        until(lambda: readiness(server) == "ready" and speak(server).status_code == 200)


def test_a_terminated_service_answers_what_it_has_begun_keeps_it_and_exits_0(own: Path) -> None:
    starting = start_server(own)
    with starting as server:
        with ThreadPoolExecutor(6) as crowd:
            asked = [crowd.submit(speak, server) for _ in range(6)]
            time.sleep(0.25)
            os.kill(server.pid, signal.SIGTERM)
            answers = []
            for each in asked:
                with suppress(httpx2.TransportError):  # not yet taken on when the end was asked for
                    answers.append(each.result())
        assert starting.exit_code() == 0
    assert answers
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["query_id"] for answer in answers} <= set(kept(own, EventKind.QUERY))


def test_a_locked_database_costs_no_answer_and_nothing_is_lost(server: RunningServer) -> None:
    before = type_(server)
    click(server, before)
    with closing(sqlite3.connect(server.home / "voicesearch.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        meanwhile = [type_(server) for _ in range(5)]
        assert speak(server).status_code == 200
        refused = click(server, before, "2")
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "store_error")
        assert refused.headers["retry-after"] == "5"
        until(lambda: readiness(server) == "degraded")
        assert figure(server, "voicesearch_events_waiting") > 0
        other.execute("ROLLBACK")
    until(lambda: readiness(server) == "ready")
    assert click(server, before, "2").json() == {"recorded": True, "duplicate": False}
    assert set(meanwhile) <= set(kept(server.home, EventKind.TYPED_QUERY))
    assert figure(server, "voicesearch_events_dropped_total") == 0


def test_a_database_that_is_removed_is_made_anew(server: RunningServer) -> None:
    click(server, type_(server))
    for path in server.home.glob("voicesearch.db*"):
        path.unlink()
    query_id = type_(server)
    assert click(server, query_id).json() == {"recorded": True, "duplicate": False}
    assert readiness(server) == "ready"
    assert kept(server.home, EventKind.CLICK) == [query_id]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("a small file system cannot be mounted: needs root")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def test_a_full_disk_costs_no_answer_and_nothing_is_lost(own: Path, small_disk: Path) -> None:
    database = f"sqlite:///{small_disk}/voicesearch.db"
    with start_server(own, VOICESEARCH_DATABASE_URL=database) as server:
        before = type_(server)
        click(server, before)
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        meanwhile: list[str] = []

        def full() -> bool:
            meanwhile.append(type_(server))
            return readiness(server) == "degraded"

        until(full)
        assert speak(server).json()["results"][0]["title"] == "Jurassic Park"
        assert click(server, before, "2").status_code == 503
        filler.unlink()
        until(lambda: readiness(server) == "ready")
        assert click(server, before, "2").json() == {"recorded": True, "duplicate": False}
        assert figure(server, "voicesearch_events_dropped_total") == 0
        with closing(Store.open(database)) as store:
            assert set(meanwhile) <= {event.query_id for event in EventStore(store).read()}


def test_an_index_that_is_deleted_still_answers_until_another_is_made(server: RunningServer) -> None:
    shutil.rmtree(server.home / "indexes")
    assert speak(server).json()["results"][0]["title"] == "Jurassic Park"
    type_(server)
    environment = {**os.environ, "VOICESEARCH_HOME": str(server.home)}
    command = [sys.executable, "-m", "voicesearch", "serve", "index", str(FILMS)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    type_(server)
    assert readiness(server) == "ready"


@pytest.mark.parametrize("jump", ["-1d", "+1d"])
def test_a_clock_that_jumps_disturbs_neither_answers_nor_rates(
    own: Path, jump: str, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    needs_tool("faketime")
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    clock = tmp_path / "clock"
    clock.write_text("+0")
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # a machine's monotonic clock does not jump
    }
    with start_server(own, VOICESEARCH_RATE_LIMIT="3/minute", VOICESEARCH_ACCESS="open", **faked) as server:
        elsewhere = {"x-forwarded-for": "203.0.113.7"}
        address = f"{server.url}/v1/search?q=jaws"
        assert [httpx2.get(address, headers=elsewhere).status_code for _ in range(4)] == [200, 200, 200, 429]
        clock.write_text(jump)
        time.sleep(2)
        begun = time.monotonic()
        assert speak(server).json()["results"][0]["title"] == "Jurassic Park"
        assert time.monotonic() - begun < 10
        assert httpx2.get(address, headers=elsewhere).status_code == 200
        assert click(server, type_(server)).json() == {"recorded": True, "duplicate": False}
        assert readiness(server) == "ready"
