"""What training changed in a checkpoint, small enough to ship: low-rank or int8 differences, merged with numpy alone.

An adapter is a safetensors file. For a parameter of the transformers model it holds `<name>.a` and `<name>.b` (the
difference is b @ a; E. Hu and others, "LoRA: Low-Rank Adaptation of Large Language Models", 2021), or `<name>.int8` and
`<name>.scale` (one scale a row), or `<name>.delta`; and where the vocabulary is pruned, `tokens`, a bit for each token
that is 1 where it stays. Sums are made in float64 and rounded once to the file's float16, so that every machine gets
the same bytes and the merged file's hash can be checked.
"""

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.checkpoint import patch, places, read_parameter, stored_tensors
from asr.release import MODEL_FILE, write_release
from asr.vocabulary import prune
from data.errors import ModelCorruptError, ModelUnavailableError
from data.files import atomic_path, sha256_of
from data.records import Context, Release

FORMAT = "voicesearch-adapter/1"

TOKENS = "tokens"
"""Name of the array that says which tokens stay, eight in a byte."""

LOADABLE = ("config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json", "vocabulary.txt")
"""Files of a CTranslate2 Whisper folder beside `model.bin`."""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class AdapterCard:
    """What an adapter says of itself; `merged_sha256` is that of the `model.bin` that it makes of its base."""

    name: str
    base_sha256: str
    merged_sha256: str = ""
    context: Context = "own"
    lineage: Mapping[str, str] = field(default_factory=dict)
    evaluation: Mapping[str, float] = field(default_factory=dict)


def low_rank(name: str, a: NDArray[np.floating[Any]], b: NDArray[np.floating[Any]]) -> dict[str, NDArray[Any]]:
    """Store a difference as two factors.

    Args:
        name: Of the parameter, of shape `(n_out, n_in)`.
        a: Shape `(rank, n_in)`.
        b: Shape `(n_out, rank)`.

    Returns:
        Two float16 arrays.
    """
    return {f"{name}.a": a.astype(np.float16), f"{name}.b": b.astype(np.float16)}


def int8_difference(name: str, delta: NDArray[np.floating[Any]]) -> dict[str, NDArray[Any]]:
    """Store the difference of a matrix in a byte for each weight; that of a vector in float16.

    Args:
        name: Of the parameter.
        delta: Its change.

    Returns:
        The arrays; a weight is off by at most half of 1/127 of the largest change in its row.
    """
    if delta.ndim == 1:
        return {f"{name}.delta": delta.astype(np.float16)}
    scale = (np.abs(delta).max(axis=tuple(range(1, delta.ndim)), keepdims=True) / 127.0).astype(np.float32)
    steps = np.rint(np.divide(delta, scale, out=np.zeros_like(delta), where=scale > 0))
    return {f"{name}.int8": np.clip(steps, -127, 127).astype(np.int8), f"{name}.scale": scale}


def difference(name: str, arrays: Arrays) -> NDArray[np.float64]:
    """Give the difference of one parameter.

    Args:
        name: Of the parameter.
        arrays: Of an adapter that changes it.

    Returns:
        In float64, of the parameter's shape.
    """
    if f"{name}.a" in arrays:
        return arrays[f"{name}.b"].astype(np.float64) @ arrays[f"{name}.a"].astype(np.float64)
    if f"{name}.int8" in arrays:
        return arrays[f"{name}.int8"].astype(np.float64) * arrays[f"{name}.scale"].astype(np.float64)
    return arrays[f"{name}.delta"].astype(np.float64)


def scaled(arrays: Arrays, share: float) -> dict[str, NDArray[Any]]:
    """Go only part of the way from the start to the trained weights.

    Args:
        arrays: Of an adapter.
        share: Of the way, 1 for all of it. Source: M. Wortsman and others, "Robust fine-tuning of zero-shot models",
            2022.

    Returns:
        The arrays of an adapter whose differences are that share of the others.
    """
    lengths = (".b", ".scale", ".delta")
    return {
        name: (values * values.dtype.type(share) if name.endswith(lengths) else values)
        for name, values in arrays.items()
    }


def write_adapter(path: Path, card: AdapterCard, arrays: Arrays) -> None:
    """Write an adapter, whole or not at all.

    Args:
        path: A `.safetensors` file.
        card: What it says of itself.
        arrays: As `low_rank` and `int8_difference` give them.
    """
    from safetensors.numpy import save_file

    metadata = {"format": FORMAT, "card": json.dumps(asdict(card), sort_keys=True)}
    with atomic_path(path) as partial:
        save_file({name: np.ascontiguousarray(values) for name, values in arrays.items()}, partial, metadata)


def read_card(path: Path) -> AdapterCard:
    """Read what an adapter says of itself.

    Args:
        path: A `.safetensors` file.

    Returns:
        Its card.

    Raises:
        ModelUnavailableError: It is missing or no adapter of this format.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
        if metadata.get("format") != FORMAT:
            raise ValueError(f"its format is {metadata.get('format')}, expected {FORMAT}")
        return AdapterCard(**json.loads(metadata["card"]))
    except (OSError, SafetensorError, ValueError, TypeError, KeyError) as error:
        raise ModelUnavailableError(f"{path}: not an adapter that can be read ({error}); restore the file") from error


def read_adapter(path: Path) -> tuple[AdapterCard, dict[str, NDArray[Any]]]:
    """Read an adapter.

    Args:
        path: A `.safetensors` file.

    Returns:
        Its card and its arrays.

    Raises:
        ModelUnavailableError: It is missing or no adapter of this format.
    """
    from safetensors.numpy import load_file

    return read_card(path), load_file(path)


def merge(base: Release, card: AdapterCard, arrays: Arrays, directory: Path) -> Release:
    """Make a model folder of a checkpoint and an adapter, whole or not at all.

    Args:
        base: What the adapter was trained from.
        card: The adapter's.
        arrays: The adapter's.
        directory: Where; replaced when it is there.

    Returns:
        The new release.

    Raises:
        ModelCorruptError: The base is another, or the merged file has another hash than the card says.
        ModelUnavailableError: The adapter does not fit the base's architecture, or would leave tokens out of a
            multilingual model, which CTranslate2 tells by their number.
    """
    if TOKENS in arrays and base.multilingual:
        raise ModelUnavailableError(f"{card.name} leaves tokens out of {base.name}, which is multilingual; keep all")
    if base.sha256 != card.base_sha256:
        raise ModelCorruptError(
            f"the adapter {card.name} belongs to weights of SHA-256 {card.base_sha256}, but {base.directory} has "
            f"{base.sha256}; use the weights it was trained from"
        )
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as scratch:
        folder = Path(scratch, "model")
        folder.mkdir()
        source = Path(base.directory)
        for name in LOADABLE:
            if (source / name).is_file():
                shutil.copyfile(source / name, folder / name)
        changed = {name: values for name, values in arrays.items() if name != TOKENS}
        patch(source / MODEL_FILE, folder / MODEL_FILE, _merged(source / MODEL_FILE, changed))
        if TOKENS in arrays:
            prune(folder, np.flatnonzero(np.unpackbits(arrays[TOKENS])))
        actual = sha256_of(folder / MODEL_FILE)
        if card.merged_sha256 and actual != card.merged_sha256:
            raise ModelCorruptError(
                f"{card.name}: merged weights have SHA-256 {actual}, expected {card.merged_sha256}; restore the adapter"
            )
        release = Release(
            name=card.name,
            directory=str(directory),
            sha256=actual,
            context=card.context,
            multilingual=base.multilingual,
            lineage={**base.lineage, "base_sha256": base.sha256, **card.lineage},
            evaluation=card.evaluation,
            files=file_hashes(folder),
        )
        write_release(release, folder)
        shutil.rmtree(directory, ignore_errors=True)
        folder.rename(directory)
    return release


def file_hashes(folder: Path) -> dict[str, str]:
    """Hash what is loaded beside the weights.

    Args:
        folder: Of a CTranslate2 Whisper model.

    Returns:
        SHA-256 by file name.
    """
    return {name: sha256_of(folder / name) for name in LOADABLE if (folder / name).is_file()}


def _merged(path: Path, arrays: Arrays) -> dict[str, NDArray[np.float64]]:
    tensors = stored_tensors(path)
    known = places(tensors)
    names = {name.rsplit(".", 1)[0] for name in arrays}
    if unknown := names - known.keys():
        raise ModelUnavailableError(
            f"{path}: no place for {sorted(unknown)[0]}; the adapter is of another architecture"
        )
    return {name: read_parameter(path, tensors, known[name]) + difference(name, arrays) for name in names}
