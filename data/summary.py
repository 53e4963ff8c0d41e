"""What the commands of the data print for people."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from data.balance import Balance
from data.batch import Batch, rejected_path
from data.concerns import Severity
from data.lineage import Chain
from data.preparation import count_reasons
from data.split import SPLITS, Assignment
from data.statistics import Statistics

COLOURS = {Severity.WRONG: "red", Severity.DOUBTFUL: "yellow", Severity.NOTE: "blue"}


def figures_of(batch: Batch) -> dict[str, object]:
    """Give the figures of a batch, for machines."""
    return {
        "manifest": str(batch.manifest),
        "sha256": batch.lock.sha256,
        "utterances": len(batch.utterances),
        "seconds": round(sum(utterance.duration for utterance in batch.utterances), 3),
        "reused": batch.reused,
        "rejected": count_reasons(batch.rejections),
    }


def show_batch(batch: Batch) -> None:
    """Print what came of a batch."""
    minutes = sum(utterance.duration for utterance in batch.utterances) / 60.0
    print(f"{len(batch.utterances):,} clips, {minutes:.1f} minutes, in {batch.manifest}")
    if batch.reused:
        print(f"{batch.reused:,} were done before")
    for reason, count in count_reasons(batch.rejections).items():
        print(f"{count:,} refused: {reason.replace('_', ' ')}")
    if batch.rejections:
        print(f"the reasons are in {rejected_path(batch.manifest)}")


def show_balance(assignment: Assignment, balance: Balance) -> None:
    """Print how a split is balanced."""
    table = Table(box=None, pad_edge=False)
    for heading in ("split", "clips", "share", "minutes", "speakers", "texts", "quartiles of length"):
        table.add_column(heading, justify="left" if heading == "split" else "right")
    for name, figures in balance.sets.items():
        low, middle, high = figures.lengths
        table.add_row(
            name,
            f"{figures.clips:,}",
            f"{figures.share:.1%}",
            f"{figures.seconds / 60:.1f}",
            str(figures.speakers),
            f"{figures.texts:,}",
            f"{low:.2f} {middle:.2f} {high:.2f} s",
        )
    console = Console()
    console.print(table)
    if balance.tags:
        tags = Table(box=None, pad_edge=False)
        for heading in ("tag", *balance.sets):
            tags.add_column(heading, justify="left" if heading == "tag" else "right")
        for tag, counts in balance.tags.items():
            tags.add_row(escape(tag), *(f"{counts[name]:,}" for name in balance.sets))
        console.print(tags)
    print(f"kept apart: {assignment.by} ({assignment.reason})")
    if empty := [name for name in SPLITS if name not in balance.sets]:
        print(f"no clip is in {' or '.join(empty)}")
    for what, shared in (("speakers", balance.shared_speakers), ("texts", balance.shared_texts)):
        listed = ", ".join(f"{pair.replace('+', ' and ')} {count:,}" for pair, count in shared.items() if count)
        print(f"{what} in two splits: {listed or 'none'}")


def show_chain(chain: Chain) -> None:
    """Print the steps of a clip, from its recording to the clip, a line each."""
    print(f"{chain.utterance.id}: {chain.utterance.text!r}")
    for number, step in enumerate(chain.steps, 1):
        given = ", ".join(f"{name} {value}" for name, value in step.parameters.items())
        print(f"{number:3d}. {step.name} (version {step.version}): {given}")
    print(f"     clip {chain.utterance.audio_filepath}, {chain.utterance.duration:.2f} s")
    if chain.parents:
        print(f"     made from {', '.join(chain.parents)}")


def show_statistics(statistics: Statistics) -> None:
    """Print what looks wrong, then the figures."""
    console = Console()
    for concern in statistics.concerns:
        named = f": {', '.join(concern.clips)}" if concern.clips else ""
        label = f"[{COLOURS[concern.severity]}]{concern.severity:8s}[/]"
        console.print(
            f"{label} {escape(concern.title + named)}; {escape(concern.remedy)}", highlight=False, soft_wrap=True
        )
    speakers = sum(speaker.name is not None for speaker in statistics.speakers)
    print(
        f"{statistics.clips:,} clips, {statistics.hours:.2f} hours, {speakers:,} speaker{'s' * (speakers != 1)}, ",
        end="",
    )
    print(f"{statistics.vocabulary.words:,} words, {statistics.vocabulary.distinct:,} different")
    if statistics.catalogue:
        print(f"{statistics.catalogue.unknown_share:.1%} of the words are not in {statistics.catalogue.catalogue!r}")
    table = Table(box=None, pad_edge=False)
    for heading in ("figure", "clips", "5%", "median", "95%"):
        table.add_column(heading, justify="left" if heading == "figure" else "right")
    for name, spread in statistics.figures.items():
        table.add_row(
            name.replace("_", " "),
            f"{spread.clips:,}",
            *(f"{value:,.2f}" for value in (spread.p5, spread.median, spread.p95)),
        )
    console.print(table)
