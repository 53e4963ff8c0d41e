"""Tuned weights as a folder that transformers loads, and that `asr package` makes a release of."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from asr.adapter import Arrays, difference
from asr.checkpoint import to_transformers
from asr.script import Script
from data.files import atomic_writer
from data.records import Release

LINEAGE_FILE = "lineage.json"
"""What is known of a checkpoint, beside it."""


def write_checkpoint(base: Release, tuned: Release, arrays: Arrays, folder: Path) -> None:
    """Write a transformers checkpoint, with its tokenizer and what is known of it.

    Args:
        base: What the arrays change.
        tuned: The same weights as a release, for name, context, lineage and figures.
        arrays: Of the adapter; empty for the base itself.
        folder: Where; replaced when it is there.
    """
    import torch
    from transformers import GenerationConfig, WhisperFeatureExtractor

    model = to_transformers(Path(base.directory))
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name in {name.rsplit(".", 1)[0] for name in arrays}:
            parameters[name].add_(torch.from_numpy(difference(name, arrays)).to(parameters[name].dtype))
    special = _special_tokens(base)
    model.config.update(special)
    model.generation_config = GenerationConfig.from_dict({**special, **_decoding(base)})
    partial = folder.with_name(f".{folder.name}")
    shutil.rmtree(partial, ignore_errors=True)
    with _quiet():
        model.save_pretrained(partial)
    extractor = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)  # type: ignore[no-untyped-call]  # theirs
    extractor.save_pretrained(partial)
    shutil.copyfile(Path(base.directory, "tokenizer.json"), partial / "tokenizer.json")
    with atomic_writer(partial / LINEAGE_FILE) as file:
        known = {key: value for key, value in asdict(tuned).items() if key not in ("directory", "sha256")}
        json.dump(known, file, indent=2)
        file.write("\n")
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers from drawing a progress bar into ours."""
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # theirs
    try:
        yield
    finally:
        logging.enable_progress_bar()  # type: ignore[no-untyped-call]  # theirs


def _special_tokens(base: Release) -> dict[str, Any]:
    script = Script(base)
    return {
        "decoder_start_token_id": script.prompt[0],
        "bos_token_id": script.end,
        "eos_token_id": script.end,
        "pad_token_id": script.end,
    }


def _decoding(base: Release) -> dict[str, Any]:
    """Take over what CTranslate2's folder says of decoding, under transformers' names."""
    script = Script(base)
    known = json.loads(Path(base.directory, "config.json").read_text(encoding="utf-8"))
    return {
        "suppress_tokens": known["suppress_ids"],
        "begin_suppress_tokens": known["suppress_ids_begin"],
        "alignment_heads": known["alignment_heads"],
        "no_timestamps_token_id": script.prompt[-1],
        "is_multilingual": base.multilingual,
        "max_length": 448,
    }
