"""Adapters: what is stored comes back, and merges only where it belongs."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asr.adapter import AdapterCard, difference, int8_difference, low_rank, merge, read_adapter, write_adapter
from asr.checkpoint import places, read_parameter, stored_tensors
from asr.release import read_release
from data.errors import ModelCorruptError, ModelUnavailableError
from data.records import Release

MakeCheckpoint = Callable[..., Release]
WEIGHT = "model.encoder.layers.0.fc1.weight"
BIAS = "model.encoder.layers.0.fc1.bias"


@given(arrays(np.float32, (5, 7), elements=st.floats(-1.0, 1.0, width=32)))
@example(np.full((5, 7), 1e-29, np.float32))
def test_an_int8_difference_is_off_by_at_most_half_a_step_of_its_row(delta: np.ndarray) -> None:
    step = np.abs(delta).max(axis=1, keepdims=True) / 127
    assert (np.abs(difference("w", int8_difference("w", delta)) - delta) <= 0.5001 * step + 1e-30).all()


def test_factors_multiply_to_the_difference() -> None:
    chance = np.random.default_rng(0)
    a, b = chance.normal(size=(2, 7)), chance.normal(size=(5, 2))
    assert np.allclose(difference("w", low_rank("w", a, b)), b @ a, atol=0.02)


def change() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(1)
    factors = low_rank(WEIGHT, chance.normal(size=(2, 64)), chance.normal(size=(128, 2)))
    return factors | int8_difference(BIAS, chance.normal(size=128))


def test_an_adapter_comes_back_as_it_was_written_and_merges(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    base = make_checkpoint("small")
    card = AdapterCard("small-short", base.sha256, lineage={"steps": "3"}, evaluation={"wer_short": 0.1})
    write_adapter(tmp_path / "a.safetensors", card, change())
    read, stored = read_adapter(tmp_path / "a.safetensors")
    assert read == card
    release = merge(base, read, stored, tmp_path / "merged")
    assert read_release(tmp_path / "merged") == release
    assert (release.name, release.context, release.evaluation) == ("small-short", "own", {"wer_short": 0.1})
    before, after = Path(base.directory, "model.bin"), tmp_path / "merged" / "model.bin"
    tensors = stored_tensors(before)
    for name, place in places(tensors).items():
        moved = read_parameter(after, tensors, place) - read_parameter(before, tensors, place).astype(np.float64)
        expected = difference(name, stored) if name in (WEIGHT, BIAS) else np.zeros(1)
        assert np.abs(moved - expected).max() < 0.01


def test_merging_again_gives_the_same_hash(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    base = make_checkpoint("small")
    card = AdapterCard("small-short", base.sha256)
    first = merge(base, card, change(), tmp_path / "merged")
    assert merge(base, replace(card, merged_sha256=first.sha256), change(), tmp_path / "merged") == first


def test_an_adapter_of_other_weights_is_refused_naming_both_hashes(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    base, other = make_checkpoint("small"), make_checkpoint("other", 1)
    with pytest.raises(ModelCorruptError) as refused:
        merge(other, AdapterCard("small-short", base.sha256), change(), tmp_path / "merged")
    assert base.sha256 in str(refused.value)
    assert other.sha256 in str(refused.value)


def test_a_merge_of_another_hash_is_refused_and_keeps_what_was_there(
    make_checkpoint: MakeCheckpoint, tmp_path: Path
) -> None:
    base = make_checkpoint("small")
    card = AdapterCard("small-short", base.sha256)
    kept = merge(base, card, change(), tmp_path / "merged")
    with pytest.raises(ModelCorruptError, match="restore the adapter"):
        merge(base, replace(card, merged_sha256="0" * 64), change(), tmp_path / "merged")
    assert read_release(tmp_path / "merged") == kept
    assert sorted(path.name for path in tmp_path.iterdir()) == ["merged", "small"]


def test_an_adapter_of_another_architecture_is_refused(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    base = make_checkpoint("small")
    deeper = low_rank("model.encoder.layers.7.fc1.weight", np.zeros((2, 64)), np.zeros((128, 2)))
    with pytest.raises(ModelUnavailableError, match="another architecture"):
        merge(base, AdapterCard("deep", base.sha256), deeper, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      "], ids=["empty", "no card"])
def test_a_file_that_is_no_adapter_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match="not an adapter"):
        read_adapter(path)
