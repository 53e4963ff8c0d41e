"""A Whisper of a few thousand random weights, in the files of a real one."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.checkpoint import DTYPES
from asr.release import read_release, write_release
from data.records import Release

WIDTH, FEED_FORWARD, LAYERS = 64, 128, 2
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|nocaptions|>", "<|notimestamps|>"]
LETTERS = [chr(code) for code in range(33, 127)]


@pytest.fixture
def make_checkpoint(tmp_path: Path) -> Callable[[str, int], Release]:
    """Writes a small random model, English only, as a release in a folder of that name."""

    def make(name: str, seed: int = 0) -> Release:
        folder = tmp_path / name
        folder.mkdir()
        write_container(folder / "model.bin", small_tensors(seed))
        write_tokenizer(folder)
        (folder / "config.json").write_text(
            '{"suppress_ids": [], "suppress_ids_begin": [], "alignment_heads": [[0, 0]]}'
        )
        release = read_release(folder)
        release = Release(name, str(folder), release.sha256)
        write_release(release, folder)
        return release

    return make


def small_tensors(seed: int) -> dict[str, NDArray[np.generic]]:
    """Gives every tensor of CTranslate2's Whisper, in float16 but for the scalars."""
    chance = np.random.default_rng(seed)
    tensors: dict[str, NDArray[np.generic]] = {}

    def add(name: str, *shape: int) -> None:
        ones = 1.0 if name.endswith("gamma") else 0.0
        tensors[name] = (ones + chance.normal(0.0, 0.1, shape)).astype(np.float16)

    def add_linear(name: str, n_out: int, n_in: int) -> None:
        add(f"{name}/weight", n_out, n_in)
        add(f"{name}/bias", n_out)

    def add_norm(name: str) -> None:
        add(f"{name}/gamma", WIDTH)
        add(f"{name}/beta", WIDTH)

    for number, bands in ((1, 80), (2, WIDTH)):
        add(f"encoder/conv{number}/weight", WIDTH, bands, 3)
        add(f"encoder/conv{number}/bias", WIDTH)
    add("encoder/position_encodings/encodings", 1500, WIDTH)
    add("decoder/position_encodings/encodings", 448, WIDTH)
    add("decoder/embeddings/weight", len(SPECIAL + LETTERS), WIDTH)
    for side in ("encoder", "decoder"):
        add_norm(f"{side}/layer_norm")
        tensors[f"{side}/num_heads"] = np.array(1, np.int16)
        for layer in range(LAYERS):
            prefix = f"{side}/layer_{layer}"
            add_norm(f"{prefix}/self_attention/layer_norm")
            add_linear(f"{prefix}/self_attention/linear_0", 3 * WIDTH, WIDTH)
            stacked = tensors[f"{prefix}/self_attention/linear_0/bias"]
            stacked[WIDTH : 2 * WIDTH] = 0  # keys have no bias
            add_linear(f"{prefix}/self_attention/linear_1", WIDTH, WIDTH)
            if side == "decoder":
                add_norm(f"{prefix}/attention/layer_norm")
                add_linear(f"{prefix}/attention/linear_0", WIDTH, WIDTH)
                add_linear(f"{prefix}/attention/linear_1", 2 * WIDTH, WIDTH)
                tensors[f"{prefix}/attention/linear_1/bias"][:WIDTH] = 0
                add_linear(f"{prefix}/attention/linear_2", WIDTH, WIDTH)
            add_norm(f"{prefix}/ffn/layer_norm")
            add_linear(f"{prefix}/ffn/linear_0", FEED_FORWARD, WIDTH)
            add_linear(f"{prefix}/ffn/linear_1", WIDTH, FEED_FORWARD)
    flags = {"activation": 3, "alibi": 0, "pre_norm": 1, "scale_embeddings": 0, "start_from_zero_embedding": 0}
    for name, value in flags.items():
        tensors[f"decoder/{name}"] = np.array(value, np.int8)
    tensors["decoder/alignment_heads"] = np.array(1, np.int16)
    tensors["decoder/alignment_layer"] = np.array(-1, np.int16)
    return tensors


def write_container(path: Path, tensors: dict[str, NDArray[np.generic]]) -> None:
    """Writes a `model.bin`."""

    def text(value: str) -> bytes:
        return struct.pack("<H", len(value) + 1) + value.encode() + b"\0"

    with path.open("wb") as file:
        file.write(struct.pack("<I", 6) + text("WhisperSpec") + struct.pack("<II", 3, len(tensors)))
        for name, values in tensors.items():
            file.write(text(name) + struct.pack(f"<B{values.ndim}I", values.ndim, *values.shape))
            file.write(struct.pack("<BI", DTYPES.index(str(values.dtype)), values.nbytes) + values.tobytes())
        file.write(struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight"))


def write_tokenizer(folder: Path) -> None:
    """Writes a tokenizer of single characters."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate(SPECIAL + LETTERS)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="!"))  # noqa: S106  a letter
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer.decoder = decoders.Fuse()
    tokenizer.add_special_tokens(SPECIAL)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "vocabulary.txt").write_text("\n".join(SPECIAL + LETTERS) + "\n")
