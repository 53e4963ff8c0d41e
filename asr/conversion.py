"""A Whisper checkpoint in transformers' format, from a folder or the hub, made into a CTranslate2 folder.

The only place that loads CTranslate2's converter, and with it torch.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from tokenizers import Tokenizer

from asr.recognizer import prompt_of
from data.errors import ModelUnavailableError

if TYPE_CHECKING:
    from transformers import WhisperForConditionalGeneration

MULTILINGUAL_ROWS = 51_865
"""Tokens from which on CTranslate2 takes a Whisper model for a multilingual one."""


def find_checkpoint(checkpoint: str) -> Path:
    """Find a checkpoint's folder, fetching it from the hub where it is a name there.

    Args:
        checkpoint: A folder, or a name such as `openai/whisper-small.en`.

    Returns:
        A folder with a Whisper model in transformers' format.

    Raises:
        ModelUnavailableError: Neither, or of another architecture.
    """
    source = Path(checkpoint).expanduser()
    if not source.is_dir():
        from huggingface_hub import snapshot_download

        try:
            source = Path(snapshot_download(checkpoint, allow_patterns=["*.json", "*.txt", "*.safetensors"]))
        except (OSError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise ModelUnavailableError(
                f"{checkpoint}: neither a folder nor a model that can be fetched from the hub ({reason})"
            ) from error
    try:
        architecture = json.loads((source / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise ModelUnavailableError(
            f"{source}: not a checkpoint in transformers' format ({error}); name the folder with its config.json"
        ) from error
    if architecture != "whisper":
        raise ModelUnavailableError(f"{source}: its architecture is {architecture}; only Whisper can be packaged")
    return source


def convert(source: Path, folder: Path) -> "WhisperForConditionalGeneration":
    """Convert a checkpoint to CTranslate2's format in float16, from which the server makes its own precision.

    Args:
        source: The checkpoint.
        folder: Where; gets `tokenizer.json` too.

    Returns:
        The transformers model in float32.

    Raises:
        ModelUnavailableError: The weights or the vocabulary are not those of a Whisper model.
    """
    from ctranslate2.converters import TransformersConverter
    from transformers import WhisperFeatureExtractor

    model, tokenizer = _loaded(source)
    _check_vocabulary(tokenizer, model, source)
    TransformersConverter(str(source), load_as_float16=True).convert(str(folder), quantization="float16")
    tokenizer.save(str(folder / "tokenizer.json"))
    extractor = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)  # type: ignore[no-untyped-call]  # theirs
    extractor.save_pretrained(folder)
    return model


def _loaded(source: Path) -> tuple["WhisperForConditionalGeneration", Tokenizer]:
    """Load the weights in float32, all of them, and the tokenizer."""
    import torch
    from transformers import AutoTokenizer, WhisperForConditionalGeneration
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    try:
        loaded: Any = WhisperForConditionalGeneration.from_pretrained(
            source, dtype=torch.float32, output_loading_info=True
        )
        tokenizer: Tokenizer = AutoTokenizer.from_pretrained(source).backend_tokenizer
    except (OSError, ValueError, LookupError, TypeError, RuntimeError, AttributeError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelUnavailableError(f"{source}: cannot be loaded ({reason}); restore the checkpoint") from error
    model: WhisperForConditionalGeneration = loaded[0]
    if lacking := sorted({*loaded[1]["missing_keys"], *map(str, loaded[1]["mismatched_keys"])}):
        raise ModelUnavailableError(f"{source}: {lacking[0]} is missing or of another shape; restore the checkpoint")
    model.train(False)
    return model, tokenizer


def _check_vocabulary(tokenizer: Tokenizer, model: "WhisperForConditionalGeneration", source: Path) -> None:
    """Refuse a tokenizer that the weights were not trained with."""
    known, rows = tokenizer.get_vocab_size(), model.config.vocab_size
    prompt = prompt_of(tokenizer, rows >= MULTILINGUAL_ROWS, str(source))
    if known > rows or prompt[0] != model.config.decoder_start_token_id:
        raise ModelUnavailableError(
            f"{source}: a tokenizer of {known} tokens does not belong to weights for {rows}; restore its own"
        )
