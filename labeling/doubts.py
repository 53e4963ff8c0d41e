"""Lists of doubtful labels: what `labeling suspects` and an error report write, and the review queue takes.

A list is JSONL, CSV or TSV with the columns `id` (the clip), `text` (its label), `note` (why it is doubted) and, where
known, `score` in [0, 1]; without one a doubt counts whole, because a person wrote it down.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from data.errors import CatalogueError, LabelError
from data.files import atomic_writer
from data.manifest import clip_path
from data.records import Utterance
from data.tables import Row, read_table
from labeling.review import Reason, ReviewTask
from labeling.suspects import Suspect
from labeling.transcriptions import Transcription, by_clip

SUFFIXES = (".csv", ".tsv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Doubt:
    """A clip whose label is doubted, why, and how much: `score` is in [0, 1], 1 where a person doubts it."""

    id: str
    text: str
    note: str = ""
    score: float = 1.0


def read_doubts(path: Path) -> tuple[Doubt, ...]:
    """Read a list of doubtful labels.

    Args:
        path: A CSV, TSV or JSONL file.

    Returns:
        The doubts in the order of the file.

    Raises:
        LabelError: naming file, line and remedy.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise LabelError(f"{path}: the name must end in {', '.join(SUFFIXES)}; export the list so")
    try:
        table = read_table(path)
    except CatalogueError as error:
        raise LabelError(str(error)) from error
    for column in ("id", "text") if table.rows or table.columns or path.suffix.lower() != ".jsonl" else ():
        if column not in table.columns:
            raise LabelError(f"{path}:1: there is no column {column!r}; a list of doubts has id, text and note")
    return tuple(_doubt(row, path) for row in table.rows)


def write_doubts(path: Path, doubts: Iterable[Doubt]) -> None:
    """Write a list of doubtful labels as JSONL, whole or not at all.

    Args:
        path: Where.
        doubts: What.
    """
    with atomic_writer(path) as file:
        file.writelines(json.dumps(asdict(doubt), ensure_ascii=False) + "\n" for doubt in doubts)


def doubts_of(suspects: Iterable[Suspect]) -> tuple[Doubt, ...]:
    """Give suspects as doubts, with their evidence as the note."""
    return tuple(
        Doubt(
            suspect.utterance.id,
            suspect.utterance.text,
            "; ".join(found.detail for found in suspect.evidence),
            round(suspect.score, 4),
        )
        for suspect in suspects
    )


def unsure_of(utterances: Iterable[Utterance], *, below: float) -> tuple[Doubt, ...]:
    """Find clips of which a recogniser is not sure.

    Args:
        utterances: With the `confidence` of a recogniser.
        below: Confidence in [0, 1] under which a clip is doubted.

    Returns:
        The doubts; the less sure, the higher the score.
    """
    return tuple(
        Doubt(each.id, each.text, f"recognised with a confidence of {each.confidence:.2f}", 1.0 - each.confidence)
        for each in utterances
        if each.confidence is not None and each.confidence < below
    )


def disagreements_of(transcriptions: Sequence[Transcription]) -> tuple[Doubt, ...]:
    """Find clips for which people wrote different texts.

    Args:
        transcriptions: Of several people.

    Returns:
        The doubts; the more the texts part, the higher the score.
    """
    doubts = []
    for clip, group in by_clip(transcriptions).items():
        texts = [transcription.text for transcription in group]
        if len(set(texts)) > 1:
            said = ", ".join(f"{each.transcriber}: {each.text!r}" for each in group)
            doubts.append(Doubt(clip, texts[0], said, 1.0 - max(map(texts.count, texts)) / len(texts)))
    return tuple(doubts)


def review_tasks(
    doubts: Iterable[Doubt], manifest: Path, utterances: Mapping[str, Utterance], reason: Reason
) -> tuple[ReviewTask, ...]:
    """Make tasks for the review queue of doubts.

    Args:
        doubts: What is doubted.
        manifest: The manifest that holds the clips.
        utterances: Its utterances by id; those with hypotheses show them to the person.
        reason: Why all of them are doubted.

    Returns:
        The tasks, of higher priority the higher the score.

    Raises:
        LabelError: A doubt names a clip that the manifest does not hold.
    """
    tasks = []
    for doubt in doubts:
        if (utterance := utterances.get(doubt.id)) is None:
            raise LabelError(
                f"{manifest}: there is no clip {doubt.id!r} in it; name the manifest that the doubts are of"
            )
        heard = [utterance.pred_text or "", *(hypothesis.text for hypothesis in utterance.nbest)]
        tasks.append(
            ReviewTask(
                clip=doubt.id,
                reason=reason,
                text=utterance.text,
                audio=str(clip_path(manifest, utterance).resolve()),
                duration=utterance.duration,
                hypotheses=tuple(dict.fromkeys(filter(None, heard))),
                note=doubt.note,
                priority=doubt.score,
            )
        )
    return tuple(tasks)


def _doubt(row: Row, path: Path) -> Doubt:
    if row.problem or not row.cells.get("id"):
        raise LabelError(f"{path}:{row.number}: {row.problem or 'there is no id'}; correct this row")
    try:
        score = float(row.cells.get("score") or 1.0)
    except ValueError:
        score = math.nan
    if not 0.0 <= score <= 1.0:
        raise LabelError(f"{path}:{row.number}: score is {row.cells['score']!r}; write a number from 0 to 1")
    return Doubt(row.cells["id"], row.cells.get("text", ""), row.cells.get("note", ""), score)
