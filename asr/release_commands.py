"""The command that makes a release of a checkpoint."""

import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from asr.training_commands import require_torch
from data.records import Context


def register(app: typer.Typer) -> None:
    """Add the commands to those of `voicesearch asr`."""
    app.command(epilog="Example: voicesearch asr package runs/films/best --dev queries/dev.jsonl --out releases/films")(
        package
    )


def package(
    checkpoint: Annotated[
        str, typer.Argument(help="Folder of a Whisper model in transformers' format, or its name on the hub.")
    ],
    dev: Annotated[Path, typer.Option(help="Manifest with transcripts; its part dev is heard, or all of it.")],
    out: Annotated[Path, typer.Option(help="Folder of the release; must not be there yet.")],
    name: Annotated[str | None, typer.Option(help="By default that of the run, else the folder's.")] = None,
    context: Annotated[
        Context | None, typer.Option(help="What the weights were trained to see; by default what the run says.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Make a release of a checkpoint: converted, compared with it on real clips, scored, calibrated."""
    from asr.packaging import PackageOptions
    from asr.packaging import package as make_release

    require_torch()
    report = partial(print, file=sys.stderr)
    release = make_release(checkpoint, dev, out, PackageOptions(name, context), report)
    if as_json:
        print(json.dumps(asdict(release)))
        return
    print(f"{release.name} is in {release.directory}; use it with VOICESEARCH_MODEL={release.directory}")
    for figure, value in release.evaluation.items():
        report(f"{figure:28s} {value:g}")
