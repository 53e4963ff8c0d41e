"""What the commands of evaluation print for people."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from asr.evaluation.comparison import Change, Comparison
from asr.evaluation.evaluation import Evaluation
from asr.evaluation.prioritisation import Verdict
from data.intervals import Interval

SHOWN_SLICES = 12


def percent(value: float, between: Interval | None = None) -> str:
    """Write a share in per cent, with its interval where there is one."""
    shown = f"{100 * value:.1f}%"
    return shown if between is None else f"{shown} ({100 * between.low:.1f} to {100 * between.high:.1f})"


def show_evaluation(evaluation: Evaluation) -> None:
    """Print the headline, the slices with most potential, and what to do."""
    console = Console()
    headline, made = evaluation.headline, evaluation.provenance
    print(f"{made.release} on {evaluation.utterances:,} utterances of {made.manifest}")
    table = _table("", "normalised", "strict")
    both = (headline.normalised, headline.strict)
    table.add_row("word error rate", *(percent(form.wer, form.wer_interval) for form in both))
    table.add_row("sentences right", *(percent(form.sentence_accuracy, form.sentence_interval) for form in both))
    table.add_row("character error rate", percent(headline.cer, headline.cer_interval), "")
    for name in ("substitutions", "deletions", "insertions"):
        table.add_row(name, *(f"{getattr(form.counts, name):,}" for form in both))
    console.print(table)
    print(f"95% intervals by bootstrap over {made.resampled}: {made.resampled_because}")
    _show_rest(evaluation)
    slices = _table("slice", "clips", "accuracy", "people", "share", "potential", "")
    for row in evaluation.priorities[:SHOWN_SLICES]:
        accuracy = f"{row.accuracy:.1f}% ({row.interval.low:.1f} to {row.interval.high:.1f})"
        numbers = (f"{row.utterances:,}", accuracy, f"{row.human:.1f}%", f"{row.share:.1f}%", f"{row.potential:.2f}")
        slices.add_row(escape(row.name), *numbers, "" if row.verdict is Verdict.GAP else str(row.verdict))
    console.print(slices)
    for number, action in enumerate(evaluation.actions, 1):
        gain = "" if action.gain is None else f" (up to {action.gain:.1f} points)"
        console.print(f"{number}. [bold]{escape(action.title)}[/]{gain}", highlight=False, soft_wrap=True)
        console.print(f"   {escape(action.evidence)}", highlight=False, soft_wrap=True)


def show_comparison(comparison: Comparison) -> None:
    """Print the change overall and per slice, and the verdict of the gate."""
    console = Console()
    print(f"{comparison.ours} against {comparison.theirs}; intervals by bootstrap over {comparison.unit}")
    table = _table("slice", "clips", "ours", "theirs", "change (95%)", "p (Holm)", "fixed", "broken", "")
    for row in (*comparison.slices, *comparison.general):
        change = row.difference
        colour = {Change.BETTER: "green", Change.WORSE: "red"}.get(row.change, "dim")
        table.add_row(
            escape(row.name),
            f"{row.utterances:,}",
            percent(row.ours),
            percent(row.theirs),
            f"{100 * change.value:+.1f} ({100 * change.interval.low:+.1f} to {100 * change.interval.high:+.1f})",
            f"{row.adjusted:.3f}",
            f"{row.sentences.fixed:,}",
            f"{row.sentences.broken:,}",
            f"[{colour}]{row.change}[/]",
        )
    console.print(table)
    overall = comparison.overall
    print(
        f"overall: paired bootstrap p = {overall.difference.p:.4f}; MAPSSWE z = {overall.segments.z:.2f}, "
        f"p = {overall.segments.p:.4f} on {overall.segments.segments:,} segments; McNemar p = {overall.sentences.p:.4f}"
    )
    if (gate := comparison.gate) is not None:
        cap = f"the charter allows a rise of {100 * gate.cap:g} points"
        print(f"gate passed: {cap}" if gate.passed else f"gate failed: {cap}; worse: {', '.join(gate.regressed)}")


def _show_rest(evaluation: Evaluation) -> None:
    accepted = evaluation.acceptance
    parts = [f"no text on {accepted.nulls.count:,} of {accepted.nulls.of:,} clips with speech"]
    if accepted.false_outputs.of:
        parts.append(f"text on {accepted.false_outputs.count:,} of {accepted.false_outputs.of:,} without")
    if (names := evaluation.names) is not None:
        parts.append(f"words of names {percent(names.b_wer)} wrong, others {percent(names.u_wer)}")
    if (search := evaluation.search) is not None:
        parts.append(f"MRR@10 {search.heard.mrr:.3f} as heard, {search.reference.mrr:.3f} as said")
    print("; ".join(parts))
    for what, ids in (("without a hypothesis", evaluation.unheard), ("hypotheses of no utterance", evaluation.unknown)):
        if ids:
            listed = ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
            print(f"not scored: {len(ids):,} {what} ({listed})")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table
