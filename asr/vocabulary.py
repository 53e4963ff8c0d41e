"""A model with fewer tokens: most of a decoder's step is the projection to all of them.

What is left keeps its order, and is numbered anew. A text that has lost a token is written with the tokens that it was
merged from; R. Sennrich and others, "Neural machine translation of rare words with subword units", 2016.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.checkpoint import keep_rows
from asr.release import MODEL_FILE
from data.errors import ModelUnavailableError
from data.files import atomic_path

EMBEDDINGS = "decoder/embeddings/weight"
"""Tensor with a row for each token; it is the projection to the vocabulary as well."""

TOKENIZER, LISTED, DECODING = "tokenizer.json", "vocabulary.txt", "config.json"

NUMBERED = ("suppress_ids", "suppress_ids_begin", "lang_ids")
"""What of a CTranslate2 folder's `config.json` are tokens' numbers."""


def closure(token: str, parts: Mapping[str, tuple[str, str]]) -> set[str]:
    """Give a token and all that it is merged from: without these it could not be made.

    Args:
        token: Of a byte-pair encoding.
        parts: The two that each token is merged from.

    Returns:
        Tokens, down to single bytes.
    """
    found: set[str] = set()
    waiting = [token]
    while waiting:
        one = waiting.pop()
        if one not in found:
            found.add(one)
            waiting += parts.get(one, ())
    return found


def merges_of(tokenizer: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Give the two tokens that each is merged from, by what they make.

    Args:
        tokenizer: Content of a `tokenizer.json`.

    Returns:
        In the order in which merges are made.
    """
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in tokenizer["model"]["merges"])
    return {first + second: (first, second) for first, second in pairs}


def prune(folder: Path, kept: NDArray[np.integer[Any]]) -> None:
    """Leave tokens out of a CTranslate2 Whisper folder.

    Args:
        folder: With the whole vocabulary; the model, the tokenizer and what numbers tokens are written anew.
        kept: Numbers of the tokens that stay, rising.

    Raises:
        ModelUnavailableError: The folder has no such tokens, or a token that stays is merged from one that does not.
    """
    try:
        tokenizer = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
        decoding = json.loads((folder / DECODING).read_text(encoding="utf-8"))
        listed = (folder / LISTED).read_text(encoding="utf-8").split("\n")
        names = [listed[number] for number in kept]
    except (OSError, ValueError, IndexError) as error:
        raise ModelUnavailableError(f"{folder}: its vocabulary cannot be pruned ({error}); fetch it again") from error
    numbers = {name: number for number, name in enumerate(names)}
    for made, pair in merges_of(tokenizer).items():
        if made in numbers and not numbers.keys() >= set(pair):
            raise ModelUnavailableError(f"{folder}: the token {made!r} would lose what it is merged from, {pair}")
    again = {int(old): new for new, old in enumerate(kept)}
    decoding |= {key: _renumbered(decoding[key], again) for key in NUMBERED if key in decoding}
    _renumber_tokenizer(tokenizer, numbers)
    for name, content in (
        (TOKENIZER, json.dumps(tokenizer, ensure_ascii=False)),
        (DECODING, json.dumps(decoding, indent=2)),
        (LISTED, "".join(f"{name}\n" for name in names)),
    ):
        with atomic_path(folder / name) as partial:
            partial.write_text(content, encoding="utf-8")
    keep_rows(folder / MODEL_FILE, folder / MODEL_FILE, EMBEDDINGS, kept)


def _renumbered(numbers: Iterable[int], again: Mapping[int, int]) -> list[int]:
    return [again[number] for number in numbers if number in again]


def _renumber_tokenizer(tokenizer: dict[str, Any], numbers: Mapping[str, int]) -> None:
    model = tokenizer["model"]
    model["vocab"] = {token: numbers[token] for token in model["vocab"] if token in numbers}
    merges = merges_of(tokenizer).items()
    model["merges"] = [list(pair) for made, pair in merges if made in numbers and numbers.keys() >= set(pair)]
    added = [token for token in tokenizer["added_tokens"] if token["content"] in numbers]
    tokenizer["added_tokens"] = [{**token, "id": numbers[token["content"]]} for token in added]
    for special in (tokenizer.get("post_processor") or {}).get("special_tokens", {}).values():
        special["ids"] = [numbers[token] for token in special["tokens"]]
