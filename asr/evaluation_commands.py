"""The commands of error analysis: evaluate, report, compare; registered by `asr.commands`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling.queue_commands import AsJson, ConventionFile, NamesFile

if TYPE_CHECKING:
    from asr.evaluation.bench import Bench

Manifest = Annotated[Path, typer.Argument(help="The test set: a manifest with labels.")]
Heard = Annotated[
    str | None,
    typer.Argument(help="Hypotheses (.jsonl), or the release to test: a name or a folder; by default the one in use."),
]
CatalogueFile = Annotated[
    Path | None, typer.Option("--catalogue", help="Tell names from other words, and measure the search.")
]
People = Annotated[
    Path | None, typer.Option(help="Transcriptions of several people (JSONL): the level of people is measured on them.")
]
HumanLevel = Annotated[
    float | None,
    typer.Option(min=0.0, max=1.0, help="Share of words that people get right, where --people cannot tell."),
]
CharterFile = Annotated[Path, typer.Option("--charter", help="Targets and caps.")]
Anyway = Annotated[
    bool, typer.Option("--any-convention", help="Score labels that were not checked against the convention.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of the resampling.")]
Processes = Annotated[int | None, typer.Option(min=1, max=256, help="Processes; by default one for each core.")]

General = Annotated[
    list[Path] | None, typer.Option(help="A manifest of other speech that must not get worse; hypotheses hold both.")
]

CHARTER = Path("charter.toml")


def register(app: typer.Typer) -> None:
    """Add the commands to an application."""
    app.command("evaluate", epilog="Example: voicesearch asr evaluate corpora/prompts/test.jsonl heard.jsonl")(evaluate)
    app.command("report", epilog="Example: voicesearch asr report test.jsonl --baseline old.jsonl --out report.html")(
        report
    )
    app.command("compare", epilog="Example: voicesearch asr compare test.jsonl new.jsonl old.jsonl --gate")(compare)


def evaluate(
    context: typer.Context,
    manifest: Manifest,
    heard: Heard = None,
    catalogue: CatalogueFile = None,
    people: People = None,
    human_level: HumanLevel = None,
    charter: CharterFile = CHARTER,
    convention: ConventionFile = None,
    names: NamesFile = None,
    anyway: Anyway = False,
    seed: Seed = 0,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Measure a recogniser on a test set: errors with intervals, where they are, and what to work on next."""
    from asr.evaluation.sheets import evaluation_json
    from asr.evaluation.summary import show_evaluation

    bench = _bench(context, convention, names, catalogue, people, human_level, charter, anyway, seed, processes)
    evaluation = bench.evaluate(manifest, heard)[0]
    print(evaluation_json(evaluation)) if as_json else show_evaluation(evaluation)


def report(
    context: typer.Context,
    manifest: Manifest,
    heard: Heard = None,
    out: Annotated[
        Path | None, typer.Option(help="The page; JSON and CSV go beside it. By default in the home folder.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="What to hold it against: hypotheses (.jsonl) or a release.")
    ] = None,
    general: General = None,
    recordings: Annotated[
        Path | None, typer.Option(help="Folder of the corpus, to hear recordings as they were before conditioning.")
    ] = None,
    audio_mb: Annotated[
        float, typer.Option(min=0.0, max=500.0, help="Most megabytes of sound in the page, worst clips first.")
    ] = 20.0,
    catalogue: CatalogueFile = None,
    people: People = None,
    human_level: HumanLevel = None,
    charter: CharterFile = CHARTER,
    convention: ConventionFile = None,
    names: NamesFile = None,
    anyway: Anyway = False,
    seed: Seed = 0,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Write the error report: one page to read, listen and tag in, with its figures as JSON and CSV."""
    import json

    from asr.evaluation.publication import Sounds, publish

    bench = _bench(context, convention, names, catalogue, people, human_level, charter, anyway, seed, processes)
    written = publish(bench, manifest, heard, out, baseline, general or [], Sounds(recordings, audio_mb))
    if as_json:
        print(json.dumps({name: str(path) for name, path in written.items()}))
        return
    print(f"the report is {written['page']}")


def compare(
    context: typer.Context,
    manifest: Manifest,
    ours: Annotated[str, typer.Argument(help="The new one: hypotheses (.jsonl) or a release.")],
    theirs: Annotated[str, typer.Argument(help="What it is held against: hypotheses (.jsonl) or a release.")],
    general: General = None,
    gate: Annotated[
        bool, typer.Option("--gate", help="Exit with 1 when a slice is significantly worse beyond the charter's cap.")
    ] = False,
    charter: CharterFile = CHARTER,
    convention: ConventionFile = None,
    names: NamesFile = None,
    anyway: Anyway = False,
    seed: Seed = 0,
    processes: Processes = None,
    as_json: AsJson = False,
) -> None:
    """Compare two recognisers on the same utterances, overall and slice by slice."""
    import json

    from asr.evaluation.sheets import comparison_dict
    from asr.evaluation.summary import show_comparison

    bench = _bench(context, convention, names, None, None, None, charter, anyway, seed, processes)
    comparison = bench.compare(manifest, ours, theirs, general or [], gate=gate)
    if as_json:
        print(json.dumps(comparison_dict(comparison), ensure_ascii=False, allow_nan=False))
    else:
        show_comparison(comparison)
    if comparison.gate is not None and not comparison.gate.passed:
        raise typer.Exit(1)


def _bench(
    context: typer.Context,
    convention: Path | None,
    names: Path | None,
    catalogue: Path | None,
    people: Path | None,
    human_level: float | None,
    charter: Path,
    anyway: bool,
    seed: int,
    processes: int | None,
) -> "Bench":
    from asr.evaluation.bench import Bench
    from data.charter import read_charter
    from data.workers import core_count
    from labeling.rulebook import convention_for

    return Bench(
        convention=convention_for(convention, names),
        charter=read_charter(charter) if charter != CHARTER or charter.is_file() else None,
        catalogue=catalogue,
        people=people,
        human_level=human_level,
        any_convention=anyway,
        open_search=context.obj,
        seed=seed,
        processes=processes or core_count(),
    )
