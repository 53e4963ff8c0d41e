"""The page's client, in a real browser, before a real server that is busy: it waits, tries again, and gives up."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Request, Response

from data.records import Release
from data.store import Store
from serve.choices import Scope
from serve.index import SearchIndex
from serve.keys import KeyStore
from tests.conftest import RunningServer, start_server

OpenPage = Callable[..., Page]
BUSY = "Failed to load resource"

SPEAK = """async (copies) => {
  const { searchAudio } = await import("/static/client.js");
  const sound = new Blob([Uint8Array.from(atob(window.recording), (letter) => letter.charCodeAt(0))]);
  return Promise.all(Array.from({ length: copies }, () => searchAudio(sound.slice(), { limit: 2 })));
}"""
TYPE = """async (copies) => {
  const { searchText } = await import("/static/client.js");
  const began = performance.now();
  const answers = await Promise.allSettled(Array.from({ length: copies }, () => searchText("jaws")));
  return answers.map((each) => ({ status: each.reason?.status ?? 200, ms: performance.now() - began }));
}"""


def encoded(recording: Path) -> str:
    return base64.b64encode(recording.read_bytes()).decode()


@pytest.fixture
def busy(
    release: Release, film_index: SearchIndex, home: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[RunningServer, str]]:
    """A server that answers a key only so often, and a key of it."""
    for name in ("models", "indexes"):
        (tmp_path / name).symlink_to(home / name)
    with closing(Store.open(f"sqlite:///{tmp_path}/voicesearch.db")) as store:
        _, secret = KeyStore(store).create("page", [Scope.QUERY])
    with start_server(tmp_path, VOICESEARCH_RATE_LIMIT=request.param, VOICESEARCH_ACCESS="keys") as running:
        yield running, secret


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Another site with an empty page; gives its origin."""
    (tmp_path / "index.html").write_text("<!doctype html><link rel='icon' href='data:,'><title>A shop</title>")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        serving = threading.Thread(target=site.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        serving.join()


def with_key(open_page: OpenPage, busy: tuple[RunningServer, str]) -> Page:
    server, secret = busy
    page = open_page(expected=BUSY, url=f"{server.url}/reports")  # a page that asks for nothing by itself is quiet
    page.evaluate("async (key) => (await import('/static/memory.js')).writeKey(key)", secret)
    return page


@pytest.mark.parametrize("busy", ["2/2second"], indirect=True)
def test_a_busy_server_is_asked_again_after_the_time_it_names_with_the_same_idempotency_key(
    busy: tuple[RunningServer, str], open_page: OpenPage, film_recording: Path
) -> None:
    page = with_key(open_page, busy)
    time.sleep(2)
    sent: list[tuple[float, str]] = []
    answers: list[Response] = []

    def note(request: Request) -> None:
        if request.url.endswith("/v1/search"):
            sent.append((time.monotonic(), request.headers["idempotency-key"]))

    page.on("request", note)
    page.on("response", lambda response: answers.append(response) if response.url.endswith("/v1/search") else None)
    page.evaluate("(sound) => (window.recording = sound)", encoded(film_recording))
    found: list[dict[str, Any]] = page.evaluate(SPEAK, 3)
    assert [each["results"][0]["title"] for each in found] == ["Jurassic Park"] * 3
    assert 429 in {answer.status for answer in answers}
    keys = [key for _, key in sent]
    assert len(set(keys)) == 3
    assert len(keys) > 3
    repeated = next(key for key in keys if keys.count(key) > 1)
    first, again = [at for at, key in sent if key == repeated][:2]
    assert again - first >= 1.0


@pytest.mark.parametrize("busy", ["2/hour"], indirect=True)
def test_a_server_that_is_busy_for_long_is_not_waited_for(busy: tuple[RunningServer, str], open_page: OpenPage) -> None:
    page = with_key(open_page, busy)
    answers = page.evaluate(TYPE, 4)
    assert 429 in {answer["status"] for answer in answers}
    assert max(answer["ms"] for answer in answers) < 8000


@pytest.mark.usefixtures("release", "film_index")
def test_a_page_of_another_site_imports_the_client_and_searches_once_its_origin_is_named(
    home: Path, elsewhere: str, open_page: OpenPage, film_recording: Path
) -> None:
    with start_server(home, VOICESEARCH_CORS_ORIGINS=elsewhere) as server:
        page = open_page(url=elsewhere)
        page.evaluate("(sound) => (window.recording = sound)", encoded(film_recording))
        found = page.evaluate(SPEAK.replace("/static/client.js", f"{server.url}/static/client.js"), 1)
    assert found[0]["results"][0]["title"] == "Jurassic Park"
