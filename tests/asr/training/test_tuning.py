"""Tuning a small random model on real recordings: it learns, records, resumes, refuses what it cannot learn from."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.adapter import merge, read_adapter
from asr.checkpoint import to_transformers
from asr.release import read_release
from asr.training.batches import Epoch, TrainingBatch
from asr.training.examples import read_material
from asr.training.history import Step
from asr.training.judge import Judge
from asr.training.options import Method, TrainingOptions
from asr.training.record import Outcome
from asr.training.run import CHECKPOINT, STATE_FILE, TrainingRun, Watch
from asr.training.tuning import Sources, run_training
from data.errors import LabelError, ManifestError, TrainingError
from data.manifest import lock_path, read_manifest, write_lock, write_manifest
from data.records import Release

QUICK = TrainingOptions(
    method=Method.FULL,
    learning_rate=3e-3,
    steps=6,
    max_clips=2,
    augmented=0.0,
    evaluations=2,
    patience=9,
    save_every=2,
)
ROOT = Path(__file__).parents[3]
Tune = Callable[..., Outcome]


@pytest.fixture
def tune(base: Release, manifest: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Tune:
    """Trains the small model on the manifest, in a folder of that name."""
    monkeypatch.setenv("VOICESEARCH_MODEL", base.directory)
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))

    def run(name: str, options: TrainingOptions = QUICK, **sources: object) -> Outcome:
        return run_training(Sources(**{"manifests": (manifest,), **sources}), options, tmp_path / name)  # type: ignore[arg-type]  # fields

    return run


def begun(
    base: Release,
    manifest: Path,
    out: Path,
    options: TrainingOptions,
    step: Callable[[Step, int], None] = lambda step, total: None,
    say: Callable[[str], None] = lambda line: None,
) -> tuple[TrainingRun, Epoch]:
    """Gives a run of the small model that has not taken a step, or goes on where it was."""
    from accelerate import Accelerator

    material = read_material([manifest], "voice-search-en/1")
    epoch = Epoch(material.train, (), base, options, say)
    watch = Watch(step, lambda judgement: None, say)
    return TrainingRun(base, epoch, options, out, Accelerator(cpu=True), watch), epoch


def judge_of(base: Release, manifest: Path, scratch: Path) -> Judge:
    """Gives who hears the development part."""
    return Judge(base, read_material([manifest], "voice-search-en/1").dev, (), scratch / "judged", print)


def rewritten(manifest: Path, **splits: str) -> None:
    """Gives clips other splits, and locks the manifest again."""
    write_manifest(manifest, [replace(each, split=splits.get(str(each.split))) for each in read_manifest(manifest)])
    write_lock(manifest, "voice-search-en/1")


def test_a_run_leaves_all_that_it_takes_to_use_it_and_to_repeat_it(
    tune: Tune, base: Release, manifest: Path, tmp_path: Path
) -> None:
    outcome = tune("run")
    run = tmp_path / "run"
    assert outcome.steps == 6
    assert [point.share for point in outcome.points][:1] == [0.0]
    told = json.loads((run / "parameters.json").read_text())
    assert told["identity"]["base_sha256"] == base.sha256
    assert told["identity"]["manifests"][0]["convention"] == "voice-search-en/1"
    assert len(told["commit"]) >= 7
    assert told["environment"]["torch"].startswith("2.")
    curves = json.loads((run / "curves.json").read_text())
    assert [step["step"] for step in curves["steps"]] == [1, 2, 3, 4, 5, 6]
    assert [judgement["step"] for judgement in curves["judgements"]] == [0, 3, 6]
    assert (run / "curves.png").read_bytes().startswith(b"\x89PNG")
    release = read_release(run / "model")
    assert release.sha256 == outcome.sha256
    assert merge(base, *read_adapter(run / "adapter.safetensors"), tmp_path / "again").sha256 == outcome.sha256
    assert release.lineage["convention"] == "voice-search-en/1"


def test_the_checkpoint_that_is_handed_on_has_the_weights_of_the_model_that_was_judged(
    tune: Tune, tmp_path: Path
) -> None:
    from transformers import WhisperForConditionalGeneration

    tune("run")
    handed = WhisperForConditionalGeneration.from_pretrained(tmp_path / "run" / "best")
    judged = to_transformers(tmp_path / "run" / "model")
    theirs = dict(judged.named_parameters())
    for name, values in handed.named_parameters():
        assert np.abs(values.detach().numpy() - theirs[name].detach().numpy()).max() < 2e-3, name
    assert handed.config.decoder_start_token_id == 1
    assert (tmp_path / "run" / "best" / "tokenizer.json").is_file()


def test_a_killed_run_ends_where_an_uninterrupted_one_does(base: Release, manifest: Path, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def kill_at_five(step: Step, total: int) -> None:
        if step.step == 5:
            raise KilledError

    options = replace(QUICK, augmented=0.5, masked=0.5)
    judge = judge_of(base, manifest, tmp_path)
    whole, _ = begun(base, manifest, tmp_path / "whole", options)
    through = whole.train(judge)
    broken, _ = begun(base, manifest, tmp_path / "parts", options, step=kill_at_five)
    with pytest.raises(KilledError):
        broken.train(judge)
    again, _ = begun(base, manifest, tmp_path / "parts", options)
    resumed = again.train(judge)
    assert [step.step for step in resumed.steps] == [1, 2, 3, 4, 5, 6]
    assert np.allclose([step.loss for step in resumed.steps], [step.loss for step in through.steps], atol=1e-4)
    for name, values in whole.arrays().items():
        assert np.abs(values.astype(np.float32) - again.arrays()[name].astype(np.float32)).max() < 1e-3, name


def test_training_stops_when_the_development_part_gets_no_better(base: Release, manifest: Path, tmp_path: Path) -> None:
    options = replace(QUICK, steps=40, evaluations=20, patience=2)
    run, _ = begun(base, manifest, tmp_path / "run", options)
    history = run.train(judge_of(base, manifest, tmp_path))
    assert history.stopped.startswith("no fewer word errors since step ")
    assert len(history.steps) < 40
    assert history.stale == 2


def test_a_manifest_that_was_not_checked_is_refused_unless_any_is_wanted(manifest: Path) -> None:
    lock_path(manifest).unlink()
    with pytest.raises(LabelError, match="not checked against a convention, and voice-search-en/1 is asked for"):
        read_material([manifest], "voice-search-en/1")
    assert read_material([manifest], "voice-search-en/1", anyway=True).manifests[0].convention is None


@pytest.mark.parametrize("missing", ["train", "dev"])
def test_a_manifest_without_one_of_the_parts_is_refused_naming_it(manifest: Path, missing: str) -> None:
    other = "dev" if missing == "train" else "train"
    rewritten(manifest, **{missing: "test", other: other})
    with pytest.raises(ManifestError, match=f"no clip of the split '{missing}'; split with 'voicesearch data split'"):
        read_material([manifest], "voice-search-en/1")


def test_words_that_nobody_made_out_are_left_out_and_noise_is_no_speech(manifest: Path) -> None:
    texts = iter(["play [unintelligible] please", "[noise]", "seven [noise]"])
    utterances = [replace(each, text=next(texts, each.text)) for each in read_manifest(manifest)]
    write_manifest(manifest, utterances)
    write_lock(manifest, "voice-search-en/1")
    material = read_material([manifest], "voice-search-en/1")
    assert material.left_out == 1
    assert [example.text for example in material.train] == ["", "seven", "goodbye"]


@pytest.mark.parametrize("content", [b"", b"fLaC and then nothing"], ids=["empty", "unreadable"])
def test_a_clip_that_breaks_in_the_middle_of_an_epoch_is_named_and_left_out(
    base: Release, manifest: Path, tmp_path: Path, content: bytes
) -> None:
    path = manifest.parent / read_manifest(manifest)[0].audio_filepath
    told: list[str] = []

    def break_at_two(step: Step, total: int) -> None:
        if step.step == 2:
            path.write_bytes(content)

    run, _ = begun(base, manifest, tmp_path / "run", QUICK, step=break_at_two, say=told.append)
    assert len(run.train(judge_of(base, manifest, tmp_path)).steps) == 6
    assert [line for line in told if line.startswith(f"{path}: left out (")]


def test_an_epoch_without_any_clip_left_stops_the_run_and_keeps_its_checkpoint(
    base: Release, manifest: Path, tmp_path: Path
) -> None:
    def break_all(step: Step, total: int) -> None:
        if step.step == 2:
            for utterance in read_manifest(manifest, check_files=False):
                (manifest.parent / utterance.audio_filepath).write_bytes(b"")

    run, _ = begun(base, manifest, tmp_path / "run", replace(QUICK, evaluations=1), step=break_all)
    with pytest.raises(TrainingError, match="no clip of the epoch can be read any more"):
        run.train(judge_of(base, manifest, tmp_path))
    assert (tmp_path / "run" / f"{CHECKPOINT}2" / STATE_FILE).is_file()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_its_checkpoint(
    base: Release, manifest: Path, tmp_path: Path
) -> None:
    run, _ = begun(base, manifest, tmp_path / "run", QUICK)
    run.train(judge_of(base, manifest, tmp_path))
    further, epoch = begun(base, manifest, tmp_path / "run", replace(QUICK, steps=9))
    make = epoch._made

    def broken(*given: Any, **named: Any) -> TrainingBatch | None:
        batch = make(*given, **named)
        return batch and batch._replace(features=batch.features * float("nan"))

    epoch._made = broken  # type: ignore[method-assign]  # what a broken clip might do
    with pytest.raises(TrainingError, match="step 7: the loss is nan; lower the learning rate"):
        further.train(judge_of(base, manifest, tmp_path))
    assert [path.name for path in (tmp_path / "run").glob(f"{CHECKPOINT}*")] == [f"{CHECKPOINT}6"]


def test_a_full_disk_stops_the_run_in_one_line_and_keeps_the_checkpoint_before(
    base: Release, manifest: Path, tmp_path: Path
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill_the_disk(step: Step, total: int) -> None:
        if step.step == 3:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))

    run, _ = begun(base, manifest, tmp_path / "run", replace(QUICK, evaluations=1), step=fill_the_disk)
    judge = judge_of(base, manifest, tmp_path)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        with pytest.raises(TrainingError, match=r"cannot be written .* free some space and start again"):
            run.train(judge)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, before)
    assert [path.name for path in (tmp_path / "run").glob(f"*{CHECKPOINT}*")] == [f"{CHECKPOINT}2"]
    further, _ = begun(base, manifest, tmp_path / "run", replace(QUICK, evaluations=1))
    assert len(further.train(judge).steps) == 6


def test_labels_that_contradict_each_other_stop_the_run_before_it_begins(
    base: Release, manifest: Path, tmp_path: Path
) -> None:
    first, second, *rest = read_manifest(manifest)
    write_manifest(manifest, [first, replace(second, audio_filepath=first.audio_filepath), *rest])
    write_lock(manifest, "voice-search-en/1")
    run, _ = begun(base, manifest, tmp_path / "run", QUICK)
    with pytest.raises(TrainingError, match=r"cannot be learnt by heart: .* look for one recording with two texts"):
        run.train(judge_of(base, manifest, tmp_path))


def test_a_vocabulary_that_cannot_write_the_labels_is_refused(base: Release, manifest: Path, tmp_path: Path) -> None:
    utterances = read_manifest(manifest)
    write_manifest(manifest, [replace(utterances[0], text="déjà vu"), *utterances[1:]])
    write_lock(manifest, "voice-search-en/1")
    with pytest.raises(TrainingError, match="it is another model's vocabulary"):
        begun(base, manifest, tmp_path / "run", QUICK)


def test_a_folder_with_another_run_is_refused_naming_what_differs(
    tune: Tune, make_checkpoint: Callable[..., Release], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tune("run")
    (tmp_path / "run" / "result.json").unlink()
    with pytest.raises(TrainingError, match="holds a run with another seed; choose another folder"):
        tune("run", replace(QUICK, seed=1))
    monkeypatch.setenv("VOICESEARCH_MODEL", make_checkpoint("other", 1).directory)
    with pytest.raises(
        TrainingError, match="holds a run with another base_sha256, context, model; choose another folder"
    ):
        tune("run")
    monkeypatch.undo()


def test_a_finished_run_is_not_done_again(tune: Tune, tmp_path: Path) -> None:
    first = tune("run")
    before = (tmp_path / "run" / "adapter.safetensors").stat().st_mtime_ns
    assert tune("run") == first
    assert (tmp_path / "run" / "adapter.safetensors").stat().st_mtime_ns == before


@pytest.mark.slow
def test_two_processes_share_an_epoch_and_leave_one_run(base: Release, manifest: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "VOICESEARCH_MODEL": base.directory, "VOICESEARCH_HOME": str(tmp_path / "home")}
    options = ["--method", "full", "--learning-rate", "0.003", "--epochs", "8", "--patience", "9", "--json"]
    options += ["--seed", "0", "--seed", "1"]
    arguments = ["voicesearch", "asr", "train", str(manifest), *options]

    def steps(name: str, *launch: str) -> int:
        command = [sys.executable, "-m", *launch, *arguments, "--out", str(tmp_path / name)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        first, second = json.loads(done.stdout)
        curves = json.loads(Path(first["folder"], "curves.json").read_text())
        assert len(curves["steps"]) == first["steps"] == second["steps"]
        return int(first["steps"])

    assert steps("two", "torch.distributed.run", "--nproc_per_node", "2", "-m") * 2 == steps("one")


@pytest.mark.slow
def test_a_run_killed_with_sigkill_ends_where_it_would_have(base: Release, manifest: Path, tmp_path: Path) -> None:
    environment = {**os.environ, "VOICESEARCH_MODEL": base.directory, "VOICESEARCH_HOME": str(tmp_path / "home")}

    def command(name: str) -> list[str]:
        options = ["--steps", "150", "--method", "full", "--learning-rate", "0.003", "--patience", "9", "--json"]
        return [
            sys.executable,
            "-m",
            "voicesearch",
            "asr",
            "train",
            str(manifest),
            "--out",
            str(tmp_path / name),
            *options,
        ]

    subprocess.run(command("whole"), cwd=ROOT, env=environment, capture_output=True, check=True)
    killed = subprocess.Popen(command("parts"), cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while not list((tmp_path / "parts").glob(f"{CHECKPOINT}*")) and time.monotonic() < deadline:
        assert killed.poll() is None, "it ended before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (tmp_path / "parts" / "result.json").exists()
    done = subprocess.run(command("parts"), cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "going on from step" in done.stderr
    whole, parts = (json.loads((tmp_path / name / "curves.json").read_text()) for name in ("whole", "parts"))
    assert np.allclose([s["loss"] for s in parts["steps"]], [s["loss"] for s in whole["steps"]], atol=1e-3)
    assert [j["dev"] for j in parts["judgements"]] == [j["dev"] for j in whole["judgements"]]
