"""Releases: a checkpoint goes in, what comes out hears the same, and nothing half done is left."""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from asr.checkpoint import places, read_parameter, stored_tensors, to_transformers
from asr.packaging import PackageOptions, package
from asr.parity import MAX_STATE_ERROR, check_parity
from asr.recognizer import Recognizer
from asr.release import read_release
from asr.settings import RecognizerSettings
from asr.training.export import write_checkpoint
from data.condition import condition
from data.errors import ManifestError, ModelCorruptError, ModelUnavailableError, TrainingError
from data.manifest import read_manifest, write_manifest
from data.records import Calibration, Release, Samples
from labeling.normalization import normalize

ROOT = Path(__file__).parents[2]
QUERIES = ROOT / "examples" / "films" / "queries"


@pytest.fixture(scope="module")
def checkpoint(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The default model as `voicesearch asr train` leaves one."""
    folder = tmp_path_factory.mktemp("checkpoints") / "best"
    tuned = replace(release, name="tuned", lineage={"method": "lora"}, evaluation={"dev_wer": 0.25})
    write_checkpoint(release, tuned, {}, folder)
    return folder


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of every shipped recording with a transcript."""
    folder = tmp_path_factory.mktemp("dev")
    utterances = []
    for source in (QUERIES, ROOT / "examples" / "speech"):
        for utterance in read_manifest(source / "manifest.jsonl"):
            shutil.copyfile(source / utterance.audio_filepath, folder / utterance.audio_filepath)
            utterances.append(utterance)
    write_manifest(folder / "dev.jsonl", utterances)
    return folder / "dev.jsonl"


@pytest.fixture(scope="module")
def packaged(checkpoint: Path, dev: Path, tmp_path_factory: pytest.TempPathFactory) -> Release:
    out = tmp_path_factory.mktemp("releases") / "films"
    return package(str(checkpoint), dev, out, PackageOptions(), print)


def test_a_release_is_verified_whole_and_says_where_it_came_from(packaged: Release, checkpoint: Path) -> None:
    folder = Path(packaged.directory)
    assert read_release(folder) == packaged
    assert (packaged.name, packaged.context, packaged.multilingual) == ("tuned", "own", False)
    assert packaged.lineage["method"] == "lora"
    assert packaged.lineage["checkpoint"] == str(checkpoint)
    assert packaged.evaluation["dev_wer"] == 0.25
    assert 0.0 < packaged.evaluation["package_dev_wer"] < 0.3
    assert packaged.evaluation["parity_state_error"] < MAX_STATE_ERROR
    assert set(packaged.files) == {"config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json"} & {
        path.name for path in folder.iterdir()
    }
    assert [path.name for path in folder.parent.iterdir()] == ["films"]


def test_no_parameter_is_lost_on_the_way(packaged: Release, release: Release) -> None:
    before, after = Path(release.directory, "model.bin"), Path(packaged.directory, "model.bin")
    theirs, ours = stored_tensors(before), stored_tensors(after)
    for place in places(theirs).values():
        assert (read_parameter(before, theirs, place) == read_parameter(after, ours, place)).all()


def test_a_packaged_model_is_served_with_its_calibration(
    packaged: Release, recognizer: Recognizer, clip: Callable[[str], Samples]
) -> None:
    heard = Recognizer(packaged, RecognizerSettings.load()).recognize(condition(clip("jurassic-park")))
    plain = recognizer.recognize(condition(clip("jurassic-park")))
    assert normalize(heard.text) == "jurassic park"
    assert heard.nbest == plain.nbest
    assert packaged.calibration is not None
    assert heard.confidence != plain.confidence


def test_a_calibration_changes_what_is_told_and_not_what_is_refused(
    release: Release, recognizer: Recognizer, clip: Callable[[str], Samples]
) -> None:
    doubtful = replace(release, calibration=Calibration(0.0, -6.0, 100))
    doubter = Recognizer(doubtful, RecognizerSettings.load())
    for name in ("auth-thankyou", "vm-goodbye"):
        heard, plain = (each.recognize(condition(clip(name))) for each in (doubter, recognizer))
        assert heard.confidence < 0.01 < plain.confidence
        assert (heard.text, heard.null_reason) == (plain.text, plain.null_reason)


def test_the_card_tells_a_person_the_figures_and_the_hash(packaged: Release) -> None:
    card = Path(packaged.directory, "README.md").read_text()
    assert packaged.sha256 in card
    assert "hears a clip at its own length" in card
    assert "| package dev clips | 20 |" in card
    assert "fitted on 20 clips" in card


def test_a_release_of_which_a_file_was_changed_or_lost_is_not_loaded(packaged: Release, tmp_path: Path) -> None:
    folder = shutil.copytree(packaged.directory, tmp_path / "copy")
    (folder / "README.md").write_text("a note of mine")
    read_release(folder)
    (folder / "vocabulary.json").write_text("[]")
    with pytest.raises(ModelCorruptError, match=r"vocabulary\.json: SHA-256 is"):
        read_release(folder)
    (folder / "vocabulary.json").unlink()
    with pytest.raises(ModelUnavailableError, match=r"vocabulary\.json is missing"):
        read_release(folder)


def test_weights_that_hear_otherwise_are_no_release(
    packaged: Release, published: Release, clip: Callable[[str], Samples]
) -> None:
    other = to_transformers(Path(published.directory))
    clips = [condition(clip("jurassic-park")).samples]
    with pytest.raises(ModelUnavailableError, match="do not hear as the checkpoint does"):
        check_parity(other, Path(packaged.directory), clips, "own")


def refused(checkpoint: Path | str, dev: Path, out: Path) -> str:
    with pytest.raises(ModelUnavailableError) as refusal:
        package(str(checkpoint), dev, out, PackageOptions(), print)
    assert not out.exists()
    assert not list(out.parent.glob(f".{out.name}*"))
    message = str(refusal.value)
    assert "\n" not in message
    return message


def linked(checkpoint: Path, folder: Path) -> Path:
    """Another checkpoint of the same weights, to change a file of."""
    folder.mkdir()
    for path in checkpoint.iterdir():
        if path.suffix == ".safetensors":
            (folder / path.name).symlink_to(path)
        else:
            shutil.copyfile(path, folder / path.name)
    return folder


def test_another_architecture_is_refused(checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    other = linked(checkpoint, tmp_path / "other")
    (other / "config.json").write_text('{"model_type": "wav2vec2"}')
    assert "its architecture is wav2vec2; only Whisper" in refused(other, dev, tmp_path / "out")


def test_a_checkpoint_with_other_layers_than_it_says_is_refused(checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    other = linked(checkpoint, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "decoder_layers": 5}))
    assert "model.decoder.layers.4" in refused(other, dev, tmp_path / "out")


def test_a_checkpoint_without_its_weights_is_refused(checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    other = linked(checkpoint, tmp_path / "other")
    (other / "model.safetensors").unlink()
    assert "model.safetensors" in refused(other, dev, tmp_path / "out")
    (other / "model.safetensors").write_bytes(b"half a file")
    assert "restore the checkpoint" in refused(other, dev, tmp_path / "out")


def test_a_tokenizer_of_another_vocabulary_is_refused(checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer

    other = linked(checkpoint, tmp_path / "other")
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    tokenizer.add_tokens([f"<other{number}>" for number in range(2000)])
    tokenizer.save(str(other / "tokenizer.json"))
    rows = json.loads((checkpoint / "config.json").read_text())["vocab_size"]
    told = f"a tokenizer of {tokenizer.get_vocab_size()} tokens does not belong to weights for {rows}"
    assert told in refused(other, dev, tmp_path / "out")


def test_a_name_that_is_nowhere_is_refused(dev: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert "neither a folder nor a model that can be fetched" in refused("nobody/whisper-none", dev, tmp_path / "out")
    assert "not a checkpoint in transformers' format" in refused(tmp_path, dev, tmp_path / "out")


def test_a_folder_that_is_there_is_not_replaced(packaged: Release, checkpoint: Path, dev: Path) -> None:
    with pytest.raises(TrainingError, match="is there already"):
        package(str(checkpoint), dev, Path(packaged.directory), PackageOptions(), print)
    assert read_release(Path(packaged.directory)) == packaged


def test_a_manifest_without_a_dev_part_is_refused(checkpoint: Path, dev: Path, tmp_path: Path) -> None:
    lines = [json.dumps({**json.loads(line), "split": "train"}) for line in dev.read_text().splitlines()]
    other = dev.with_name("train.jsonl")
    other.write_text("\n".join(lines) + "\n")
    with pytest.raises(ManifestError, match="no clip of the part dev has a transcript"):
        package(str(checkpoint), other, tmp_path / "out", PackageOptions(), print)


@pytest.mark.slow
def test_a_full_disk_is_one_clear_line_and_leaves_nothing(
    checkpoint: Path, dev: Path, home: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "voicesearch", "asr", "package", str(checkpoint), "--dev", str(dev)]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "releases" / "films")],
        cwd=ROOT,
        env={**os.environ, "VOICESEARCH_HOME": str(home), "NO_COLOR": "1", "COLUMNS": "400"},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000_000, 10_000_000)),
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    assert "the release cannot be written" in done.stderr
    assert list((tmp_path / "releases").iterdir()) == []
