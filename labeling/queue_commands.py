"""Commands of the review queue."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from labeling.queue import ReviewQueue

app = typer.Typer(
    help="Clips that wait for a person; the page /review works through the same queue.", no_args_is_help=True
)

ConventionFile = Annotated[
    Path | None, typer.Option("--convention", help="YAML file of the convention; by default voice-search-en.")
]
NamesFile = Annotated[
    Path | None,
    typer.Option("--names", help="Names that keep their spelling: a catalogue, or a .txt file with one on each line."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON.")]


@app.command(
    epilog="Example: voicesearch labeling queue add train.jsonl --doubts doubts.jsonl --hypotheses heard.jsonl"
)
def add(
    manifest: Annotated[Path, typer.Argument(help="The manifest of the clips.")],
    doubts: Annotated[
        Path | None, typer.Option(help="Doubtful labels, as 'labeling suspects --out' writes them.")
    ] = None,
    disagreements: Annotated[Path | None, typer.Option(help="Transcriptions; clips on which people differ.")] = None,
    hypotheses: Annotated[Path | None, typer.Option(help="What a recogniser heard, shown to the person.")] = None,
    below: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="Clips recognised with a confidence below this.")
    ] = None,
    above: Annotated[float, typer.Option(min=0.0, max=1.0, help="Doubts with at least this score.")] = 0.0,
    wanted: Annotated[int, typer.Option(min=1, max=9, help="People to label each clip; 2 is double labelling.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Also clips that were labelled before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put clips into the queue: doubtful labels, disagreements, or what a recogniser was not sure of."""
    from data.errors import InvalidRequestError
    from data.manifest import read_manifest
    from labeling.doubts import disagreements_of, read_doubts, review_tasks, unsure_of
    from labeling.review import Reason
    from labeling.transcriptions import read_transcriptions

    utterances = {utterance.id: utterance for utterance in read_manifest(manifest)}
    for heard in read_manifest(hypotheses, check_files=False) if hypotheses else ():
        if (known := utterances.get(heard.id)) is not None:
            utterances[heard.id] = replace(
                known, pred_text=heard.pred_text, confidence=heard.confidence, nbest=heard.nbest
            )
    chosen = []
    if doubts is not None:
        chosen.append((Reason.SUSPECT, tuple(doubt for doubt in read_doubts(doubts) if doubt.score >= above)))
    if disagreements is not None:
        chosen.append((Reason.DISAGREEMENT, disagreements_of(read_transcriptions(disagreements))))
    if below is not None:
        chosen.append((Reason.LOW_CONFIDENCE, unsure_of(utterances.values(), below=below)))
    if not chosen:
        raise InvalidRequestError("no clips are chosen; give --doubts, --disagreements or --below")
    tasks = [task for reason, found in chosen for task in review_tasks(found, manifest, utterances, reason)]
    with _queue() as queue:
        added = queue.add(tasks, wanted=wanted, again=again)
    if as_json:
        print(json.dumps(asdict(added)))
        return
    print(f"{added.added:,} clips added, {added.waiting:,} were waiting already, {added.done:,} were labelled before")


@app.command("next", epilog="Example: voicesearch labeling queue next ada")
def take_next(
    person: Annotated[str, typer.Argument(help="Who asks.")],
    as_json: AsJson = False,
) -> None:
    """Lease the next clip to a person."""
    from labeling.review import NothingNow

    with _queue() as queue:
        answer = queue.next(person)
    if as_json:
        finished = {"finished": answer.finished} if isinstance(answer, NothingNow) else {}
        print(json.dumps(asdict(answer) | finished, default=str, ensure_ascii=False))
    elif isinstance(answer, NothingNow):
        print(_why_nothing(answer.leased, answer.for_others))
    else:
        task = answer.task
        print(f"clip {task.clip} ({task.audio}), yours until {answer.until:%H:%M} UTC: {task.reason}: {task.note}")
        print(f"  label: {task.text}")
        for hypothesis in task.hypotheses:
            print(f"  heard: {hypothesis}")
        print(f"answer with: voicesearch labeling queue label {answer.id} TEXT")


@app.command(epilog="Example: voicesearch labeling queue label 0f3c… 'the big lebowski'")
def label(
    lease: Annotated[str, typer.Argument(help="The lease that 'queue next' gave.")],
    text: Annotated[str | None, typer.Argument(help="The transcript.")] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Pass the clip on to somebody else.")] = False,
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep the label of a leased clip. Exit code 1, and nothing kept, where it breaks the convention."""
    from data.errors import InvalidRequestError
    from labeling.convention import check_text
    from labeling.rulebook import convention_for

    if (text is None) != skip:
        raise InvalidRequestError("give either a TEXT or --skip")
    rules = convention_for(convention, names)
    violations = check_text(text, rules).violations if text is not None else ()
    if violations:
        if as_json:
            print(json.dumps({"violations": [asdict(violation) for violation in violations]}, ensure_ascii=False))
            raise typer.Exit(1)
        for violation in violations:
            print(f"{violation.rule}: {', '.join(violation.found)}: {violation.says} -> {violation.suggestion}")
        raise typer.Exit(1)
    with _queue() as queue:
        kept = queue.skip(lease) if text is None else queue.label(lease, text, convention=rules.identifier)
    if as_json:
        print(json.dumps(asdict(kept), default=str, ensure_ascii=False))
        return
    print(f"{kept.clip}: {kept.verdict}" + (f": {kept.text!r}" if kept.text else ""))
    if kept.text != (text or ""):
        print("it was labelled under this lease before, and that label stays; add the clip again with --again")


@app.command("list", epilog="Example: voicesearch labeling queue list --limit 10")
def list_waiting(
    limit: Annotated[int, typer.Option(min=1, help="How many to show.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List the clips that want a label, the most doubtful first."""
    with _queue() as queue:
        waiting = queue.waiting(limit)
    if as_json:
        print(json.dumps([asdict(task) for task in waiting], ensure_ascii=False))
        return
    for task in waiting:
        print(f"{task.priority:5.2f}  {task.clip}  {task.reason}: {task.text!r}  {task.note}")


@app.command(epilog="Example: voicesearch labeling queue stats")
def stats(as_json: AsJson = False) -> None:
    """Count clips by where they are, and labels by person."""
    with _queue() as queue:
        counted = queue.stats()
    if as_json:
        people = {each.person: each.labels for each in counted.people}
        print(json.dumps(asdict(counted) | {"people": people}, ensure_ascii=False))
        return
    print(f"{counted.waiting:,} waiting, {counted.leased:,} leased, {counted.done:,} done")
    for each in counted.people:
        print(f"{each.labels:6,}  {each.person}")


@app.command("export", epilog="Example: voicesearch labeling queue export labels.jsonl")
def export_labels(
    out: Annotated[Path, typer.Argument(help="File of transcriptions to write (JSONL).")],
    as_json: AsJson = False,
) -> None:
    """Write everything that people labelled, for 'labeling import' and 'labeling agreement'."""
    from labeling.review import transcriptions_of
    from labeling.transcriptions import write_transcriptions

    with _queue() as queue:
        written = transcriptions_of(queue.history())
    write_transcriptions(out, written)
    print(json.dumps({"transcriptions": len(written)}) if as_json else f"{len(written):,} transcriptions in {out}")


def _why_nothing(leased: int, for_others: int) -> str:
    if not leased and not for_others:
        return "every clip has its labels"
    return f"nothing for you now: {leased:,} clips are with others and may come back, {for_others:,} wait for others"


@contextmanager
def _queue() -> "Iterator[ReviewQueue]":
    from data.settings import HomeSettings
    from data.store import Store
    from labeling.queue import ReviewQueue

    store = Store.open(HomeSettings.load().database)
    try:
        yield ReviewQueue(store)
    finally:
        store.close()
