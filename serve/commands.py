"""Commands of the service."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

import serve.key_commands

app = typer.Typer(help="Index a catalogue and serve it.", no_args_is_help=True)
app.add_typer(serve.key_commands.app, name="key")


@app.command(epilog="Example: voicesearch serve index examples/films/catalogue.csv --strict")
def index(
    file: Annotated[Path | None, typer.Argument(help="The catalogue: CSV or JSONL.")] = None,
    mapping: Annotated[
        Path | None, typer.Option(help="TOML file that says which column is what; by default mapping.toml beside FILE.")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Refuse the file for one bad row.")] = False,
    add: Annotated[
        bool, typer.Option("--add", help="Add the items of FILE to the index, in place of those with the same id.")
    ] = False,
    delete: Annotated[list[str] | None, typer.Option(help="Delete the item with this id from the index.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Index a catalogue, or change single items; a running server answers from it with the next query.

    With --add or --delete the index in use is changed, with its own mapping. Indexing a whole file again undoes that.
    """
    from rich.console import Console
    from rich.progress import track

    from data.catalogue import read_catalogue, read_mapping
    from data.errors import InvalidRequestError
    from data.settings import HomeSettings
    from serve.index import SearchIndex, build_index, change_items

    indexes = HomeSettings.load().indexes
    if add or delete:
        if add != (file is not None) or mapping:
            raise InvalidRequestError("--add needs a FILE, --delete alone takes none, and neither takes a --mapping")
        catalogue = read_catalogue(file, SearchIndex.open(indexes).generation.mapping, strict=strict) if file else None
        info = change_items(indexes, catalogue.items if catalogue else (), delete or ())
    elif file is None:
        raise InvalidRequestError("name a FILE to index, or an item to --delete")
    else:
        catalogue = read_catalogue(file, read_mapping(mapping) if mapping else None, strict=strict)
        console = Console(file=sys.stderr)
        info = build_index(catalogue, indexes, lambda items: track(items, "indexing", console=console, transient=True))
    problems = catalogue.problems if catalogue else ()
    if as_json:
        print(json.dumps(asdict(info) | {"problems": problems}, default=str, ensure_ascii=False))
        return
    for problem in problems:
        print(f"{file}: {problem}")
    left_out = f", {len(problems):,} rows left out" if problems else ""
    print(f"{info.items:,} items of {info.name!r} indexed{left_out}; the index is in {info.folder}")


@app.command(epilog="Example: voicesearch serve run --port 8000")
def run(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8000,
    catalogue: Annotated[
        Path | None, typer.Option(help="The catalogue to index first; by default the index that there is.")
    ] = None,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate chain; browsers give the microphone only over HTTPS off localhost.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key of the certificate.")] = None,
    proof: Annotated[Path | None, typer.Option(help="A recording to answer once the service is up.")] = None,
) -> None:
    """Fetch the model and build the index where they are missing, then serve until stopped."""
    from serve.launch import Listen, launch
    from serve.preparation import prepare

    launch(Listen(host, port, tls_cert, tls_key), proof, lambda: prepare(catalogue, _say), _say)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
