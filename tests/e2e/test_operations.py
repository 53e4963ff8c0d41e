"""The page on backup, restore and upgrade is true: its commands run around a real server, and nothing is lost."""

import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest

from data.catalogue import Item, read_catalogue
from data.records import Event, EventKind, Release
from data.store import Store
from monitor.events import EventStore
from serve.choices import Scope
from serve.index import build_index, change_items
from serve.keys import KeyStore
from tests.conftest import FILMS, QUERIES, ROOT, RunningServer, start_server

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
BACK_UP, RESTORE = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL)


@pytest.fixture
def own_home(release: Release, home: Path, tmp_path: Path) -> Path:
    """A home folder of its own, with an index to which one film was added."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "models").symlink_to(home / "models")
    build_index(read_catalogue(FILMS), own / "indexes")
    change_items(
        own / "indexes", [Item("new", "The Backup of Doctor Caligari", {"title": "The Backup of Doctor Caligari"})]
    )
    return own


def ask(server: RunningServer, session: str, words: str = "backup of doctor caligari") -> "dict[str, object]":
    httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, data={"session_id": session, "consent": "true"})
    answer = httpx2.get(f"{server.url}/v1/search", params={"q": words, "session_id": session}).json()
    click = {"query_id": answer["query_id"], "kind": "click", "item_id": answer["results"][0]["id"]}
    assert httpx2.post(f"{server.url}/v1/feedback", json=click).json()["recorded"]  # all before it is written then
    kept: dict[str, object] = answer
    return kept


def run(commands: str, folder: Path, home: Path) -> None:
    environment = {**os.environ, "VOICESEARCH_HOME": str(home)}
    subprocess.run(["bash", "-euc", commands], cwd=folder, env=environment, check=True)


def sessions(home: Path) -> Iterator[str | None]:
    with closing(Store.open(f"sqlite:///{home}/voicesearch.db")) as store:
        yield from (event.session_id for event in EventStore(store).read())


def test_a_backup_of_a_running_service_restores_to_the_same_answers_events_words_and_keys(
    own_home: Path, tmp_path: Path
) -> None:
    with closing(Store.open(f"sqlite:///{own_home}/voicesearch.db")) as store:
        key, _ = KeyStore(store).create("shop", [Scope.QUERY])
    with start_server(own_home) as running:
        before = ask(running, "before")
        run(BACK_UP, tmp_path, own_home)
        ask(running, "after")
    assert {"before", "after"} <= set(sessions(own_home))
    run(RESTORE, tmp_path, own_home)
    restored = tmp_path / "restored"
    assert (restored / "voicesearch.db").stat().st_mode & 0o077 == 0
    assert "after" not in set(sessions(restored))
    (restored / "models").symlink_to(own_home / "models")
    with start_server(restored) as running:
        again = ask(running, "again")
        assert again["results"] == before["results"]
        late = {"query_id": before["query_id"], "kind": "click", "item_id": "another"}
        assert httpx2.post(f"{running.url}/v1/feedback", json=late).json() == {"recorded": True, "duplicate": False}
    assert {"before", "again"} <= set(sessions(restored))
    with closing(Store.open(f"sqlite:///{restored}/voicesearch.db")) as store:
        assert [each.id for each in KeyStore(store).all()] == [key.id]
    with closing(sqlite3.connect(restored / "voicesearch.db")) as database:
        assert database.execute("SELECT audio FROM utterances WHERE session_id = 'before'").fetchone() == (JURASSIC,)


def test_a_home_of_an_older_version_is_brought_up_to_date_by_the_start(own_home: Path) -> None:
    with closing(Store.open(f"sqlite:///{own_home}/voicesearch.db")) as store:
        EventStore(store).append(Event("query:q", EventKind.QUERY, datetime.now(UTC), "q", "old"))
    with closing(sqlite3.connect(own_home / "voicesearch.db")) as database:
        database.execute("DROP TABLE api_keys")
        database.commit()
    pointer = json.loads((own_home / "indexes" / "current.json").read_text())
    about = own_home / "indexes" / pointer["folder"] / "about.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"format": 1}))
    with start_server(own_home) as running:
        assert httpx2.get(f"{running.url}/readyz").json()["items"] == 3200
        assert ask(running, "new", "jurassic park")["results"]
    assert {"old", "new"} <= set(sessions(own_home))
