"""Experiments: the code stays as it is, data and hyperparameters vary, one table answers."""

import json
import statistics
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from asr.recognizer import Recognizer
from asr.release import read_release
from asr.settings import RecognizerSettings
from asr.training.examples import read_test
from asr.training.judge import read_clips, word_error_rate
from asr.training.options import Method, TrainingOptions
from asr.training.outcome import MODEL_FOLDER
from asr.training.record import Outcome
from asr.training.tuning import Sources, run_training
from asr.weights import prepare_release
from data.errors import InvalidRequestError
from data.files import atomic_writer
from data.settings import HomeSettings

TABLE_FILE = "sweep.json"

OPTIONS = {field.name for field in fields(TrainingOptions)} - {"seed"}
SOURCES = {"manifests", "replay", "teacher", "any_convention", "names"}


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to train: from what, and how."""

    name: str
    sources: Sources
    options: TrainingOptions


@dataclass(frozen=True, slots=True)
class Experiment:
    """What is compared: every arm is trained with every seed, and heard on every test."""

    question: str
    arms: tuple[Arm, ...]
    seeds: tuple[int, ...]
    tests: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """How an arm did: word error rates, the mean over seeds and their standard deviation (0 for one seed).

    `dev` and `general` are at the weights that the run chose; `tests` maps each test to its rate.
    """

    arm: str
    clips: int
    steps: float
    dev: float
    dev_spread: float
    general: float | None
    tests: Mapping[str, float]
    tests_spread: Mapping[str, float]


def read_experiment(path: Path, root: Path) -> Experiment:
    """Read an experiment.

    Args:
        path: TOML with `question`, `seeds`, `tests` (manifests), a table `[common]` and a table `[arms.NAME]` for each
            arm. In these, `manifests`, `replay`, `teacher`, `any_convention`,
            `names` and the fields of `TrainingOptions`.
        root: Folder that its paths are relative to.

    Returns:
        The experiment.

    Raises:
        InvalidRequestError: naming the file, the key and what is expected.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidRequestError(f"{path}: the experiment cannot be read ({error}); give a TOML file") from error
    arms = table.get("arms")
    if not isinstance(arms, dict) or not arms:
        raise InvalidRequestError(f"{path}: there is no arm; write a table [arms.NAME] for each thing to compare")
    try:
        return Experiment(
            question=str(table.get("question", path.stem)),
            arms=tuple(_arm(path, name, {**table.get("common", {}), **arm}, root) for name, arm in arms.items()),
            seeds=tuple(int(seed) for seed in table.get("seeds", [0])),
            tests=tuple(root / name for name in table.get("tests", [])),
        )
    except (TypeError, ValueError) as error:
        raise InvalidRequestError(f"{path}: a value has the wrong type ({error}); correct it") from error


def run_sweep(experiment: Experiment, out: Path, report: Callable[[str], None]) -> list[Row]:
    """Train every arm with every seed, and hear all of them on the tests; what is done already is not done again.

    Args:
        experiment: What is compared.
        out: Folder; each run in `ARM/seed-N`, the table in `sweep.json`.
        report: Called with a line before each run.

    Returns:
        The start first, then a row for each arm.

    Raises:
        VoiceSearchError: As for training.
    """
    tests = {_name(path): read_test(path) for path in experiment.tests}
    heard = {name: read_clips(examples, report) for name, examples in tests.items()}
    start = prepare_release(RecognizerSettings.load().model, HomeSettings.load().models, report)
    before = _rates(Recognizer(start, RecognizerSettings.load()), heard)
    rows = []
    first: Outcome | None = None
    for arm in experiment.arms:
        outcomes, rates = [], []
        for seed in experiment.seeds:
            folder = out / arm.name / f"seed-{seed}"
            report(f"{arm.name}, seed {seed}: {folder}")
            options = TrainingOptions(**{**asdict(arm.options), "seed": seed})
            outcomes.append(run_training(arm.sources, options, folder))
            release = read_release(folder / MODEL_FOLDER)
            rates.append(_rates(Recognizer(release, RecognizerSettings.load()), heard))
        first = first or outcomes[0]
        rows.append(_row(arm, outcomes, rates))
    assert first is not None  # noqa: S101  an experiment has an arm
    untrained = Row("start", 0, 0.0, first.dev_before, 0.0, first.general_before, before, dict.fromkeys(before, 0.0))
    table = [untrained, *rows]
    with atomic_writer(out / TABLE_FILE) as file:
        json.dump({"question": experiment.question, "rows": [asdict(row) for row in table]}, file, indent=2)
        file.write("\n")
    return table


def _arm(path: Path, name: str, values: dict[str, Any], root: Path) -> Arm:
    unknown = sorted(values.keys() - OPTIONS - SOURCES)
    if unknown:
        raise InvalidRequestError(
            f"{path}: arm {name!r}: unknown key {unknown[0]!r}; known are {', '.join(sorted(OPTIONS | SOURCES))}"
        )
    if not values.get("manifests"):
        raise InvalidRequestError(f"{path}: arm {name!r}: the key 'manifests' is missing; name train and dev parts")
    given = {key: value for key, value in values.items() if key in OPTIONS}
    if "method" in given:
        given["method"] = Method(given["method"])
    sources = Sources(
        manifests=tuple(root / each for each in values["manifests"]),
        replay=tuple(root / each for each in values.get("replay", [])),
        teacher=values.get("teacher"),
        anyway=bool(values.get("any_convention", False)),
        names=root / values["names"] if values.get("names") else None,
    )
    return Arm(name, sources, TrainingOptions(**given))


def _rates(recognizer: Recognizer, tests: Mapping[str, Sequence[tuple[str, Any]]]) -> dict[str, float]:
    return {name: word_error_rate(recognizer, clips) for name, clips in tests.items()}


def _row(arm: Arm, outcomes: Sequence[Outcome], rates: Sequence[Mapping[str, float]]) -> Row:
    generals = [outcome.general_after for outcome in outcomes if outcome.general_after is not None]
    dev = [outcome.dev_after for outcome in outcomes]
    return Row(
        arm=arm.name,
        clips=outcomes[0].clips,
        steps=statistics.mean(outcome.steps for outcome in outcomes),
        dev=statistics.mean(dev),
        dev_spread=_spread(dev),
        general=statistics.mean(generals) if generals else None,
        tests={name: statistics.mean(each[name] for each in rates) for name in rates[0]},
        tests_spread={name: _spread([each[name] for each in rates]) for name in rates[0]},
    )


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0


def _name(path: Path) -> str:
    """Name a test after its file, or after its folder where the file says nothing."""
    return path.parent.name if path.stem in ("manifest", "queries") else path.stem
