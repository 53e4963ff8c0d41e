"""Writing a report: the page, and beside it the figures as JSON, the utterances and the priorities as CSV."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from asr.evaluation.bench import Bench
from asr.evaluation.comparison import Comparison
from asr.evaluation.provenance import title_of
from asr.evaluation.rendering import Material, render
from asr.evaluation.sheets import evaluation_json, priority_sheet, utterance_sheet
from asr.evaluation.sound import embed
from asr.evaluation.trials import Trials
from data.files import atomic_writer
from data.progress import progress_bar
from data.settings import HomeSettings

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Sounds:
    """What is embedded: from the corpus' folder where it is named, up to so many megabytes."""

    recordings: Path | None = None
    budget_mb: float = 20.0


def publish(
    bench: Bench,
    manifest: Path,
    heard: str | None,
    out: Path | None,
    baseline: str | None,
    general: Sequence[Path],
    sounds: Sounds,
) -> Mapping[str, Path]:
    """Measure a recogniser and write its report.

    Args:
        bench: How to test.
        manifest: The test set.
        heard: Hypotheses or a release; None for the one in use.
        out: The page; None for one in the home folder, named after test set, release and time.
        baseline: What to hold it against.
        general: Manifests of other speech, for the comparison.
        sounds: What is embedded.

    Returns:
        The files written, by what they are: `page`, `figures`, `utterances`, `priorities`.

    Raises:
        VoiceSearchError: A file cannot be used.
    """
    evaluation, trials, tested = bench.evaluate(manifest, heard)
    comparison: Comparison | None = None
    before: Trials | None = None
    if baseline is not None:
        comparison, before = bench.against(tested, trials, evaluation.provenance.release, heard, baseline, general)
    flipped = {f.utterance for f in (*comparison.fixed, *comparison.broken)} if comparison else set()
    suspects = {each.utterance.id for each in evaluation.suspects}
    ordered = sorted(
        trials.all,
        key=lambda trial: (
            -trial.normalised.errors,
            trial.utterance.id not in flipped,
            trial.utterance.id not in suspects,
        ),
    )
    with progress_bar("embedding sound") as progress:
        embedded = embed(
            [trial.utterance for trial in ordered],
            manifest,
            recordings=sounds.recordings,
            budget=round(sounds.budget_mb * MEGABYTE),
            processes=bench.processes,
            progress=progress,
        )
    page = out or _default_path(manifest, evaluation.provenance.release)
    written = {
        "page": (page, render(evaluation, comparison, Material(trials, before, embedded, sounds.budget_mb))),
        "figures": (page.with_suffix(".json"), evaluation_json(evaluation, comparison) + "\n"),
        "utterances": (page.with_suffix(".csv"), utterance_sheet(trials, evaluation)),
        "priorities": (page.with_suffix(".priorities.csv"), priority_sheet(evaluation.priorities)),
    }
    for path, content in written.values():
        with atomic_writer(path) as file:
            file.write(content)
    return {name: path for name, (path, _) in written.items()}


def _default_path(manifest: Path, release: str) -> Path:
    name = f"{title_of(manifest)}-{release}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    return HomeSettings.load().reports / f"{re.sub(r'[^A-Za-z0-9._-]+', '-', name)}.html"
