"""Fewer tokens: the same texts where none of theirs is lost, and a refusal where one could not be made any more."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from asr.adapter import TOKENS, AdapterCard, merge
from asr.recognizer import Recognizer
from asr.release import read_release
from asr.settings import RecognizerSettings
from asr.vocabulary import closure, merges_of
from asr.weights import prepare_release
from data.clips import read_clip
from data.errors import ModelCorruptError, ModelUnavailableError
from data.records import Release
from data.settings import HomeSettings

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


@pytest.fixture(scope="module")
def whole(home: Path) -> Release:
    """The model at the clip's own length with all tokens, verified."""
    return prepare_release("tiny.en-short", HomeSettings.load().models, print)


def pruned(release: Release, kept: list[int], folder: Path) -> Release:
    """Merge an adapter that only prunes."""
    rows = len(Path(release.directory, "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n"))
    mask = np.zeros(rows, np.uint8)
    mask[kept] = 1
    card = AdapterCard("pruned", release.sha256, context=release.context)
    return merge(release, card, {TOKENS: np.packbits(mask)}, folder)


def test_without_timestamps_and_rare_tokens_the_same_is_heard(whole: Release, tmp_path: Path) -> None:
    content = json.loads(Path(whole.directory, "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary, parts = content["model"]["vocab"], merges_of(content)
    kept = {token for token in vocabulary if token.isascii() or token.startswith("Ġ") or token not in parts}
    kept = {part for token in kept for part in closure(token, parts)}
    numbers = sorted({*(vocabulary[token] for token in kept), *(each["id"] for each in content["added_tokens"])})
    small = pruned(whole, numbers, tmp_path / "small")
    all_tokens, fewer = (Recognizer(each, RecognizerSettings.load()) for each in (whole, small))
    size = {each.name: Path(each.directory, "model.bin").stat().st_size for each in (whole, small)}
    assert size["pruned"] < size[whole.name]
    for path in sorted(SPEECH.glob("*.flac")):
        samples = read_clip(path)
        (theirs, _), (ours, _) = all_tokens.decode(samples), fewer.decode(samples)
        assert [each.text for each in ours[:1]] == [each.text for each in theirs[:1]], path.name


def test_a_token_never_stays_without_those_it_is_merged_from(whole: Release, tmp_path: Path) -> None:
    content = json.loads(Path(whole.directory, "tokenizer.json").read_text(encoding="utf-8"))
    vocabulary = content["model"]["vocab"]
    kept = sorted(set(range(50_000)) - {vocabulary["Ġp"]})
    with pytest.raises(ModelUnavailableError, match="would lose what it is merged from"):
        pruned(whole, kept, tmp_path / "small")
    assert list(tmp_path.iterdir()) == []


def test_a_tokenizer_with_all_tokens_beside_fewer_is_refused(release: Release, whole: Release, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(release.directory, folder)
    assert read_release(folder).sha256 == release.sha256
    shutil.copyfile(Path(whole.directory, "tokenizer.json"), folder / "tokenizer.json")
    with pytest.raises(ModelCorruptError, match=r"tokenizer\.json"):
        read_release(folder)


def test_a_multilingual_model_keeps_all_its_tokens(whole: Release, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="multilingual; keep all"):
        pruned(replace(whole, multilingual=True), [0, 1], tmp_path / "small")
    assert list(tmp_path.iterdir()) == []
