"""The commands of `voicesearch asr`; those of training are in `asr.training_commands`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from asr import evaluation_commands, release_commands, training_commands
from data.progress import progress_bar

app = typer.Typer(help="Train, test and package recognisers.", no_args_is_help=True)


@app.callback()
def asr() -> None:
    """Train, test and package recognisers."""


release_commands.register(app)
evaluation_commands.register(app)
training_commands.register(app)


@app.command(epilog="Example: voicesearch asr transcribe corpora/prompts/test.jsonl")
def transcribe(
    source: Annotated[Path, typer.Argument(help="A manifest, or a folder of recordings.")],
    out: Annotated[Path | None, typer.Option(help="Where the hypotheses go; by default heard.jsonl beside.")] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="Processes; by default one for each core, on a GPU one.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Hear a whole manifest or folder with the model in use; goes on where it stopped."""
    from asr.transcription import heard_path, transcribe_all
    from data.summary import figures_of, show_batch

    with progress_bar("transcribing") as progress:
        batch = transcribe_all(source, out or heard_path(source), processes, progress)
    silent = sum(not utterance.pred_text for utterance in batch.utterances)
    if as_json:
        print(json.dumps(figures_of(batch) | {"without_text": silent}, ensure_ascii=False))
        return
    show_batch(batch)
    print(f"{silent:,} without text")
