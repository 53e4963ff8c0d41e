"""Keys: made once, kept as hashes, revoked for good."""

import json
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from data.errors import InvalidRequestError, NotFoundError
from data.store import Store
from serve.choices import Scope
from serve.keys import REFRESH_S, KeyRing, KeyStore
from voicesearch import main


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path}/keys.db")
    yield opened
    opened.close()


def test_a_key_is_found_by_its_secret_until_it_is_revoked(store: Store) -> None:
    keys = KeyStore(store)
    key, secret = keys.create("shop", [Scope.QUERY])
    found = KeyRing(keys, {}).find(secret)
    assert found is not None
    assert (found.id, found.name, found.scopes) == (key.id, "shop", (Scope.QUERY,))
    assert KeyRing(keys, {}).find(secret + "x") is None
    keys.revoke(key.id)
    assert KeyRing(keys, {}).find(secret) is None
    assert [(each.id, each.revoked_at is not None) for each in keys.all()] == [(key.id, True)]


def test_a_running_service_learns_of_new_and_revoked_keys_without_a_restart(store: Store) -> None:
    keys = KeyStore(store)
    ring = KeyRing(keys, {})

    async def serve() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ring.keep_fresh)
            key, secret = keys.create("late", [Scope.QUERY])
            await anyio.sleep(2 * REFRESH_S)
            assert ring.find(secret) is not None
            keys.revoke(key.id)
            await anyio.sleep(2 * REFRESH_S)
            assert ring.find(secret) is None
            tasks.cancel_scope.cancel()

    anyio.run(serve)


def test_the_database_holds_no_secret(store: Store, tmp_path: Path) -> None:
    _, secret = KeyStore(store).create("shop", [Scope.QUERY])
    store.close()
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"shop" in written
    assert secret.rsplit("_", 1)[1].encode() not in written


def test_admin_allows_everything_and_other_scopes_only_themselves(store: Store) -> None:
    admin, _ = KeyStore(store).create("ops", [Scope.ADMIN])
    query, _ = KeyStore(store).create("shop", [Scope.QUERY, Scope.QUERY])
    assert all(admin.allows(scope) for scope in Scope)
    assert [scope for scope in Scope if query.allows(scope)] == [Scope.QUERY]
    assert query.scopes == (Scope.QUERY,)


def test_a_key_without_a_name_and_an_unknown_key_are_refused(store: Store) -> None:
    with pytest.raises(InvalidRequestError, match="name"):
        KeyStore(store).create(" ", [Scope.QUERY])
    with pytest.raises(NotFoundError, match="key list"):
        KeyStore(store).revoke("0000")


def test_the_commands_make_list_and_revoke_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path))
    assert main(["serve", "key", "create", "shop", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["scopes"] == ["query", "feedback"]
    assert main(["serve", "key", "revoke", made["id"]]) == 0
    assert main(["serve", "key", "list"]) == 0
    shown = capsys.readouterr().out
    assert "revoked" in shown
    assert made["key"] not in shown
    assert main(["serve", "key", "revoke", "0000"]) == 2
