"""Manifests: one utterance a line of JSON, with NeMo's keys, and a lock file that says what is in them.

A manifest's paths are relative to its folder and stay inside it.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from data.errors import ManifestError
from data.files import atomic_writer
from data.records import Hypothesis, Step, Utterance

BYTE_ORDER_MARK = "\ufeff"


def read_manifest(path: Path, *, check_files: bool = True) -> tuple[Utterance, ...]:
    """Read a manifest.

    Args:
        path: A `.jsonl` file.
        check_files: Whether every clip must exist.

    Returns:
        The utterances in the order of the file; a line without an `id` is named after its clip.

    Raises:
        ManifestError: naming file, line and remedy.
    """
    utterances = tuple(_read_lines(path, check_files))
    if not utterances:
        raise ManifestError(f"{path}: the manifest is empty; it needs at least one line")
    seen: dict[str, int] = {}
    for number, utterance in enumerate(utterances, 1):
        if utterance.id in seen:
            raise ManifestError(f"{path}:{number}: id {utterance.id!r} is already on line {seen[utterance.id]}")
        seen[utterance.id] = number
    return utterances


def write_manifest(path: Path, utterances: Iterable[Utterance]) -> None:
    """Write a manifest, whole or not at all.

    Args:
        path: Where.
        utterances: What.
    """
    with atomic_writer(path) as file:
        file.writelines(to_line(utterance) + "\n" for utterance in utterances)


def to_line(utterance: Utterance) -> str:
    """Give an utterance as one line of JSON, without what is not known of it.

    Args:
        utterance: Any utterance.

    Returns:
        JSON with no newline in it.
    """
    line: dict[str, Any] = {
        "audio_filepath": utterance.audio_filepath,
        "duration": round(utterance.duration, 4),
        "text": utterance.text,
        "id": utterance.id,
    }
    for key in ("speaker", "source", "split", "recorded_at", "pred_text", "confidence"):
        if (value := getattr(utterance, key)) is not None:
            line[key] = value
    if utterance.tags:
        line["tags"] = list(utterance.tags)
    if utterance.nbest:
        line["nbest"] = [{"text": h.text, "log_prob": h.log_prob} for h in utterance.nbest]
    if utterance.lineage:
        line["lineage"] = [
            {"name": step.name, "version": step.version, "parameters": dict(step.parameters)}
            for step in utterance.lineage
        ]
    return json.dumps(line, ensure_ascii=False)


def from_line(text: str, where: str) -> Utterance:
    """Read one line of a manifest.

    Args:
        text: JSON.
        where: File and line, for the message.

    Returns:
        The utterance.

    Raises:
        ManifestError: It is not JSON, lacks a key, or a value has the wrong type.
    """
    try:
        line = json.loads(text)
    except json.JSONDecodeError as error:
        raise ManifestError(f"{where}: not JSON ({error.msg}); each line is one JSON object") from error
    if not isinstance(line, dict):
        raise ManifestError(f"{where}: not a JSON object; each line is one JSON object")
    for key in ("audio_filepath", "duration"):
        if key not in line:
            raise ManifestError(f"{where}: the key {key!r} is missing; add it")
    if "\\u" in text:  # the only way to write what is not Unicode
        _refuse_lone_surrogates(line, where)
    try:
        return Utterance(
            id=str(line.get("id") or PurePosixPath(line["audio_filepath"]).stem),
            audio_filepath=str(line["audio_filepath"]),
            duration=_seconds(line["duration"]),
            text=str(line.get("text") or ""),
            speaker=_optional(line, "speaker"),
            source=_optional(line, "source"),
            split=_optional(line, "split"),
            tags=_tags(line.get("tags")),
            lineage=tuple(Step(s["name"], s["version"], s.get("parameters", {})) for s in line.get("lineage") or ()),
            recorded_at=_optional(line, "recorded_at"),
            pred_text=_optional(line, "pred_text"),
            confidence=None if line.get("confidence") is None else float(line["confidence"]),
            nbest=tuple(Hypothesis(h["text"], float(h["log_prob"])) for h in line.get("nbest") or ()),
        )
    except (TypeError, ValueError, KeyError) as error:
        raise ManifestError(
            f"{where}: a value has the wrong type ({error}); durations are numbers, tags a list of texts"
        ) from error


def clip_path(manifest: Path, utterance: Utterance) -> Path:
    """Give the place of an utterance's clip.

    Args:
        manifest: The manifest that it is in.
        utterance: The utterance.

    Returns:
        The path beside the manifest.
    """
    return manifest.parent / utterance.audio_filepath


@dataclass(frozen=True, slots=True)
class ManifestLock:
    """What a manifest held when it was finished; beside it as `<name>.lock.json`.

    `convention` is the name and version of the transcription convention that its texts passed, None before that.
    """

    sha256: str
    utterances: int
    seconds: float
    convention: str | None = None


def lock_path(manifest: Path) -> Path:
    """Give the place of a manifest's lock file."""
    return manifest.with_name(manifest.name + ".lock.json")


def write_lock(manifest: Path, convention: str | None = None) -> ManifestLock:
    """Lock a manifest as it is now.

    Args:
        manifest: The manifest.
        convention: The convention that its texts have passed, for example `voice-search-en/1`.

    Returns:
        What was written.
    """
    utterances = read_manifest(manifest, check_files=False)
    lock = ManifestLock(
        sha256=hashlib.sha256(manifest.read_bytes()).hexdigest(),
        utterances=len(utterances),
        seconds=round(sum(utterance.duration for utterance in utterances), 3),
        convention=convention,
    )
    with atomic_writer(lock_path(manifest)) as file:
        json.dump({key: getattr(lock, key) for key in ManifestLock.__slots__}, file, indent=2)
        file.write("\n")
    return lock


def read_lock(manifest: Path) -> ManifestLock | None:
    """Read the lock of a manifest.

    Args:
        manifest: The manifest.

    Returns:
        Its lock, or None where there is none.

    Raises:
        ManifestError: The lock cannot be read, or the manifest has changed since it was locked.
    """
    path = lock_path(manifest)
    if not path.is_file():
        return None
    try:
        lock = ManifestLock(**json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, TypeError) as error:
        raise ManifestError(f"{path}: not a lock file ({error}); remove it and lock the manifest again") from error
    if lock.sha256 != hashlib.sha256(manifest.read_bytes()).hexdigest():
        raise ManifestError(f"{manifest}: changed since it was locked; check it and lock it again")
    return lock


def text_lines(path: Path) -> Iterator[tuple[str, str]]:
    """Read a file of JSON lines without looking into them.

    Args:
        path: A UTF-8 file.

    Yields:
        File and line for messages, and the line's text, for each line that is not blank.

    Raises:
        ManifestError: There is no such file, or a line is not UTF-8.
    """
    if not path.is_file():
        raise ManifestError(f"{path}: there is no such manifest; check the path")
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            try:
                text = raw.decode("utf-8").strip()
            except UnicodeDecodeError as error:
                raise ManifestError(f"{path}:{number}: not UTF-8; save the file as UTF-8") from error
            if text.startswith(BYTE_ORDER_MARK):
                raise ManifestError(f"{path}:{number}: begins with a byte order mark; save the file without")
            if text:
                yield f"{path}:{number}", text


def _read_lines(path: Path, check_files: bool) -> Iterator[Utterance]:
    for where, text in text_lines(path):
        utterance = from_line(text, where)
        relative = PurePosixPath(utterance.audio_filepath)
        if relative.is_absolute() or ".." in relative.parts:
            raise ManifestError(f"{where}: {relative} points outside the manifest's folder; use a path below it")
        if check_files and not clip_path(path, utterance).is_file():
            raise ManifestError(f"{where}: there is no clip {relative}; fetch it or remove the line")
        yield utterance


def _seconds(value: Any) -> float:
    if not math.isfinite(seconds := float(value)):
        raise ValueError(f"a duration of {value}")
    return seconds


def _tags(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        raise TypeError(f"tags of {value!r}")
    return tuple(str(tag) for tag in value or ())


def _refuse_lone_surrogates(line: dict[str, Any], where: str) -> None:
    try:
        json.dumps(line, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise ManifestError(f"{where}: half a character (a lone surrogate); write the line again as UTF-8") from error


def _optional(line: dict[str, Any], key: str) -> str | None:
    return None if line.get(key) is None else str(line[key])
