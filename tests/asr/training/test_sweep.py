"""Experiments and the list of runs, on a small random model."""

import json
from pathlib import Path

import pytest

from asr.training.options import Method
from asr.training.record import differences, find_records
from asr.training.sweep import read_experiment, run_sweep
from data.errors import InvalidRequestError, NotFoundError
from data.records import Release
from voicesearch import main

EXPERIMENT = """
question = "low or high?"
seeds = [0, 1]
tests = ["manifest.jsonl"]

[common]
manifests = ["manifest.jsonl"]
method = "full"
steps = 2
evaluations = 1

[arms.low]
learning_rate = 3e-3

[arms.high]
learning_rate = 4e-3
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    path = tmp_path / "experiment.toml"
    path.write_text(EXPERIMENT)
    return path


def test_every_arm_is_trained_with_every_seed_and_heard_on_the_tests(
    base: Release, manifest: Path, experiment: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("VOICESEARCH_MODEL", base.directory)
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))
    found = read_experiment(experiment, manifest.parent)
    assert [arm.options.method for arm in found.arms] == [Method.FULL, Method.FULL]
    rows = run_sweep(found, tmp_path / "out", print)
    assert [row.arm for row in rows] == ["start", "low", "high"]
    assert all(set(row.tests) == {"corpus"} for row in rows)
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["question"] == "low or high?"
    records = find_records([tmp_path / "out"])
    assert len(records) == 4
    differing = differences(records)
    assert set(differing) == {"learning_rate", "peak_rate", "seed"}
    assert sorted(differing["seed"]) == [0, 0, 1, 1]
    capsys.readouterr()
    assert main(["asr", "runs", str(tmp_path / "out"), "--compare"]) == 0
    assert "learning_rate" in capsys.readouterr().out
    assert main(["asr", "runs", str(tmp_path / "out")]) == 0
    assert capsys.readouterr().out.count("full") == 4
    again = ["asr", "sweep", str(experiment), "--data", str(manifest.parent), "--out", str(tmp_path / "out")]
    assert main(again) == 0
    table = capsys.readouterr().out
    assert "low or high?" in table
    assert main(["asr", "runs", str(tmp_path / "out"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 4


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[arms", "cannot be read"),
        ("seeds = [0]", "there is no arm"),
        ("[arms.a]\nmanifests = ['m']\nlearning_rat = 1", "arm 'a': unknown key 'learning_rat'; known are"),
        ("[arms.a]\nsteps = 3", "arm 'a': the key 'manifests' is missing"),
        ("[arms.a]\nmanifests = ['m']\nmethod = 'best'", "a value has the wrong type"),
    ],
)
def test_an_experiment_that_makes_no_sense_is_refused_naming_the_key(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "experiment.toml"
    path.write_text(text)
    with pytest.raises(InvalidRequestError, match=problem):
        read_experiment(path, tmp_path)


def test_a_sweep_in_several_processes_is_refused_before_anything_is_trained(
    experiment: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    assert main(["asr", "sweep", str(experiment), "--out", str(tmp_path / "out")]) != 0
    assert "a sweep is one process; give each of its arms to torchrun" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_without_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no training run in this folder"):
        find_records([tmp_path])


def test_the_shipped_experiment_can_be_read() -> None:
    root = Path(__file__).parents[3]
    found = read_experiment(root / "examples" / "films" / "experiment.toml", root)
    assert [arm.name for arm in found.arms] == ["targeted", "random", "mixed-labels"]
