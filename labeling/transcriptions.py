"""What people wrote for clips: one line of JSON a transcription, several to a clip.

A line has `id` (the clip), `transcriber` and `text`; where known `take` (1 is somebody's first go at the clip, 2 the
second), `tags`, `at` (ISO 8601), `seconds` (of work), `skipped` and `ground_truth`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from data.errors import LabelError
from data.files import atomic_writer


@dataclass(frozen=True, slots=True)
class Transcription:
    """What one person wrote for one clip; a person who `skipped` it wrote nothing.

    `at` is when, in ISO 8601; `seconds` is how long it took.
    """

    clip: str
    transcriber: str
    text: str
    take: int = 1
    tags: tuple[str, ...] = ()
    at: str | None = None
    seconds: float | None = None
    skipped: bool = False
    ground_truth: bool = False


def read_transcriptions(path: Path) -> tuple[Transcription, ...]:
    """Read a file of transcriptions.

    Args:
        path: A `.jsonl` file.

    Returns:
        The transcriptions in the order of the file.

    Raises:
        LabelError: naming file, line and remedy; also when one person's take of a clip is there twice.
    """
    try:
        lines = path.read_bytes().decode("utf-8-sig").split("\n")
    except OSError as error:
        raise LabelError(f"{path}: the file cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{path}: not UTF-8; save the file as UTF-8") from error
    seen: dict[tuple[str, str, int], int] = {}
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        transcription = _from_line(line, f"{path}:{number}")
        key = (transcription.clip, transcription.transcriber, transcription.take)
        if key in seen:
            raise LabelError(
                f"{path}:{number}: {key[1]!r} has take {key[2]} of clip {key[0]!r} on line {seen[key]} already; "
                "number repeats with 'take'"
            )
        seen[key] = number
        found.append(transcription)
    if not found:
        raise LabelError(f"{path}: there are no transcriptions in it; it needs at least one line")
    return tuple(found)


def write_transcriptions(path: Path, transcriptions: Iterable[Transcription]) -> None:
    """Write a file of transcriptions, whole or not at all.

    Args:
        path: Where.
        transcriptions: What.
    """
    with atomic_writer(path) as file:
        file.writelines(_to_line(transcription) + "\n" for transcription in transcriptions)


def by_clip(transcriptions: Sequence[Transcription]) -> dict[str, tuple[Transcription, ...]]:
    """Group the transcriptions that hold a text by clip, in the order of their appearance."""
    grouped: dict[str, list[Transcription]] = {}
    for transcription in transcriptions:
        if not transcription.skipped:
            grouped.setdefault(transcription.clip, []).append(transcription)
    return {clip: tuple(group) for clip, group in grouped.items()}


def _to_line(transcription: Transcription) -> str:
    line: dict[str, Any] = {
        "id": transcription.clip,
        "transcriber": transcription.transcriber,
        "text": transcription.text,
        "take": transcription.take,
    }
    if transcription.tags:
        line["tags"] = list(transcription.tags)
    for key in ("at", "seconds"):
        if (value := getattr(transcription, key)) is not None:
            line[key] = value
    for key in ("skipped", "ground_truth"):
        if getattr(transcription, key):
            line[key] = True
    return json.dumps(line, ensure_ascii=False)


def _from_line(text: str, where: str) -> Transcription:
    try:
        line = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabelError(f"{where}: not JSON ({error.msg}); each line is one JSON object") from error
    if not isinstance(line, dict):
        raise LabelError(f"{where}: not a JSON object; each line is one JSON object")
    for key in ("id", "transcriber", "text"):
        if not isinstance(line.get(key), str):
            raise LabelError(f"{where}: {key!r} is {line.get(key)!r}; every line needs it, as a text")
    try:
        return Transcription(
            clip=line["id"],
            transcriber=line["transcriber"],
            text=line["text"],
            take=int(line.get("take", 1)),
            tags=tuple(map(str, line.get("tags") or ())),
            at=None if line.get("at") is None else str(line["at"]),
            seconds=None if line.get("seconds") is None else float(line["seconds"]),
            skipped=bool(line.get("skipped")),
            ground_truth=bool(line.get("ground_truth")),
        )
    except (TypeError, ValueError) as error:
        raise LabelError(
            f"{where}: a value has the wrong type ({error}); take and seconds are numbers, tags a list"
        ) from error
