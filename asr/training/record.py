"""What every run leaves behind: parameters, hashes, commit, environment, curves, outcome; and how runs compare."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from asr.training.history import History
from asr.training.judge import Point
from asr.training.options import TrainingOptions
from data.errors import NotFoundError, TrainingError
from data.files import atomic_writer

PARAMETERS_FILE = "parameters.json"
CURVES_FILE = "curves.json"
RESULT_FILE = "result.json"

PACKAGES = ("torch", "torchaudio", "transformers", "accelerate", "peft", "ctranslate2", "numpy", "voicesearch")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the word error rates at the start and at what was chosen, and at every share that was tried.

    `clips` were there to train on and `steps` were done; `best_step` has the tuned weights; `chosen` is the share of
    the way to them that is kept, 0 where nothing was better than the start. `sha256` is that of the merged `model.bin`.
    """

    clips: int
    steps: int
    best_step: int
    stopped: str
    chosen: float
    dev_before: float
    dev_after: float
    general_before: float | None
    general_after: float | None
    points: tuple[Point, ...]
    sha256: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run's folder as it is read: `outcome` is None while it is not finished."""

    folder: Path
    parameters: dict[str, Any]
    started: str
    outcome: Outcome | None


def begin_record(out: Path, identity: dict[str, Any]) -> None:
    """Write down what a run is made of, or see that the folder holds the same one.

    Args:
        out: Folder of the run.
        identity: Everything that decides where it ends: options, hashes.

    Raises:
        TrainingError: The folder holds another run.
    """
    path = out / PARAMETERS_FILE
    if path.is_file():
        known = json.loads(path.read_text(encoding="utf-8"))["identity"]
        differing = sorted(key for key in identity if known.get(key) != json.loads(json.dumps(identity[key])))
        if differing:
            raise TrainingError(f"{out} holds a run with another {', '.join(differing)}; choose another folder")
        return
    record = {
        "identity": identity,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": code_commit(),
        "environment": environment(),
        "command": sys.argv[1:],
    }
    with atomic_writer(path) as file:
        json.dump(record, file, indent=2)
        file.write("\n")


def identity_of(options: TrainingOptions, **others: Any) -> dict[str, Any]:
    """Join the options with what else decides where a run ends."""
    return {**asdict(options), "peak_rate": options.peak_rate, **others}


def write_curves(out: Path, history: History) -> None:
    """Write what was measured as it went, as JSON and as a picture.

    Args:
        out: Folder of the run.
        history: Of the run.
    """
    from asr.training.curves import draw_curves

    with atomic_writer(out / CURVES_FILE) as file:
        json.dump(asdict(history), file)
        file.write("\n")
    draw_curves(history, out / "curves.png")


def write_outcome(out: Path, outcome: Outcome) -> None:
    """Write how a run ended; from then on it is finished."""
    with atomic_writer(out / RESULT_FILE) as file:
        json.dump(asdict(outcome), file, indent=2)
        file.write("\n")


def finished_outcome(out: Path) -> Outcome | None:
    """Give how the run in a folder ended, None where it has not, or where there is none."""
    return read_record(out).outcome if (out / PARAMETERS_FILE).is_file() else None


def read_record(folder: Path) -> RunRecord:
    """Read a run's folder.

    Args:
        folder: The folder.

    Returns:
        What is known of the run.

    Raises:
        NotFoundError: It holds no run.
        TrainingError: Its files cannot be read.
    """
    path = folder / PARAMETERS_FILE
    if not path.is_file():
        raise NotFoundError(f"{folder}: holds no training run ({PARAMETERS_FILE} is missing); name the folder of a run")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        result = folder / RESULT_FILE
        outcome = None
        if result.is_file():
            values = json.loads(result.read_text(encoding="utf-8"))
            outcome = Outcome(**{**values, "points": tuple(Point(**point) for point in values["points"])})
        return RunRecord(folder, {**record["identity"], "commit": record["commit"]}, record["started"], outcome)
    except (ValueError, LookupError, TypeError) as error:
        raise TrainingError(f"{folder}: the run's record cannot be read ({error}); remove the folder") from error


def find_records(roots: Iterable[Path]) -> list[RunRecord]:
    """Read every run in some folders, the oldest first.

    Args:
        roots: Runs, or folders that hold some.

    Returns:
        The runs.

    Raises:
        NotFoundError: A folder holds none.
    """
    found: dict[Path, RunRecord] = {}
    for root in roots:
        below = [path.parent for path in sorted(root.rglob(PARAMETERS_FILE))]
        if not below:
            raise NotFoundError(f"{root}: there is no training run in this folder; name one that 'asr train' wrote")
        found |= {folder: read_record(folder) for folder in below}
    return sorted(found.values(), key=lambda record: record.started)


def differences(records: Sequence[RunRecord]) -> dict[str, tuple[Any, ...]]:
    """Give the parameters in which runs differ.

    Args:
        records: At least one run.

    Returns:
        For each parameter that is not the same in all, its value in each run.
    """
    names = dict.fromkeys(name for record in records for name in record.parameters)
    values = {name: tuple(record.parameters.get(name) for record in records) for name in names}
    return {name: each for name, each in values.items() if any(value != each[0] for value in each)}


def code_commit() -> str:
    """Name the commit of the code, with a plus where it was changed since; unknown outside a checkout."""
    root = Path(__file__).parents[2]
    try:
        told = [
            subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True).stdout  # noqa: S603, S607  fixed arguments
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no"))
        ]
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told[0].strip() + ("+" if told[1].strip() else "")


def environment() -> dict[str, str]:
    """Name the versions of what a run's numbers depend on, and the machine."""
    import torch

    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "none"
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else platform.processor() or platform.machine()
    return {
        "python": platform.python_version(),
        "system": platform.platform(),
        "device": device,
        "threads": str(torch.get_num_threads()),
        **versions,
    }
