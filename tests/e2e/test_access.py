"""A service for others: keys, rates, origins and log lines of the real server, asked through its proxy's headers."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx2
import openai
import pytest
from playwright.sync_api import Page, expect

from data.records import Release
from data.store import Store
from serve.choices import Scope
from serve.index import SearchIndex
from serve.keys import KeyStore
from tests.conftest import QUERIES, RunningServer, start_server

MakeKey = Callable[..., tuple[str, str]]

RATE = 20
SHOP = "https://shop.example"


@pytest.fixture(scope="module")
def guarded(
    release: Release, film_index: SearchIndex, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server of which every caller needs a key, on a database of its own."""
    folder = tmp_path_factory.mktemp("guarded")
    for name in ("models", "indexes"):
        (folder / name).symlink_to(home / name)
    settings = {"ACCESS": "keys", "RATE_LIMIT": f"{RATE}/hour", "CORS_ORIGINS": SHOP, "LOG_FORMAT": "json"}
    with start_server(folder, **{f"VOICESEARCH_{name}": value for name, value in settings.items()}) as running:
        yield running


@pytest.fixture
def key(guarded: RunningServer) -> MakeKey:
    """Makes a key beside the running server; gives its id and its secret, once the server knows it."""

    def make(*scopes: Scope) -> tuple[str, str]:
        with closing(Store.open(f"sqlite:///{guarded.home}/voicesearch.db")) as store:
            made, secret = KeyStore(store).create("test", scopes)
        time.sleep(1.5)
        return made.id, secret

    return make


def ask(server: RunningServer, secret: str | None = None, address: str = "/v1/search?q=jaws") -> httpx2.Response:
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return httpx2.get(server.url + address, headers=headers, timeout=30)


def test_without_a_key_only_health_answers(guarded: RunningServer) -> None:
    refused = ask(guarded)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert ask(guarded, address="/metrics").status_code == 401
    assert ask(guarded, address="/healthz").status_code == 200


def test_a_key_opens_its_own_scopes_until_it_is_revoked(guarded: RunningServer, key: MakeKey) -> None:
    identifier, secret = key(Scope.QUERY)
    assert ask(guarded, secret).json()["results"][0]["title"] == "Jaws"
    wrong = ask(guarded, secret, "/v1/review/convention")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (403, "forbidden")
    client = openai.OpenAI(base_url=f"{guarded.url}/v1", api_key=secret, max_retries=0)
    recording = QUERIES / "jurassic-park.flac"
    assert "jurassic" in client.audio.transcriptions.create(model="any", file=recording).text.lower()
    with closing(Store.open(f"sqlite:///{guarded.home}/voicesearch.db")) as store:
        KeyStore(store).revoke(identifier)
    time.sleep(1.5)
    assert ask(guarded, secret).status_code == 401


def test_a_key_that_asks_too_often_is_told_when_to_come_back(guarded: RunningServer, key: MakeKey) -> None:
    _, secret = key(Scope.QUERY)
    statuses = [ask(guarded, secret).status_code for _ in range(RATE + 1)]
    assert statuses == [200] * RATE + [429]
    refused = ask(guarded, secret)
    assert refused.json()["error"]["code"] == "rate_limited"
    assert 1 <= int(refused.headers["retry-after"]) <= 3600


def test_only_the_origins_named_may_read_answers(guarded: RunningServer) -> None:
    for origin, allowed in ((SHOP, SHOP), ("https://evil.example", None)):
        answer = httpx2.get(f"{guarded.url}/healthz", headers={"origin": origin})
        assert answer.headers.get("access-control-allow-origin") == allowed


def test_who_comes_through_a_proxy_is_not_taken_for_this_machine(server: RunningServer) -> None:
    answer = httpx2.get(f"{server.url}/v1/search?q=jaws", headers={"x-forwarded-for": "203.0.113.7"})
    assert answer.status_code == 401


def test_log_lines_name_request_and_route_and_never_key_or_words(guarded: RunningServer, key: MakeKey) -> None:
    _, secret = key(Scope.QUERY)
    request_id = ask(guarded, secret, "/v1/search?q=rosebud").headers["x-request-id"]
    written = "".join(path.read_text() for path in guarded.home.glob("server-*.log"))
    line = next(json.loads(each) for each in written.splitlines() if request_id in each)
    assert (line["method"], line["route"], line["status"]) == ("GET", "/v1/search", 200)
    assert "rosebud" not in written
    assert secret not in written


def test_the_page_asks_for_a_key_once_and_goes_on(
    guarded: RunningServer, key: MakeKey, open_page: Callable[..., Page]
) -> None:
    _, secret = key(Scope.QUERY)
    page = open_page(expected="401", url=guarded.url)
    page.get_by_label("Key", exact=True).locator("input").fill(secret)
    page.get_by_role("button", name="Use this key").click()
    page.get_by_role("searchbox").fill("pulp fiction")
    expect(page.get_by_text("Pulp Fiction").first).to_be_visible()
    page.reload()
    page.get_by_role("searchbox").fill("jaws")
    expect(page.get_by_text("Jaws").first).to_be_visible()
    expect(page.get_by_role("dialog")).to_have_count(0)
