"""Runs and experiments as tables for a terminal."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from asr.training.record import RunRecord, differences
from asr.training.sweep import Row

HASH_LETTERS = 12
"""How much of a hash is shown."""

COMMIT_LETTERS = 7
"""How much of a commit is shown, as git does."""


def show_runs(records: Sequence[RunRecord]) -> None:
    """Print runs, one a line, named from the folder that they are all in."""
    folders = [record.folder.absolute() for record in records]
    above = Path(os.path.commonpath([folder.parent for folder in folders]))
    table = Table(box=None, pad_edge=False)
    for name in ("run", "started", "method", "clips", "steps", "dev before", "dev after", "general", "kept", "commit"):
        table.add_column(name, overflow="fold")
    for folder, record in zip(folders, records, strict=True):
        told, done = record.parameters, record.outcome
        figures = ("", "not finished", "", "", "")
        if done is not None:
            change = None
            if done.general_after is not None and done.general_before is not None:
                change = done.general_after - done.general_before
            figures = (
                str(done.steps),
                percent(done.dev_before),
                percent(done.dev_after),
                "" if change is None else f"{100.0 * change:+.2f}",
                f"{done.chosen:g}",
            )
        table.add_row(
            str(folder.relative_to(above)),
            record.started[:16].replace("T", " "),
            told["method"],
            str(told["clips"]),
            *figures,
            told["commit"][:COMMIT_LETTERS],
        )
    Console().print(table)


def show_comparison(records: Sequence[RunRecord]) -> None:
    """Print in what runs differ, and how they ended, a column for each."""
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    for record in records:
        table.add_column(record.folder.name, overflow="fold")
    for name, values in differences(records).items():
        table.add_row(name, *(_short(value) for value in values))
    for name in ("steps", "chosen", "dev_before", "dev_after", "general_before", "general_after"):
        values = tuple(getattr(record.outcome, name) if record.outcome else None for record in records)
        rate = name.startswith(("dev", "general"))
        table.add_row(name, *(percent(value) if rate else _short(value) for value in values))
    Console().print(table)


def show_rows(question: str, rows: Sequence[Row]) -> None:
    """Print the table of an experiment."""
    table = Table(title=question, title_justify="left", box=None, pad_edge=False)
    tests = list(rows[0].tests)
    for name in ("arm", "clips", "steps", "dev", *tests, "general"):
        table.add_column(name)
    for row in rows:
        table.add_row(
            row.arm,
            str(row.clips),
            f"{row.steps:g}",
            _spread(row.dev, row.dev_spread),
            *(_spread(row.tests[name], row.tests_spread[name]) for name in tests),
            percent(row.general),
        )
    Console().print(table)


def percent(rate: float | None) -> str:
    """Write a rate as a percentage, nothing where there is none."""
    return "" if rate is None else f"{100.0 * rate:.1f}%"


def _spread(rate: float, spread: float) -> str:
    return percent(rate) + (f" ± {100.0 * spread:.1f}" if spread else "")


def _short(value: Any) -> str:
    text = "" if value is None else str(value)
    return text[:HASH_LETTERS] if len(text) == 64 else text
