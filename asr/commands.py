"""The commands of `voicesearch asr`."""

import importlib.util
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from asr import evaluation_commands, release_commands
from data.progress import progress_bar

app = typer.Typer(help="Train, test and package recognisers.", no_args_is_help=True)


@app.callback()
def asr() -> None:
    """Train, test and package recognisers."""


release_commands.register(app)
evaluation_commands.register(app)


@app.command(epilog="Example: voicesearch asr shorten speech/ --out runs/short --minutes 30")
def shorten(
    speech: Annotated[list[Path], typer.Argument(help="Folders or manifests of speech; no transcripts are needed.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Most minutes of training.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Most steps of training.")] = None,
    rank: Annotated[
        int, typer.Option(min=0, max=256, help="Rank of the low-rank update; 0 trains whole matrices.")
    ] = 0,
    begin: Annotated[Path | None, typer.Option(help="An adapter to go on from, with --rank 0.")] = None,
    clips: Annotated[int, typer.Option(min=10, help="Most clips; the teacher needs about a second for each.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same clips and batches.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON.")] = False,
) -> None:
    """Teach the model in use to hear clips at their own length instead of 30 s."""
    from asr.distillation import DistillationOptions
    from asr.shorten import run_shorten
    from data.errors import TrainingError

    if importlib.util.find_spec("torch") is None:
        raise TrainingError("training needs torch; install it with: pip install 'voicesearch[train]'")
    if steps is None and minutes is None:
        minutes = 30.0
    options = DistillationOptions(steps=steps, minutes=minutes, rank=rank, begin=begin, seed=seed)
    release = run_shorten(speech, out, options, clips)
    if as_json:
        print(json.dumps(asdict(release)))
        return
    print(f"{release.name} is in {release.directory}; use it with VOICESEARCH_MODEL={release.directory}")
    for name, value in release.evaluation.items():
        print(f"{name:14s} {value:g}", file=sys.stderr)


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
