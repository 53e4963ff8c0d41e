"""What comes out of a run: the weights chosen between start and end, as an adapter, a model and a checkpoint."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from asr.adapter import AdapterCard, merge, read_adapter, scaled, write_adapter
from asr.release import write_release
from asr.training.export import write_checkpoint
from asr.training.history import History
from asr.training.judge import Judge, Point, best_point
from asr.training.record import Outcome, code_commit, write_outcome
from asr.training.run import TUNED_FILE
from data.records import Release

ADAPTER_FILE = "adapter.safetensors"
MODEL_FOLDER = "model"
BEST_FOLDER = "best"

SHARES = (0.25, 0.4, 0.5, 0.6, 0.75, 1.0)
"""Shares of the way from the start to the tuned weights that are tried. Source: M. Wortsman and others, "Robust
fine-tuning of zero-shot models", 2022."""


def conclude(
    base: Release, history: History, judge: Judge, identity: dict[str, Any], out: Path, seconds: float
) -> Outcome:
    """Choose among the weights between the start and the best of a run, and write what was chosen.

    Args:
        base: The start.
        history: Of the run.
        judge: Hears the development part and general speech.
        identity: What the run was made of.
        out: Folder of the run; gets the adapter, the merged model, a transformers checkpoint, and the outcome.
        seconds: That the run has taken.

    Returns:
        The outcome.
    """
    path = out / TUNED_FILE
    tuned = read_adapter(path)[1] if path.is_file() else {}
    points = [judge.point({}, 0.0), *(judge.point(tuned, share) for share in SHARES if tuned)]
    chosen = best_point(points, identity["max_regression"])
    arrays = scaled(tuned, chosen.share) if chosen.share else {}
    rates = {"dev_wer": chosen.dev, "dev_wer_start": points[0].dev}
    if chosen.general is not None and points[0].general is not None:
        rates |= {"general_wer": chosen.general, "general_wer_start": points[0].general}
    card = AdapterCard(
        f"{base.name}-tuned",
        base.sha256,
        context=base.context,
        lineage=_lineage(identity, history, chosen),
        evaluation=rates,
    )
    release = merge(base, card, arrays, out / MODEL_FOLDER)
    write_release(release, out / MODEL_FOLDER)
    write_adapter(out / ADAPTER_FILE, replace(card, merged_sha256=release.sha256), arrays)
    write_checkpoint(base, release, arrays, out / BEST_FOLDER)
    shutil.rmtree(judge.scratch, ignore_errors=True)
    outcome = Outcome(
        clips=identity["clips"],
        steps=len(history.steps),
        best_step=history.best.step,
        stopped=history.stopped,
        chosen=chosen.share,
        dev_before=points[0].dev,
        dev_after=chosen.dev,
        general_before=points[0].general,
        general_after=chosen.general,
        points=tuple(points),
        sha256=release.sha256,
        seconds=round(seconds, 1),
    )
    write_outcome(out, outcome)
    return outcome


def _lineage(identity: dict[str, Any], history: History, chosen: Point) -> dict[str, str]:
    kept = ("method", "rank", "peak_rate", "seed", "clips", "replay_clips", "teacher", "augmented", "masked")
    labelled = identity["manifests"]
    return {
        **{key: str(identity[key]) for key in kept},
        "method": f"tuning, {identity['method']}",
        "steps": str(history.best.step),
        "share": f"{chosen.share:g}",
        "manifests": " ".join(each["sha256"] for each in labelled),
        "convention": " ".join(sorted({str(each["convention"]) for each in labelled})),
        "commit": code_commit(),
    }
