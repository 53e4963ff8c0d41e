"""A release on disk: a model folder with `release.json`, verified before it is used."""

import json
from dataclasses import asdict
from pathlib import Path

from data.errors import ModelCorruptError, ModelUnavailableError
from data.files import atomic_writer, sha256_of
from data.records import Calibration, Release

MODEL_FILE = "model.bin"
RELEASE_FILE = "release.json"


def read_release(directory: Path, expected: str | None = None) -> Release:
    """Read and verify the release in a folder.

    A folder without `release.json` is taken as published weights, padded to 30 s, under its own name.

    Args:
        directory: Folder with `model.bin`.
        expected: SHA-256 that `model.bin` must have; by default the one in `release.json`.

    Returns:
        The release.

    Raises:
        ModelUnavailableError: A file is missing or cannot be read.
        ModelCorruptError: The hash of a file is another.
    """
    for name in (MODEL_FILE, "tokenizer.json"):
        if not (directory / name).is_file():
            raise ModelUnavailableError(f"{directory}: {name} is missing; remove the folder to fetch the model again")
    actual = sha256_of(directory / MODEL_FILE)
    path = directory / RELEASE_FILE
    if not path.is_file():
        multilingual = not directory.name.endswith(".en")
        return Release(name=directory.name, directory=str(directory), sha256=actual, multilingual=multilingual)
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        calibration = Calibration(**stored["calibration"]) if stored.get("calibration") else None
        release = Release(**{**stored, "directory": str(directory), "calibration": calibration})
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelUnavailableError(f"{path}: not a release ({error}); remove the folder to fetch it again") from error
    if actual != (expected or release.sha256):
        raise ModelCorruptError(mismatch(str(directory / MODEL_FILE), expected or release.sha256, actual))
    for name, sha256 in release.files.items():
        if not (directory / name).is_file():
            raise ModelUnavailableError(f"{directory}: {name} is missing; package the model again")
        if (actual := sha256_of(directory / name)) != sha256:
            raise ModelCorruptError(mismatch(str(directory / name), sha256, actual))
    return release


def write_release(release: Release, directory: Path) -> None:
    """Write `release.json` into a folder.

    Args:
        release: What to write.
        directory: Where.
    """
    with atomic_writer(directory / RELEASE_FILE) as file:
        json.dump(asdict(release), file, indent=2)
        file.write("\n")


def mismatch(what: str, expected: str, actual: str) -> str:
    """Say that a hash is not the one expected.

    Args:
        what: The file or model.
        expected: SHA-256 in hexadecimal.
        actual: Likewise.

    Returns:
        One line with the remedy.
    """
    return f"{what}: SHA-256 is {actual}, expected {expected}; remove it to fetch it again"
