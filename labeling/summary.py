"""Figures of labels as tables for people."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from labeling.agreement import Agreement, Comparison, Level
from labeling.suspects import Suspect
from labeling.variants import by_rule


def show_agreement(measured: Agreement) -> None:
    """Print how far people agree, before and after the convention."""
    console = Console()
    table = Table("", "clips", "same text", "", "word errors", "", title="Agreement before -> after the convention")
    groups: tuple[tuple[str, Sequence[Comparison]], ...] = (
        ("human level", (measured.human,)),
        ("recogniser against people", (measured.model,) if measured.model else ()),
        ("tag", measured.tags),
        ("pair", measured.pairs),
        ("against all others", measured.people),
        ("against themselves", measured.repeats),
    )
    for group, comparisons in groups:
        for each in comparisons:
            name = group if group.startswith(("human", "recogniser")) else f"{group}: {each.name}"
            shown = (*_exact(each.before, each.after), *_wer(each.before, each.after))
            table.add_row(name, f"{each.before.clips:,}", *shown)
    console.print(table)
    if measured.lead_before is not None and measured.lead_after is not None:
        console.print(
            f"The recogniser is ahead of people by {100 * measured.lead_before:.1f} points before the convention "
            f"and by {100 * measured.lead_after:.1f} after it; what the convention takes away was never hearing."
        )
    shares = Table("settled by", "differences", "for example", title="What people write differently")
    for share in by_rule(measured.variants):
        forms = "; ".join(f"{_form(each.first)} / {_form(each.second)} ({each.count})" for each in share.variants)
        shares.add_row(share.rule or "a person who listens", f"{share.count:,}", forms)
    if measured.variants:
        console.print(shares)


def show_suspects(suspects: Sequence[Suspect]) -> None:
    """Print the labels that are most doubtful."""
    table = Table("doubt", "clip", "label", "evidence")
    for suspect in suspects:
        evidence = "\n".join(f"{each.detail} ({each.strength:.2f})" for each in suspect.evidence)
        table.add_row(f"{suspect.score:.2f}", suspect.utterance.id, suspect.utterance.text, evidence)
    if suspects:
        Console(markup=False).print(table)


def _exact(before: Level, after: Level) -> tuple[str, str]:
    interval = before.exact_interval
    shown = f"{100 * before.exact:.1f}% ({100 * interval.low:.0f} to {100 * interval.high:.0f})"
    return shown, f"-> {100 * after.exact:.1f}%"


def _wer(before: Level, after: Level) -> tuple[str, str]:
    interval = before.wer_interval
    shown = f"{100 * before.wer:.1f}% ({100 * interval.low:.0f} to {100 * interval.high:.0f})"
    return shown, f"-> {100 * after.wer:.1f}%"


def _form(form: str) -> str:
    return repr(form) if form else "nothing"
