"""Taking files of labels in: from Label Studio, from people, from an error report."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data.errors import InvalidRequestError, LabelError
from data.manifest import read_manifest
from data.settings import HomeSettings
from data.store import Store
from labeling.consensus import apply_transcriptions
from labeling.convention import Convention
from labeling.doubts import read_doubts, review_tasks
from labeling.label_studio import from_label_studio
from labeling.lint import certify, rewrite_texts
from labeling.queue import ReviewQueue
from labeling.review import Reason
from labeling.transcriptions import Transcription, read_transcriptions, write_transcriptions


@dataclass(frozen=True, slots=True)
class Intake:
    """What became of a file of labels.

    `changed` texts of the manifest are new, `disputed` clips wait for people to agree, `unknown` ones are not in the
    manifest, `violations` of the convention are left in it; `queued` clips wait for review.
    """

    kind: str
    labels: int
    changed: int = 0
    disputed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    violations: int = 0
    queued: int = 0

    @property
    def summary(self) -> str:
        """Give it in a line for a person."""
        if self.kind == "doubts":
            return f"{self.labels:,} doubtful labels, {self.queued:,} of them new in the review queue"
        parts = [f"{self.labels:,} transcriptions", f"{self.changed:,} texts of the manifest changed"]
        if self.disputed:
            parts.append(f"{len(self.disputed):,} clips disputed ({_some(self.disputed)})")
        if self.unknown:
            parts.append(f"{len(self.unknown):,} clips not in the manifest ({_some(self.unknown)})")
        if self.violations:
            parts.append(f"{self.violations:,} violations left; see 'voicesearch labeling check'")
        return ", ".join(parts)


def import_file(source: Path, manifest: Path | None, out: Path | None, convention: Convention) -> Intake:
    """Take in a file of labels.

    Args:
        source: A Label Studio export (`.json`), transcriptions (`.jsonl`) or doubts (`.csv`, `.tsv`, `.jsonl`).
        manifest: Of the clips. Texts that people agree on are written to it; doubts go to the review queue.
        out: Where transcriptions are written.
        convention: The convention of the labels.

    Returns:
        What became of it.

    Raises:
        LabelError: The file cannot be used.
        InvalidRequestError: There is nowhere to put what is in it.
    """
    if source.suffix.lower() == ".json":
        return _import_transcriptions("label-studio", _read_export(source), manifest, out, convention)
    if source.suffix.lower() == ".jsonl" and _holds_transcriptions(source):
        return _import_transcriptions("transcriptions", read_transcriptions(source), manifest, out, convention)
    return _import_doubts(source, manifest)


def _import_transcriptions(
    kind: str,
    transcriptions: tuple[Transcription, ...],
    manifest: Path | None,
    out: Path | None,
    convention: Convention,
) -> Intake:
    if manifest is None and out is None:
        raise InvalidRequestError("labels need a place: name a --manifest to write them to, or a file with --out")
    if out is not None:
        write_transcriptions(out, transcriptions)
    if manifest is None:
        return Intake(kind, len(transcriptions))
    agreed = apply_transcriptions(read_manifest(manifest, check_files=False), transcriptions, convention)
    texts = {utterance.id: utterance.text for utterance in agreed.utterances}
    changed = rewrite_texts(manifest, lambda utterance: texts[utterance.id])
    violations = len(certify(manifest, convention))
    return Intake(kind, len(transcriptions), changed, agreed.disputed, agreed.unknown, violations)


def _import_doubts(source: Path, manifest: Path | None) -> Intake:
    doubts = read_doubts(source)
    if manifest is None:
        raise InvalidRequestError(f"{source}: doubtful labels go to the review queue; name their --manifest")
    utterances = {utterance.id: utterance for utterance in read_manifest(manifest)}
    tasks = review_tasks(doubts, manifest, utterances, Reason.DOUBT)
    store = Store.open(HomeSettings.load().database)
    try:
        return Intake("doubts", len(doubts), queued=ReviewQueue(store).add(tasks, again=True).added)
    finally:
        store.close()


def _read_export(source: Path) -> tuple[Transcription, ...]:
    try:
        return from_label_studio(source.read_text(encoding="utf-8-sig"), str(source)).transcriptions
    except OSError as error:
        raise LabelError(f"{source}: the file cannot be read ({error.strerror}); check the path") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{source}: not UTF-8; export it again") from error


def _holds_transcriptions(source: Path) -> bool:
    """Whether the first line names a transcriber; a file that cannot be read is told apart by who reads it next."""
    try:
        with source.open("rb") as file:
            first = json.loads(next((line for line in file if line.strip()), b"{}"))
    except (OSError, ValueError):
        return False
    return isinstance(first, dict) and "transcriber" in first


def _some(clips: Sequence[str], shown: int = 5) -> str:
    return ", ".join(clips[:shown]) + (", ..." if len(clips) > shown else "")
