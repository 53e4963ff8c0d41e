"""Manifests against a convention: every violation with its line, and the safe fixes written back."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import ManifestError
from data.files import atomic_writer
from data.manifest import read_manifest, write_lock
from data.records import Utterance
from labeling.convention import Convention, Violation, check_text, fix_text

REJECTED = "rejected.jsonl"
"""Name, or end of the name, of a list beside a manifest: the clips that were not taken."""


@dataclass(frozen=True, slots=True)
class LineViolation:
    """A violation and where it stands; lines count from 1."""

    path: Path
    line: int
    utterance: str
    violation: Violation

    def __str__(self) -> str:
        """Show it as one line: file, line, rule, what is wrong, what it should be."""
        found = ", ".join(repr(part) for part in self.violation.found)
        remedy = self.violation.suggestion
        if not self.violation.safe:
            remedy = f"listen and choose: {remedy}" if remedy else "listen, and write what was said"
        return f"{self.path}:{self.line}: {self.violation.rule}: {found}: {self.violation.says} -> {remedy}"


@dataclass(frozen=True, slots=True)
class Fixed:
    """What was mended: how many lines were rewritten, and the violations left for a person."""

    rewritten: int
    left: tuple[LineViolation, ...]


def find_manifests(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Find the manifests to check.

    Args:
        paths: Manifests, and folders that hold some.

    Returns:
        Every manifest once; of a folder, all `.jsonl` files below it whose lines are about clips, but not rejections.

    Raises:
        ManifestError: A path does not exist, or a folder holds no manifest.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if path.is_file():
            found[path] = None
            continue
        if not path.is_dir():
            raise ManifestError(f"{path}: there is no such manifest or folder; check the path")
        below = [file for file in sorted(path.rglob("*.jsonl")) if _is_manifest(file)]
        if not below:
            raise ManifestError(f"{path}: there is no manifest (*.jsonl) in this folder; prepare the corpus first")
        found.update(dict.fromkeys(below))
    return tuple(found)


def check_manifest(path: Path, convention: Convention) -> tuple[LineViolation, ...]:
    """Check the texts of a manifest; the clips need not be there.

    Args:
        path: The manifest.
        convention: The convention.

    Returns:
        The violations in the order of the lines.

    Raises:
        ManifestError: The manifest cannot be read.
    """
    utterances = read_manifest(path, check_files=False)
    numbers = (number for number, line in enumerate(_lines(path), 1) if line.strip())
    return tuple(
        LineViolation(path, number, utterance.id, violation)
        for number, utterance in zip(numbers, utterances, strict=True)
        for violation in check_text(utterance.text, convention).violations
    )


def certify(path: Path, convention: Convention) -> tuple[LineViolation, ...]:
    """Check a manifest, and when it passes lock it with the convention's identifier.

    Args:
        path: The manifest.
        convention: The convention.

    Returns:
        The violations; none where it was locked.
    """
    violations = check_manifest(path, convention)
    if not violations:
        write_lock(path, convention.identifier)
    return violations


def fix_manifest(path: Path, convention: Convention) -> Fixed:
    """Apply the safe fixes to a manifest, then check it, and lock it when it passes.

    Args:
        path: The manifest.
        convention: The convention.

    Returns:
        What was mended and what is left.

    Raises:
        ManifestError: The manifest cannot be read; it is left as it was.
    """
    rewritten = rewrite_texts(path, lambda utterance: fix_text(utterance.text, convention))
    return Fixed(rewritten, certify(path, convention))


def rewrite_texts(path: Path, text_of: Callable[[Utterance], str]) -> int:
    """Write new texts into a manifest; everything else in it stays as it stands.

    Args:
        path: The manifest.
        text_of: From an utterance to its new text.

    Returns:
        How many lines have changed.

    Raises:
        ManifestError: The manifest cannot be read; it is left as it was.
    """
    utterances = iter(read_manifest(path, check_files=False))
    lines = _lines(path)
    written = [_with_text(line, next(utterances), text_of) if line.strip() else line for line in lines]
    rewritten = sum(old != new for old, new in zip(lines, written, strict=True))
    if rewritten:
        with atomic_writer(path) as file:
            file.writelines(written)
    return rewritten


def count_by_rule(violations: Sequence[LineViolation]) -> dict[str, int]:
    """Count violations by rule, the most frequent first."""
    counts: dict[str, int] = {}
    for found in violations:
        counts[found.violation.rule] = counts.get(found.violation.rule, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _is_manifest(path: Path) -> bool:
    """Whether a file is a manifest, good or bad, and not a list of something else, such as transcriptions."""
    if path.name == REJECTED or path.name.endswith(f".{REJECTED}"):
        return False
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    try:
        content = json.loads(first)
    except ValueError:
        return True
    return not isinstance(content, dict) or "audio_filepath" in content or "duration" in content


def _with_text(line: str, utterance: Utterance, text_of: Callable[[Utterance], str]) -> str:
    if (text := text_of(utterance)) == utterance.text:
        return line
    ending = line[len(line.rstrip("\r\n")) :]
    return json.dumps(json.loads(line) | {"text": text}, ensure_ascii=False) + ending


def _lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        return [raw.decode("utf-8") for raw in file]
