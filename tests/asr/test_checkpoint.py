"""A checkpoint in CTranslate2's form and in transformers': the same, both ways."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from asr.checkpoint import patch, places, read_parameter, stored_tensors, to_transformers
from asr.features import padded_log_mel
from data.condition import condition
from data.errors import ModelUnavailableError
from data.records import Release, Samples

MakeCheckpoint = Callable[..., Release]


def test_there_and_back_gives_the_same_bytes(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    folder = Path(make_checkpoint("small").directory)
    model = to_transformers(folder)
    parameters = {name: value.numpy() for name, value in model.state_dict().items() if name != "proj_out.weight"}
    patch(folder / "model.bin", tmp_path / "back.bin", parameters)
    assert (tmp_path / "back.bin").read_bytes() == (folder / "model.bin").read_bytes()


def test_a_patch_changes_its_rows_and_no_others(make_checkpoint: MakeCheckpoint, tmp_path: Path) -> None:
    source, target = Path(make_checkpoint("small").directory, "model.bin"), tmp_path / "patched.bin"
    tensors = stored_tensors(source)
    name = "model.decoder.layers.1.encoder_attn.v_proj.weight"
    patch(source, target, {name: np.full((64, 64), 0.5)})
    for other, place in places(tensors).items():
        before, after = read_parameter(source, tensors, place), read_parameter(target, tensors, place)
        assert (after == 0.5).all() if other == name else (after == before).all()


@pytest.mark.parametrize(
    ("name", "shape"), [("model.encoder.layers.9.fc1.weight", (128, 64)), ("model.encoder.layers.0.fc1.weight", (8, 8))]
)
def test_a_patch_that_does_not_fit_is_refused_and_leaves_nothing(
    make_checkpoint: MakeCheckpoint, tmp_path: Path, name: str, shape: tuple[int, int]
) -> None:
    source = Path(make_checkpoint("small").directory, "model.bin")
    with pytest.raises(ModelUnavailableError, match="another architecture"):
        patch(source, tmp_path / "patched.bin", {name: np.zeros(shape)})
    assert not (tmp_path / "patched.bin").exists()


@pytest.mark.parametrize("content", [b"", b"weights", b"\6\0\0\0\14\0WhisperSpec\0"], ids=["empty", "text", "cut off"])
def test_a_file_of_another_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailableError, match="not a Whisper model of CTranslate2"):
        stored_tensors(path)


@pytest.mark.slow
def test_both_forms_of_the_published_weights_hear_the_same(published: Release, clip: Callable[[str], Samples]) -> None:
    import torch
    from ctranslate2 import StorageView
    from ctranslate2.models import Whisper

    model = to_transformers(Path(published.directory))
    other = Whisper(published.directory, compute_type="float32")
    features = padded_log_mel(condition(clip("all-circuits-busy-now")).samples)[None]
    with torch.inference_mode():
        states = model.model.encoder(torch.from_numpy(features)).last_hidden_state.numpy()
    expected = np.array(other.encode(StorageView.from_array(features)))
    assert np.abs(states - expected).max() < 1e-2
    prompt = [50257, 50362]
    said = other.generate(StorageView.from_array(features), [prompt], beam_size=1)[0].sequences_ids[0]
    with torch.inference_mode():
        logits = model(
            input_features=torch.from_numpy(features), decoder_input_ids=torch.tensor([[*prompt, *said]])
        ).logits[0]
    assert logits[1:-1].argmax(dim=-1).tolist() == said
