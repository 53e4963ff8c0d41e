"""An evaluation for machines and spreadsheets: JSON with every figure, CSV with a line for each utterance or slice."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from asr.evaluation.comparison import Comparison
from asr.evaluation.evaluation import Evaluation
from asr.evaluation.prioritisation import Priority
from asr.evaluation.trials import Trial, Trials
from labeling.doubts import doubts_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins so is a formula to a spreadsheet, whoever wrote it."""


def evaluation_json(evaluation: Evaluation, comparison: Comparison | None = None) -> str:
    """Give an evaluation as one line of JSON.

    Args:
        evaluation: The evaluation.
        comparison: With the release before it, where there is one.

    Returns:
        JSON with the names of the dataclasses' fields; suspects are doubts as the review queue takes them.
    """
    special = {"mistakes", "suspects"}
    shown: dict[str, Any] = {
        each.name: _plain(getattr(evaluation, each.name)) for each in fields(evaluation) if each.name not in special
    }
    shown["suspects"] = [asdict(doubt) for doubt in doubts_of(evaluation.suspects)]
    if comparison is not None:
        shown["comparison"] = comparison_dict(comparison)
    return json.dumps(shown, ensure_ascii=False, allow_nan=False)


def comparison_dict(comparison: Comparison) -> dict[str, Any]:
    """Give a comparison for JSON."""
    shown: dict[str, Any] = _plain(comparison)
    if comparison.gate is not None:
        shown["gate"]["passed"] = comparison.gate.passed
    return shown


def utterance_sheet(trials: Trials, evaluation: Evaluation) -> str:
    """Give a line for each utterance, the error sheet, most errors first.

    Args:
        trials: All trials.
        evaluation: Of these trials.

    Returns:
        CSV with a header.
    """
    ordered = sorted(trials.all, key=lambda trial: (-trial.normalised.errors, trial.utterance.id))
    return _csv(map(dict, (_row(trial, evaluation) for trial in ordered)))


def priority_sheet(rows: Sequence[Priority]) -> str:
    """Give the prioritisation table as CSV."""
    return _csv(
        {**asdict(row), "interval": f"{row.interval.low:.2f} to {row.interval.high:.2f}", "verdict": str(row.verdict)}
        for row in rows
    )


def safe_cell(value: object) -> object:
    """Keep a spreadsheet from running a text: what would begin a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _row(trial: Trial, evaluation: Evaluation) -> dict[str, object]:
    counts, clip, utterance = trial.normalised, trial.clip, trial.utterance
    mistakes = evaluation.mistakes[utterance.id]
    return {
        "id": utterance.id,
        "said": utterance.text,
        "heard": trial.text,
        "errors": counts.errors,
        "words": counts.words,
        "substitutions": counts.substitutions,
        "deletions": counts.deletions,
        "insertions": counts.insertions,
        "strict_errors": trial.strict.errors,
        "classes": " ".join(dict.fromkeys(str(mistake.kind) for mistake in mistakes)),
        "confidence": trial.confidence,
        "seconds": round(clip.seconds, 3),
        "snr_db": clip.snr_db,
        "loudness": clip.loudness,
        "speaker": utterance.speaker,
        "tags": " ".join(utterance.tags),
    }


def _csv(rows: Iterable[Mapping[str, object]]) -> str:
    listed = list(rows)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(listed[0]) if listed else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: safe_cell(value) for key, value in row.items()} for row in listed)
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    """Turn dataclasses and tuples into what JSON knows."""
    if hasattr(value, "__dataclass_fields__"):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
