"""Commands of the keys: create, list, revoke."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from serve.choices import Scope

if TYPE_CHECKING:
    from serve.keys import KeyStore

AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]

app = typer.Typer(help="Keys of the service: who may ask what.", no_args_is_help=True)


@app.command("create", epilog="Example: voicesearch serve key create shop --scope query --scope feedback")
def create_key(
    name: Annotated[str, typer.Argument(help="Who it is for.")],
    scope: Annotated[list[Scope] | None, typer.Option(help="What it allows; by default query and feedback.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it, this once; a running service knows it within a second."""
    with _keys() as keys:
        key, secret = keys.create(name, scope or [Scope.QUERY, Scope.FEEDBACK])
    if as_json:
        print(json.dumps({"key": secret, **asdict(key)}, default=str))
        return
    print(secret)
    print(f"{key.id}: {key.name} may {', '.join(key.scopes)}; the key above is shown only now", file=sys.stderr)


@app.command("list", epilog="Example: voicesearch serve key list")
def list_keys(as_json: AsJson = False) -> None:
    """List the keys, without their secrets."""
    with _keys() as keys:
        found = keys.all()
    if as_json:
        print(json.dumps([asdict(key) for key in found], default=str))
        return
    for key in found:
        state = f"revoked {key.revoked_at:%Y-%m-%d}" if key.revoked_at else "active"
        print(f"{key.id}  {key.created_at:%Y-%m-%d}  {state:18s}  {', '.join(key.scopes):22s}  {key.name}")


@app.command("revoke", epilog="Example: voicesearch serve key revoke 1f0c9a3b")
def revoke_key(identifier: Annotated[str, typer.Argument(help="The key's id, as 'list' shows it.")]) -> None:
    """Revoke a key for good; a running service refuses it within a second."""
    with _keys() as keys:
        keys.revoke(identifier)
    print(f"{identifier} is revoked")


@contextmanager
def _keys() -> "Iterator[KeyStore]":
    from data.settings import HomeSettings
    from data.store import Store
    from serve.keys import KeyStore

    with closing(Store.open(HomeSettings.load().database)) as store:
        yield KeyStore(store)
