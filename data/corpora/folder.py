"""A folder of audio with a table of transcripts: Common Voice, Hugging Face `audiofolder`, or your own CSV or JSONL.

The columns are told by their names. Sources: Mozilla Common Voice releases (`validated.tsv`, `clips/`); Hugging Face
datasets, "Create an audio dataset" (`metadata.csv`, `file_name`, `transcription`).
"""

import math
from collections.abc import Iterator
from pathlib import Path

from data.corpora.recording import Corpus, Recording, corpus_of, path_within, recording_id
from data.errors import CatalogueError, ManifestError
from data.tables import Row, read_table

AUDIO_COLUMNS = ("file_name", "path", "audio_filepath", "audio", "file", "filename")
TEXT_COLUMNS = ("transcription", "sentence", "text", "transcript")
SPEAKER_COLUMNS = ("client_id", "speaker", "speaker_id")
TIME_COLUMNS = ("recorded_at", "date", "timestamp")
LENGTH_COLUMNS = ("duration", "seconds")
TAG_COLUMNS = ("gender", "age", "accents", "accent", "device")
"""Become tags such as `gender:female`, by which splits are balanced."""

TABLES = (
    "metadata.csv",
    "metadata.jsonl",
    "metadata.tsv",
    "validated.tsv",
    "transcripts.csv",
    "transcripts.tsv",
    "transcripts.jsonl",
)
"""Looked for in a folder, in this order."""

CLIPS = "clips"
"""Where Common Voice keeps its audio beside the table."""


def tables_of(root: Path) -> tuple[Path, ...]:
    """Find the tables of transcripts in a folder.

    Args:
        root: The folder.

    Returns:
        The first table by name or, where there is none, those of its subfolders (`train/metadata.csv`, ...).
    """
    own = next((root / name for name in TABLES if (root / name).is_file()), None)
    return (own,) if own else tuple(sorted(root.glob("*/metadata.*")))


def read_folder(tables: tuple[Path, ...], root: Path) -> Corpus:
    """Read audio with tables of transcripts.

    Args:
        tables: CSV, TSV or JSONL files; their paths are relative to their own folder, or to its `clips/`.
        root: The folder that all audio stays in.

    Returns:
        The recordings.

    Raises:
        ManifestError: naming file, line and remedy.
    """
    recordings = (recording for table in tables for recording in _read(table, root))
    return corpus_of(root.resolve().name, root, recordings, listed=tables[0] if len(tables) == 1 else None)


def _read(path: Path, root: Path) -> Iterator[Recording]:
    try:
        table = read_table(path, quoted=not _is_common_voice(path))
    except CatalogueError as error:
        raise ManifestError(str(error)) from error
    audio = _column(path, table.columns, AUDIO_COLUMNS, "names the audio files")
    text = _column(path, table.columns, TEXT_COLUMNS, "holds the transcripts")
    for row in table.rows:
        where = f"{path}:{row.number}"
        if row.problem:
            raise ManifestError(f"{where}: {row.problem}; correct the row")
        if not row.cells.get(audio, "").strip():
            raise ManifestError(f"{where}: {audio!r} is empty; name the audio file or remove the row")
        yield _recording(row, row.cells[audio].strip(), text, path.parent, root, where)


def _recording(row: Row, name: str, text: str, folder: Path, root: Path, where: str) -> Recording:
    places = [base / name for base in (folder / CLIPS, folder, root)]
    found = next((place for place in places if place.is_file()), folder / name)
    path = path_within(root, str(found.absolute()), where)
    seconds = _first(row, LENGTH_COLUMNS)
    try:
        length = float(seconds) if seconds else None
    except ValueError:
        length = math.nan
    if length is not None and not math.isfinite(length):
        raise ManifestError(f"{where}: {seconds!r} is not a number of seconds; correct the row")
    tags = (f"{column}:{value.lower()}" for column in TAG_COLUMNS if (value := row.cells.get(column, "").strip()))
    return Recording(
        id=recording_id(path),
        path=path,
        text=row.cells.get(text, "").strip(),
        speaker=_first(row, SPEAKER_COLUMNS),
        recorded_at=_first(row, TIME_COLUMNS),
        seconds=length,
        tags=tuple(tags),
    )


def _column(path: Path, columns: tuple[str, ...], known: tuple[str, ...], what: str) -> str:
    found = next((name for name in known if name in columns), None)
    if found is None:
        has = ", ".join(columns) or "none"
        raise ManifestError(f"{path}: no column {what}; call one of its columns ({has}) {known[0]!r}")
    return found


def _first(row: Row, columns: tuple[str, ...]) -> str | None:
    return next((value for name in columns if (value := row.cells.get(name, "").strip())), None)


def _is_common_voice(path: Path) -> bool:
    with path.open("rb") as file:
        return path.suffix == ".tsv" and file.readline().startswith(b"client_id\t")
