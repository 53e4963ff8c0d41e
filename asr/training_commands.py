"""Commands of training: short context, tuning, sweeps, and the runs that were done."""

import importlib.util
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from asr.training.options import Method, TrainingOptions
from data.errors import InvalidRequestError, TrainingError

AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands to those of `voicesearch asr`."""
    app.command(epilog="Example: voicesearch asr shorten speech/ --out runs/short --minutes 30")(shorten)
    app.command(
        epilog="Example: voicesearch asr train corpora/queries/train.jsonl corpora/queries/dev.jsonl --out runs/films"
    )(train)
    app.command(
        epilog="Example: voicesearch asr sweep examples/films/experiment.toml --data corpora/films --out runs/sweep"
    )(sweep)
    app.command(epilog="Example: voicesearch asr runs runs/")(runs)


def shorten(
    speech: Annotated[
        list[Path],
        typer.Argument(help="Folders or manifests of speech, without texts too; no split but train is learnt from."),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Most minutes of training.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Most steps of training.")] = None,
    rank: Annotated[
        int, typer.Option(min=0, max=256, help="Rank of the low-rank update; 0 trains whole matrices.")
    ] = 0,
    begin: Annotated[Path | None, typer.Option(help="An adapter to go on from, with --rank 0.")] = None,
    clips: Annotated[int, typer.Option(min=10, help="Most clips; the teacher needs about a second for each.")] = 2000,
    seed: Annotated[int, typer.Option(help="Same seed, same clips and batches.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Teach the model in use to hear clips at their own length instead of 30 s."""
    from asr.distillation_run import DistillationOptions
    from asr.shorten import run_shorten

    require_torch()
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


def train(
    manifests: Annotated[list[Path], typer.Argument(help="Checked manifests with the splits train and dev.")],
    out: Annotated[Path, typer.Option(help="Folder of the run; an interrupted run in it goes on.")],
    method: Annotated[Method, typer.Option(help="What is trained.")] = Method.LORA,
    rank: Annotated[int, typer.Option(min=1, max=256, help="Rank of the factors of lora.")] = 32,
    learning_rate: Annotated[float | None, typer.Option(help="By default that of the method.")] = None,
    epochs: Annotated[float, typer.Option(min=0.01, help="How often each clip is heard.")] = 3.0,
    steps: Annotated[int | None, typer.Option(min=1, help="Steps instead of epochs.")] = None,
    replay: Annotated[
        list[Path] | None, typer.Option(help="General speech that must not be unlearnt: a folder or a manifest.")
    ] = None,
    replayed: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of general speech.")] = 0.2,
    teacher: Annotated[
        str | None,
        typer.Option(help="Model that transcribes the general speech held out; by default the one in use at 30 s."),
    ] = None,
    max_regression: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Most by which word errors on general speech may rise.")
    ] = 0.005,
    augmented: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of clips with effects.")] = 0.3,
    masked: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of clips with SpecAugment.")] = 0.5,
    evaluations: Annotated[int, typer.Option(min=1, help="How often the dev part is heard.")] = 5,
    patience: Annotated[int, typer.Option(min=1, help="Evaluations without fewer errors after which to stop.")] = 2,
    seed: Annotated[
        list[int] | None, typer.Option(help="Of everything drawn; several give a run each in OUT/seed-N.")
    ] = None,
    convention: Annotated[
        Path | None, typer.Option(help="YAML file of the convention; by default voice-search-en.")
    ] = None,
    any_convention: Annotated[
        bool, typer.Option("--any-convention", help="Also manifests that were not checked.")
    ] = False,
    names: Annotated[
        Path | None, typer.Option(help="A catalogue: its names are taught with their capitals, as the model has them.")
    ] = None,
    tracker: Annotated[
        str | None, typer.Option(help="A tracker that accelerate knows and that is installed, like tensorboard.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tune the model in use to a domain: checked transcripts, early stopping on word errors, general speech kept."""
    from asr.training.tuning import Sources, leave_processes, run_training

    require_torch()
    sources = Sources(tuple(manifests), tuple(replay or ()), teacher, convention, any_convention, names)
    seeds = seed or [0]
    outcomes = {}
    for each in seeds:
        options = TrainingOptions(
            method=method,
            rank=rank,
            learning_rate=learning_rate,
            epochs=epochs,
            steps=steps,
            replayed=replayed,
            augmented=augmented,
            masked=masked,
            evaluations=evaluations,
            patience=patience,
            max_regression=max_regression,
            seed=each,
        )
        folder = out / f"seed-{each}" if len(seeds) > 1 else out
        outcomes[folder] = run_training(sources, options, folder, tracker)
    leave_processes()
    if os.environ.get("RANK", "0") != "0":  # of several processes that torchrun started the first speaks
        return
    if as_json:
        print(json.dumps([{"folder": str(folder), **asdict(outcome)} for folder, outcome in outcomes.items()]))
        return
    for folder, outcome in outcomes.items():
        print(f"{folder}: {100 * outcome.dev_before:.1f}% -> {100 * outcome.dev_after:.1f}% word errors")


def sweep(
    experiment: Annotated[Path, typer.Argument(help="TOML file: what is varied, with which seeds, on which tests.")],
    out: Annotated[Path, typer.Option(help="Folder of the runs; what is done already is not done again.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder that the file's paths are relative to; by default the file's own.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Vary data and hyperparameters with the code fixed, and show one table."""
    from asr.training.sweep import read_experiment, run_sweep
    from asr.training.tables import show_rows

    require_torch()
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise InvalidRequestError("a sweep is one process; give each of its arms to torchrun as asr train instead")
    found = read_experiment(experiment, data or experiment.parent)
    rows = run_sweep(found, out, lambda line: print(line, file=sys.stderr))
    if as_json:
        print(json.dumps({"question": found.question, "rows": [asdict(row) for row in rows]}))
        return
    show_rows(found.question, rows)


def runs(
    folders: Annotated[list[Path], typer.Argument(help="Runs, or folders that hold some.")],
    compare: Annotated[bool, typer.Option("--compare", help="In what they differ, a column for each.")] = False,
    as_json: AsJson = False,
) -> None:
    """List training runs with their figures, or compare them."""
    from asr.training.record import find_records
    from asr.training.tables import show_comparison, show_runs

    records = find_records(folders)
    if as_json:
        print(json.dumps([{**asdict(record), "folder": str(record.folder)} for record in records]))
    elif compare:
        show_comparison(records)
    else:
        show_runs(records)


def require_torch() -> None:
    """Refuse to go on where torch is not installed.

    Raises:
        TrainingError: It is not.
    """
    if importlib.util.find_spec("torch") is None:
        raise TrainingError("training and packaging need torch; install it with: pip install 'voicesearch[train]'")
