"""Short-context training on a small random model: it learns, and a killed run ends where an uninterrupted one does."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.adapter import read_adapter
from asr.crops import Crop, find_recordings, plan_crops
from asr.distillation import Evaluation, Progress, Watch, distil
from asr.distillation_run import CHECKPOINT_FILE, DistillationOptions, rate_factor
from asr.release import read_release
from asr.student import with_tail
from asr.teacher import Lesson, Teacher
from data.errors import TrainingError
from data.records import Release, Samples

MakeCheckpoint = Callable[..., Release]
SPEECH = Path(__file__).parents[2] / "examples" / "speech"
QUICK = DistillationOptions(steps=6, minutes=None, rank=4, learning_rate=1e-2, evaluate_every=50, save_every=2)


def silent_watch() -> Watch:
    return Watch(lambda progress: None, lambda evaluation: None)


@pytest.fixture
def base(make_checkpoint: MakeCheckpoint) -> Release:
    return make_checkpoint("small")


@pytest.fixture
def lessons(base: Release, tmp_path: Path) -> list[Lesson]:
    """Real clips and made sounds, with goals that a random teacher might have set."""
    chance = np.random.default_rng(0)
    made = []
    for crop in plan_crops(find_recordings([SPEECH], print)[:4], 0)[:6]:
        samples = make_samples(crop)[:16_000]
        tokens = np.concatenate([[1, 3], chance.integers(4, 90, 5)]).astype(np.int32)
        wanted = np.concatenate([[-1], tokens[2:], [0]]).astype(np.int32)
        made.append(Lesson(samples, tokens, wanted, chance.normal(size=(2, 7, 64)).astype(np.float16), "abc", "abd"))
    silent = Lesson(np.zeros(8000, np.float32), np.array([1, 3], np.int32), np.array([2, 0], np.int32), None, "")
    return [*made, silent]


def make_samples(crop: Crop) -> Samples:
    from asr.crops import render

    return render(crop)


@pytest.mark.parametrize("rank", [0, 4], ids=["whole matrices", "low rank"])
def test_training_lowers_the_loss_and_leaves_a_release_that_its_adapter_makes_again(
    base: Release, lessons: list[Lesson], tmp_path: Path, rank: int
) -> None:
    losses: list[float] = []
    found: list[Evaluation] = []
    watch = Watch(lambda progress: losses.append(progress.loss), found.append)
    options = replace(QUICK, steps=30, rank=rank, learning_rate=3e-3)
    release = distil(base, lessons, lessons, options, tmp_path / "run", watch)
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])
    assert read_release(tmp_path / "run" / "model") == release
    assert release.context == "own"
    assert release.lineage["steps"] == "30"
    card, arrays = read_adapter(tmp_path / "run" / "adapter.safetensors")
    assert card.merged_sha256 == release.sha256
    assert any(name.endswith(".a" if rank else ".int8") for name in arrays)
    assert (found[-1].clips, found[-1].step) == (len(lessons), 30)
    assert len((tmp_path / "run" / "log.jsonl").read_text().splitlines()) == len(found)


def test_what_the_decoder_knows_of_language_is_not_touched(
    base: Release, lessons: list[Lesson], tmp_path: Path
) -> None:
    distil(base, lessons, lessons, replace(QUICK, rank=0), tmp_path / "run", silent_watch())
    _, arrays = read_adapter(tmp_path / "run" / "adapter.safetensors")
    assert not [name for name in arrays if "decoder" in name and "encoder_attn" not in name]
    assert not [name for name in arrays if "embed" in name or "conv" in name]


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(
    base: Release, lessons: list[Lesson], tmp_path: Path
) -> None:
    class KilledError(Exception):
        pass

    def kill_at_five(progress: Progress) -> None:
        if progress.step == 5:
            raise KilledError

    whole = distil(base, lessons, lessons, QUICK, tmp_path / "whole", silent_watch())
    with pytest.raises(KilledError):
        distil(base, lessons, lessons, QUICK, tmp_path / "parts", Watch(kill_at_five, lambda evaluation: None))
    resumed: list[int] = []
    watch = Watch(lambda progress: resumed.append(progress.step), lambda evaluation: None)
    again = distil(base, lessons, lessons, QUICK, tmp_path / "parts", watch)
    assert resumed == [5, 6]
    for name, values in read_adapter(Path(whole.directory).parent / "adapter.safetensors")[1].items():
        other = read_adapter(Path(again.directory).parent / "adapter.safetensors")[1][name]
        assert np.abs(values.astype(np.float32) - other.astype(np.float32)).max() < 1e-3


def test_a_folder_of_another_run_is_refused_naming_what_differs(
    base: Release, lessons: list[Lesson], tmp_path: Path
) -> None:
    distil(base, lessons, lessons, QUICK, tmp_path / "run", silent_watch())
    with pytest.raises(TrainingError, match="another rank; choose another folder"):
        distil(base, lessons, lessons, replace(QUICK, rank=2), tmp_path / "run", silent_watch())
    (tmp_path / "run" / CHECKPOINT_FILE).write_bytes(b"broken")
    with pytest.raises(TrainingError, match="cannot be read"):
        distil(base, lessons, lessons, QUICK, tmp_path / "run", silent_watch())


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_its_checkpoint(
    base: Release, lessons: list[Lesson], tmp_path: Path
) -> None:
    distil(base, lessons, lessons, QUICK, tmp_path / "run", silent_watch())
    before = (tmp_path / "run" / CHECKPOINT_FILE).read_bytes()
    broken = [replace(each, samples=np.full_like(each.samples, np.nan)) for each in lessons]
    with pytest.raises(TrainingError, match="the loss is nan"):
        distil(base, broken, lessons, replace(QUICK, steps=9), tmp_path / "run", silent_watch())
    assert (tmp_path / "run" / CHECKPOINT_FILE).read_bytes() == before


def test_nothing_to_train_on_is_refused(base: Release, lessons: list[Lesson], tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="0 clips to train on and 5 held out"):
        distil(base, [], lessons, QUICK, tmp_path / "run", silent_watch())


def test_the_rate_rises_then_falls_to_nothing() -> None:
    rates = [rate_factor(step, step / 300) for step in range(301)]
    assert rates.index(max(rates)) == 29
    assert rates[:30] == sorted(rates[:30])
    assert rates[30:] == sorted(rates[30:], reverse=True)
    assert rates[-1] == pytest.approx(0.0, abs=1e-9)


def test_a_tail_is_silence_or_as_faint_as_the_background_and_leaves_the_clip_alone() -> None:
    chance = np.random.default_rng(0)
    clip = np.concatenate([np.full(3200, 0.001), np.full(8000, 0.5)]).astype(np.float32)
    levels = set()
    for _ in range(20):
        longer = with_tail(clip, 16_000, chance)
        assert len(longer) == 16_000
        assert (longer[: len(clip)] == clip).all()
        levels.add(round(float(np.sqrt(np.mean(longer[len(clip) :] ** 2))), 4))
    assert levels == {0.0, 0.001}
    assert (with_tail(clip, 5000, chance) == clip[:5000]).all()


def test_lessons_are_kept_on_disk_and_made_once(base: Release, tmp_path: Path) -> None:
    crops = [crop for crop in plan_crops(find_recordings([SPEECH], print), 0) if not crop.parts]
    first = Teacher(base, tmp_path / "cache").lessons(crops, lambda problem: None)
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")}
    second = Teacher(base, tmp_path / "cache").lessons(crops, lambda problem: None)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").rglob("*.npz")} == files
    assert len(files) == len(crops)
    for ours, theirs in zip(first, second, strict=True):
        assert (ours.samples == theirs.samples).all()
        assert ours.wanted.tolist() == [2, 0]
        assert ours.hidden is None


@pytest.mark.slow
def test_the_command_survives_a_kill_and_goes_on(published: Release, home: Path, tmp_path: Path) -> None:
    queries = SPEECH.parent / "films" / "queries"
    command = [sys.executable, "-m", "voicesearch", "asr", "shorten", str(SPEECH), str(queries), "--out"]
    command += [str(tmp_path / "run"), "--steps", "60", "--clips", "40", "--json"]
    environment = {**os.environ, "VOICESEARCH_HOME": str(home)}
    first = subprocess.Popen(command, cwd=SPEECH.parents[1], env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not (tmp_path / "run" / CHECKPOINT_FILE).is_file() and first.poll() is None and time.monotonic() < deadline:
        time.sleep(0.2)
    first.send_signal(signal.SIGKILL)
    assert first.wait() == -signal.SIGKILL
    done = subprocess.run(command, cwd=SPEECH.parents[1], env=environment, capture_output=True, text=True, check=True)
    release = json.loads(done.stdout)
    assert release["lineage"]["steps"] == "60"
    assert release["evaluation"]["loops"] == 0
