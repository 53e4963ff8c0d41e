"""The two forms of a Whisper checkpoint: CTranslate2's `model.bin`, and a transformers model; without loss, both ways.

`model.bin` is a list of named tensors. In it self-attention's query, key and value are one tensor of stacked rows, as
are cross-attention's key and value. Reading and patching it takes numpy alone. Format: CTranslate2's
`python/ctranslate2/specs/model_spec.py`, binary version 6.
"""

import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelUnavailableError
from data.files import atomic_path

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration

BINARY_VERSION = 6

DTYPES = ("float32", "int8", "int16", "int32", "float16")
"""numpy's names of CTranslate2's type numbers 0 to 4."""


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where a tensor lies in `model.bin`: `offset` and `size` in bytes."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parameter of the transformers model is in `model.bin`: a tensor, `part` of `parts` of its rows."""

    tensor: str
    part: int = 0
    parts: int = 1


def stored_tensors(path: Path) -> dict[str, StoredTensor]:
    """Read the table of contents of a `model.bin`.

    Args:
        path: The file.

    Returns:
        Every tensor by name, in the order of the file.

    Raises:
        ModelUnavailableError: It is not a Whisper model in CTranslate2's format of version 6.
    """
    try:
        with path.open("rb") as file:
            version, specification = *_unpack(file, "I"), _string(file)
            if version != BINARY_VERSION or specification != "WhisperSpec":
                raise ValueError(f"version {version} of {specification}")
            _unpack(file, "I")  # revision
            tensors = {}
            for _ in range(*_unpack(file, "I")):
                name = _string(file)
                (rank,) = _unpack(file, "B")
                shape = _unpack(file, "I" * rank)
                number, size = _unpack(file, "BI")
                tensors[name] = StoredTensor(name, shape, np.dtype(DTYPES[number]), file.tell(), size)
                file.seek(size, 1)
            return tensors
    except (OSError, ValueError, IndexError, struct.error) as error:
        raise ModelUnavailableError(
            f"{path}: not a Whisper model of CTranslate2 version {BINARY_VERSION} ({error}); fetch or convert it again"
        ) from error


def read_parameter(path: Path, tensors: Mapping[str, StoredTensor], place: Place) -> NDArray[Any]:
    """Read one parameter of the transformers model out of a `model.bin`.

    Args:
        path: The file.
        tensors: Its table of contents.
        place: Where the parameter is.

    Returns:
        A writable array of its own.

    Raises:
        ModelUnavailableError: The file has no such tensor.
    """
    stored = tensors.get(place.tensor)
    if stored is None:
        raise ModelUnavailableError(f"{path}: the tensor {place.tensor} is missing; it is of another architecture")
    values = np.fromfile(path, stored.dtype, count=math.prod(stored.shape), offset=stored.offset).reshape(stored.shape)
    return values if place.parts == 1 else np.split(values, place.parts)[place.part].copy()


def patch(source: Path, target: Path, parameters: Mapping[str, NDArray[np.floating[Any]]]) -> None:
    """Copy a `model.bin` with some parameters replaced.

    Args:
        source: The file to copy.
        target: Where; whole or not at all.
        parameters: New values by their names in the transformers model, rounded to the file's type.

    Raises:
        ModelUnavailableError: A parameter has no place in the file, or its shape is another.
    """
    tensors = stored_tensors(source)
    known = places(tensors)
    content = bytearray(source.read_bytes())
    for name, values in parameters.items():
        place = known.get(name)
        stored = tensors[place.tensor] if place else None
        if place is None or stored is None or values.shape != (stored.shape[0] // place.parts, *stored.shape[1:]):
            raise ModelUnavailableError(f"{source}: no place for {name} of shape {values.shape}; another architecture")
        raw = values.astype(stored.dtype).tobytes()
        start = stored.offset + place.part * len(raw)
        content[start : start + len(raw)] = raw
    with atomic_path(target) as partial:
        partial.write_bytes(content)


def keep_rows(source: Path, target: Path, name: str, rows: NDArray[np.integer[Any]]) -> None:
    """Copy a `model.bin` with only some rows of one tensor.

    Args:
        source: The file to copy.
        target: Where, the same file or another; whole or not at all.
        name: Of the tensor, a matrix.
        rows: Which, in the order that they are to have.

    Raises:
        ModelUnavailableError: The file has no such tensor.
    """
    tensors = stored_tensors(source)
    values = read_parameter(source, tensors, Place(name))
    stored = tensors[name]
    head = struct.calcsize("<" + "I" * len(stored.shape) + "BI")
    content = source.read_bytes()
    chosen = values[rows]
    raw = chosen.tobytes()
    number = DTYPES.index(stored.dtype.name)
    with atomic_path(target) as partial, partial.open("wb") as file:
        file.write(content[: stored.offset - head])
        file.write(struct.pack("<" + "I" * chosen.ndim + "BI", *chosen.shape, number, len(raw)))
        file.write(raw)
        file.write(content[stored.offset + stored.size :])


def places(tensors: Mapping[str, StoredTensor]) -> dict[str, Place]:
    """Say where each parameter of the transformers model is.

    Args:
        tensors: The table of contents of a `model.bin`.

    Returns:
        A place for each parameter name; the projection to the vocabulary is the token embedding and has none.
    """
    found = {
        "model.encoder.conv1.weight": Place("encoder/conv1/weight"),
        "model.encoder.conv1.bias": Place("encoder/conv1/bias"),
        "model.encoder.conv2.weight": Place("encoder/conv2/weight"),
        "model.encoder.conv2.bias": Place("encoder/conv2/bias"),
        "model.decoder.embed_tokens.weight": Place("decoder/embeddings/weight"),
    }
    for side in ("encoder", "decoder"):
        found[f"model.{side}.embed_positions.weight"] = Place(f"{side}/position_encodings/encodings")
        found |= _norm(f"model.{side}.layer_norm", f"{side}/layer_norm")
        for number in range(_layers(tensors, side)):
            found |= dict(_layer_places(side, number))
    return found


def mel_bands(directory: Path) -> int:
    """Give the number of mel bands that the model in a folder hears.

    Args:
        directory: Folder with a `model.bin`.

    Returns:
        80, or 128 for large-v3.

    Raises:
        ModelUnavailableError: The folder holds no such model.
    """
    return stored_tensors(directory / "model.bin")["encoder/conv1/weight"].shape[1]


def to_transformers(directory: Path) -> "WhisperForConditionalGeneration":
    """Load a CTranslate2 model folder as a transformers model.

    Args:
        directory: Folder with a `model.bin` in float16 or float32.

    Returns:
        The model in float32, in evaluation mode.

    Raises:
        ModelUnavailableError: The folder holds no such model.
    """
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    path = directory / "model.bin"
    tensors = stored_tensors(path)
    state = {}
    for name, place in places(tensors).items():
        values = read_parameter(path, tensors, place)
        if not np.issubdtype(values.dtype, np.floating):
            raise ModelUnavailableError(f"{path}: {place.tensor} is {values.dtype}; training needs float16 or float32")
        state[name] = torch.from_numpy(values.astype(np.float32))
    control = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id", "decoder_start_token_id"), 0)
    config = WhisperConfig.from_dict({**_shape_of(path, tensors), **control})
    with torch.device("meta"):
        model: WhisperForConditionalGeneration = WhisperForConditionalGeneration(config)
    missing, unexpected = model.load_state_dict(state, strict=False, assign=True)
    if unexpected or set(missing) - {"proj_out.weight"}:
        raise ModelUnavailableError(
            f"{path}: parameters {[*missing, *unexpected][:3]} do not fit; another architecture"
        )
    model.tie_weights()
    model.train(False)
    return model


def _shape_of(path: Path, tensors: Mapping[str, StoredTensor]) -> dict[str, int]:
    """Give the arguments of transformers' configuration that the tensors' shapes imply."""
    width, bands, _ = tensors["encoder/conv1/weight"].shape
    heads = int(read_parameter(path, tensors, Place("encoder/num_heads")).item())
    feed_forward = tensors["encoder/layer_0/ffn/linear_0/weight"].shape[0]
    return {
        "vocab_size": tensors["decoder/embeddings/weight"].shape[0],
        "num_mel_bins": bands,
        "d_model": width,
        "encoder_layers": _layers(tensors, "encoder"),
        "decoder_layers": _layers(tensors, "decoder"),
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": feed_forward,
        "decoder_ffn_dim": feed_forward,
        "max_source_positions": tensors["encoder/position_encodings/encodings"].shape[0],
        "max_target_positions": tensors["decoder/position_encodings/encodings"].shape[0],
    }


def _layers(tensors: Mapping[str, StoredTensor], side: str) -> int:
    return sum(name.startswith(f"{side}/layer_") and name.endswith("/ffn/linear_0/weight") for name in tensors)


def _layer_places(side: str, number: int) -> Iterator[tuple[str, Place]]:
    ours, theirs = f"model.{side}.layers.{number}", f"{side}/layer_{number}"
    yield from _norm(f"{ours}.self_attn_layer_norm", f"{theirs}/self_attention/layer_norm").items()
    yield from _stacked(f"{ours}.self_attn", f"{theirs}/self_attention/linear_0", ("q", "k", "v"))
    yield from _stacked(f"{ours}.self_attn", f"{theirs}/self_attention/linear_1", ("out",))
    if side == "decoder":
        yield from _norm(f"{ours}.encoder_attn_layer_norm", f"{theirs}/attention/layer_norm").items()
        yield from _stacked(f"{ours}.encoder_attn", f"{theirs}/attention/linear_0", ("q",))
        yield from _stacked(f"{ours}.encoder_attn", f"{theirs}/attention/linear_1", ("k", "v"))
        yield from _stacked(f"{ours}.encoder_attn", f"{theirs}/attention/linear_2", ("out",))
    yield from _norm(f"{ours}.final_layer_norm", f"{theirs}/ffn/layer_norm").items()
    for index in (0, 1):
        for kind in ("weight", "bias"):
            yield f"{ours}.fc{index + 1}.{kind}", Place(f"{theirs}/ffn/linear_{index}/{kind}")


def _stacked(ours: str, theirs: str, projections: tuple[str, ...]) -> Iterator[tuple[str, Place]]:
    for part, projection in enumerate(projections):
        for kind in ("weight", "bias"):
            if (projection, kind) != ("k", "bias"):  # Whisper's keys have none; zeros stand there
                yield f"{ours}.{projection}_proj.{kind}", Place(f"{theirs}/{kind}", part, len(projections))


def _norm(ours: str, theirs: str) -> dict[str, Place]:
    return {f"{ours}.weight": Place(f"{theirs}/gamma"), f"{ours}.bias": Place(f"{theirs}/beta")}


def _unpack(file: Any, layout: str) -> tuple[int, ...]:
    layout = "<" + layout
    return struct.unpack(layout, file.read(struct.calcsize(layout)))


def _string(file: Any) -> str:
    return str(file.read(*_unpack(file, "H"))[:-1], "utf-8")
