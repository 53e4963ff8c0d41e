"""Commands of labelling: check, fix, compare, doubt, exchange; the review queue's are in `labeling.queue_commands`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from labeling import queue_commands
from labeling.queue_commands import AsJson, ConventionFile, NamesFile

if TYPE_CHECKING:
    from labeling.lint import LineViolation

app = typer.Typer(help="Keep labels consistent: one convention, measured agreement, review.", no_args_is_help=True)
app.add_typer(queue_commands.app, name="queue")


@app.command(epilog="Example: voicesearch labeling check examples/films/queries/manifest.jsonl")
def check(
    paths: Annotated[list[Path], typer.Argument(help="Manifests, or folders that hold some.")],
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Check manifests against the convention; those that pass are locked with it. Exit code 1 on violations."""
    from labeling.lint import certify, find_manifests
    from labeling.rulebook import convention_for

    rules = convention_for(convention, names)
    found = {path: certify(path, rules) for path in find_manifests(paths)}
    _report([each for violations in found.values() for each in violations], rules.identifier, len(found), 0, as_json)


@app.command(epilog="Example: voicesearch labeling fix corpora/prompts/manifest.jsonl")
def fix(
    paths: Annotated[list[Path], typer.Argument(help="Manifests, or folders that hold some.")],
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Apply the safe fixes and leave the rest to a person. Exit code 1 while something is left."""
    from labeling.lint import find_manifests, fix_manifest
    from labeling.rulebook import convention_for

    rules = convention_for(convention, names)
    fixed = [fix_manifest(path, rules) for path in find_manifests(paths)]
    rewritten = sum(each.rewritten for each in fixed)
    _report([left for each in fixed for left in each.left], rules.identifier, len(fixed), rewritten, as_json)


@app.command(epilog="Example: voicesearch labeling agreement examples/labeling/habits.jsonl")
def agreement(
    file: Annotated[Path, typer.Argument(help="Transcriptions of several people (JSONL: id, transcriber, text).")],
    hypotheses: Annotated[
        Path | None, typer.Option(help="A recogniser's texts of the same clips: a manifest with pred_text.")
    ] = None,
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Measure how far people agree, before and after the convention, and what they write differently."""
    from data.errors import LabelError
    from data.manifest import read_manifest
    from labeling.agreement import measure_agreement
    from labeling.rulebook import convention_for
    from labeling.summary import show_agreement
    from labeling.transcriptions import read_transcriptions

    heard = read_manifest(hypotheses, check_files=False) if hypotheses else ()
    measured = measure_agreement(
        read_transcriptions(file),
        convention_for(convention, names),
        recognised={u.id: u.pred_text or "" for u in heard},
    )
    if measured is None:
        raise LabelError(f"{file}: no clip has two transcribers; have some clips transcribed by several people")
    if as_json:
        leads = {"lead_before": measured.lead_before, "lead_after": measured.lead_after}
        print(json.dumps(asdict(measured) | leads, ensure_ascii=False))
        return
    show_agreement(measured)


@app.command(epilog="Example: voicesearch labeling suspects train.jsonl --hypotheses heard.jsonl --out doubts.jsonl")
def suspects(
    manifest: Annotated[Path, typer.Argument(help="The manifest whose labels are doubted.")],
    hypotheses: Annotated[
        Path | None, typer.Option(help="The same clips as a recogniser heard them (asr transcribe).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write all suspects there, for the review queue.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many to show.")] = 20,
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Rank the labels that are probably wrong, with the evidence against each."""
    from rich.console import Console
    from rich.progress import track

    from data.files import sha256_of
    from data.manifest import clip_path, read_manifest
    from labeling.doubts import doubts_of, write_doubts
    from labeling.rulebook import convention_for
    from labeling.summary import show_suspects
    from labeling.suspects import find_suspects

    utterances = read_manifest(manifest, check_files=False)
    heard = read_manifest(hypotheses, check_files=False) if hypotheses else ()
    clips = {utterance.id: clip_path(manifest, utterance) for utterance in utterances}
    shown_clips = track(clips.items(), "comparing clips", console=Console(file=sys.stderr), transient=True)
    digests = {name: sha256_of(clip) for name, clip in shown_clips if clip.is_file()}
    found = find_suspects(utterances, {u.id: u for u in heard}, convention_for(convention, names), digests)
    doubts = doubts_of(found)
    if out is not None:
        write_doubts(out, doubts)
    if as_json:
        shown = [asdict(doubt) for doubt in doubts[:limit]]
        print(json.dumps({"utterances": len(utterances), "suspects": len(doubts), "first": shown}, ensure_ascii=False))
        return
    show_suspects(found[:limit])
    print(f"{len(found):,} of {len(utterances):,} labels have evidence against them")
    if out is not None:
        print(f"all of them are in {out}; review them with 'voicesearch labeling queue add {manifest} --doubts {out}'")


@app.command("export", epilog="Example: voicesearch labeling export train.jsonl --out tasks.json")
def export_tasks(
    manifest: Annotated[Path, typer.Argument(help="The manifest.")],
    out: Annotated[Path, typer.Option(help="File of tasks to write.")],
    labels: Annotated[Path | None, typer.Option(help="What people wrote already (JSONL), as annotations.")] = None,
    prefix: Annotated[
        str | None, typer.Option(help="What stands before a clip's path in its address; by default local files.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a manifest as Label Studio tasks with pre-annotations, and the project's configuration beside them."""
    from data.files import atomic_writer
    from data.manifest import read_manifest
    from labeling.label_studio import CONFIG, LOCAL_FILES, to_label_studio
    from labeling.transcriptions import read_transcriptions

    utterances = read_manifest(manifest, check_files=False)
    known = {utterance.id for utterance in utterances}
    given = read_transcriptions(labels) if labels else ()
    written = [each for each in given if each.clip in known]
    tasks = to_label_studio(utterances, written, prefix=LOCAL_FILES if prefix is None else prefix)
    config = out.with_suffix(".config.xml")
    for path, content in ((out, tasks), (config, CONFIG)):
        with atomic_writer(path) as file:
            file.write(content)
    if as_json:
        counts = {"tasks": len(utterances), "annotations": len(written), "unknown": len(given) - len(written)}
        print(json.dumps(counts | {"config": str(config)}))
        return
    print(f"{len(utterances):,} tasks in {out}; the project's labelling configuration is in {config}")
    if len(written) < len(given):
        print(f"{len(given) - len(written):,} of {len(given):,} labels are of clips that are not in the manifest")


@app.command(
    "import", epilog="Example: voicesearch labeling import export.json --out labels.jsonl --manifest train.jsonl"
)
def import_labels(
    source: Annotated[
        Path,
        typer.Argument(
            help="A Label Studio export (.json), transcriptions (.jsonl) or doubtful labels (.csv, .jsonl)."
        ),
    ],
    manifest: Annotated[
        Path | None,
        typer.Option(help="The manifest of the clips: texts that people agree on are written to it; doubts need it."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the transcriptions there (JSONL).")] = None,
    convention: ConventionFile = None,
    names: NamesFile = None,
    as_json: AsJson = False,
) -> None:
    """Take in labels: completed annotations into a manifest, doubtful labels into the review queue."""
    from labeling.intake import import_file
    from labeling.rulebook import convention_for

    taken = import_file(source, manifest, out, convention_for(convention, names))
    if as_json:
        print(json.dumps(asdict(taken), ensure_ascii=False))
        return
    print(taken.summary)


def _report(violations: "list[LineViolation]", identifier: str, manifests: int, rewritten: int, as_json: bool) -> None:
    """Show violations, and leave with exit code 1 when there are any."""
    from labeling.lint import count_by_rule

    if as_json:
        shown = {
            "convention": identifier,
            "manifests": manifests,
            "rewritten": rewritten,
            "rules": count_by_rule(violations),
            "violations": [
                {"path": str(v.path), "line": v.line, "id": v.utterance} | asdict(v.violation) for v in violations
            ],
        }
        print(json.dumps(shown, ensure_ascii=False))
    else:
        for violation in violations:
            print(violation)
        print(f"{rewritten:,} lines rewritten; " if rewritten else "", end="")
        counts = ", ".join(f"{rule} {count:,}" for rule, count in count_by_rule(violations).items())
        passed = f"{manifests:,} of {manifests:,} manifests follow {identifier}"
        print(f"{len(violations):,} violations of {identifier}: {counts}" if violations else passed)
    if violations:
        raise typer.Exit(1)
