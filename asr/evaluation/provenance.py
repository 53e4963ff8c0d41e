"""What an evaluation is of: everything that would have to be the same for its figures to come out the same."""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from data.files import sha256_of
from data.records import Utterance
from labeling.convention import Convention
from labeling.normalization import normalizer_version


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a recogniser made of a manifest: hypotheses by id, and what is known of where they come from.

    `source` is the file or release, `sha256` that of the file or of the model, `decoding` its parameters.
    """

    name: str
    source: str
    sha256: str
    hypotheses: Mapping[str, Utterance]
    decoding: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Release, data, rules, decoding, machine, seed and date; hashes are SHA-256.

    `convention` is the one that the labels passed, None where they were not checked; `rules_sha256` is the hash of the
    file of the convention in use. `date` is in UTC, ISO 8601.
    """

    release: str
    source: str
    source_sha256: str
    manifest: str
    manifest_sha256: str
    seconds: float
    convention: str | None
    rules_sha256: str
    normalizer: str
    decoding: Mapping[str, str]
    resampled: str
    resampled_because: str
    resamples: int
    seed: int
    code: str
    machine: str
    date: str


def title_of(manifest: Path) -> str:
    """Name a test set after its folder and file: `prompts/test`, or `prompts` for its `manifest.jsonl`."""
    folder = manifest.resolve().parent.name
    return folder if manifest.stem == "manifest" else f"{folder}/{manifest.stem}"


def provenance_of(
    hearing: Hearing,
    manifest: Path,
    utterances: tuple[Utterance, ...],
    *,
    passed: str | None,
    convention: Convention,
    resampled: tuple[str, str],
    resamples: int,
    seed: int,
) -> Provenance:
    """Write down what is about to be measured, on this machine, now.

    Args:
        hearing: What was recognised.
        manifest: The labels.
        utterances: Those of the manifest.
        passed: The convention that the labels passed.
        convention: The convention in use.
        resampled: What is resampled, and why.
        resamples: How often.
        seed: Of the resampling.

    Returns:
        The record.
    """
    return Provenance(
        release=hearing.name,
        source=hearing.source,
        source_sha256=hearing.sha256,
        manifest=str(manifest),
        manifest_sha256=sha256_of(manifest),
        seconds=round(sum(utterance.duration for utterance in utterances), 3),
        convention=passed,
        rules_sha256=sha256_of(convention.path),
        normalizer=normalizer_version(),
        decoding=hearing.decoding,
        resampled=resampled[0],
        resampled_because=resampled[1],
        resamples=resamples,
        seed=seed,
        code=f"voicesearch {version('voicesearch')}",
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )
