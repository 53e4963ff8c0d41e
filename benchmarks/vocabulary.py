"""What a vocabulary matched to use saves and costs: tokens are chosen, left out of the weights, and both are heard.

Always kept: every byte; the tokens of the film catalogue's names, as they are said and as they are written; words,
which are a space and letters of which only the first may be a capital; what the whole model hears in the speech to
count; numbers up to 2,999. The rest of `--tokens` are pieces of words, those first that were merged first, which are
those that a larger text has most. With each token those that it is merged from are kept, so that texts are written with
the tokens that the model writes. Left out are other languages' tags, timestamps, and what programs, web pages and other
scripts are made of.

    python -m benchmarks.vocabulary --count SPEECH ... [--tokens 38000] [--out FILE] [MANIFEST ...]

Speech to count is any that was not kept for testing. Heard are the Asterisk prompts and any manifests with transcripts,
and with `--films DATA` the tests of `benchmarks.tuning_data`, in which the words of names are counted alone. Writes an
adapter for tiny.en-short. The last line is JSON.
"""

import argparse
import json
import math
import random
import re
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from asr.adapter import TOKENS, AdapterCard, merge, write_adapter
from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.training.replay import read_replay
from asr.training.writing import writing_of
from asr.vocabulary import closure, merges_of
from asr.weights import prepare_release
from benchmarks.short_context import COMMANDS, asterisk_clips, hear_with, manifest_clips, measured
from benchmarks.tuning import Found, compared, queries
from benchmarks.tuning_data import FILMS, QUERIES
from data.catalogue import read_catalogue
from data.settings import HomeSettings
from labeling.normalization import normalize

WHOLE = "tiny.en-short"
"""The packaged model with all tokens."""

CONTROL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    "<|en|>",
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nocaptions|>",
    "<|notimestamps|>",
)
WORD = re.compile(r"Ġ[A-Za-z][a-z]*")
PIECE = re.compile(r"[a-z]+")

TIMED = 40
"""Commands that are timed."""


def main() -> None:
    """Choose, prune, hear, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="*", type=Path, help="manifests with transcripts, never trained on")
    parser.add_argument("--count", nargs="+", type=Path, required=True, help="speech whose words are counted")
    parser.add_argument("--tokens", type=int, default=38_000, help="how many stay")
    parser.add_argument("--films", type=Path, help="folder that benchmarks.tuning_data wrote")
    parser.add_argument("--out", type=Path, help="file of the adapter")
    chosen = parser.parse_args()

    home = HomeSettings.load()
    whole = prepare_release(WHOLE, home.models, print)
    replay = read_replay(chosen.count, whole, whole, home.home / "teacher", print, lambda total: None)
    texts = [f" {example.text}" for example in (*replay.train, *replay.held_out)]
    every = Path(whole.directory, "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    kept = choose(Path(whole.directory, "tokenizer.json"), every, texts, chosen.tokens)
    mask = np.zeros(len(every), np.uint8)
    mask[kept] = 1
    arrays = {TOKENS: np.packbits(mask)}
    with tempfile.TemporaryDirectory() as scratch:
        card = AdapterCard("tiny.en-words", whole.sha256, context=whole.context, lineage={"tokens": str(len(kept))})
        pruned = merge(whole, card, arrays, Path(scratch, card.name))
        figures: dict[str, Any] = {"tokens": len(kept), "tokens_whole": len(mask)}
        general = [clip for clip in asterisk_clips() if normalize(clip.text)]
        for manifest in chosen.manifests:
            general += manifest_clips(manifest)
        found = [compared("general", general, whole, pruned)]
        if chosen.films:
            catalogue = read_catalogue(FILMS / "catalogue.csv")
            for name in ("known", "unknown"):
                found += queries(name, chosen.films / f"test-{name}" / QUERIES, catalogue, whole, pruned)
        for each in found:
            figures |= figures_of(each)
        commands = [clip for clip in general if COMMANDS[0] <= clip.seconds <= COMMANDS[1]]
        random.Random(0).shuffle(commands)  # noqa: S311  a choice, not a secret
        arms = {release.name: hear_with(Recognizer(release, RecognizerSettings.load())) for release in (whole, pruned)}
        figures |= measured(arms, commands[:TIMED], slow=whole.name, fast=pruned.name)
    if chosen.out:
        evaluation = {name: value for name, value in figures.items() if name.startswith("wer_")}
        write_adapter(chosen.out, replace(card, merged_sha256=pruned.sha256, evaluation=evaluation), arrays)
    print(json.dumps(figures))


def choose(path: Path, every: Sequence[str], texts: Sequence[str], wanted: int) -> NDArray[np.int64]:
    """Choose the tokens that stay.

    Args:
        path: The `tokenizer.json` of the model with the whole vocabulary.
        every: Its tokens by number, those too that no text is written with.
        texts: What people say, as the model writes it.
        wanted: How many tokens.

    Returns:
        Their numbers, rising.
    """
    tokenizer = Tokenizer.from_file(str(path))
    content = json.loads(path.read_text(encoding="utf-8"))
    parts, numbers = merges_of(content), content["model"]["vocab"]
    kept = {token for token in numbers if token not in parts}
    names = writing_of(FILMS / "catalogue.csv").names
    said = [f" {form}" for pair in names.items() for form in pair] + [f" {number}" for number in range(3000)]
    for encoding in tokenizer.encode_batch([*texts, *said], add_special_tokens=False):
        for token in encoding.tokens:
            kept |= closure(token, parts)
    by_age = sorted(numbers, key=lambda token: int(numbers[token]))
    for token in [*filter(WORD.fullmatch, by_age), *filter(PIECE.fullmatch, by_age)]:
        more = closure(token, parts) - kept
        if len(kept) + len(more) <= wanted - len(CONTROL):
            kept |= more
    control = [every.index(token) for token in CONTROL if token in every]
    return np.array(sorted({*(numbers[token] for token in kept), *control}))


def figures_of(found: Found) -> dict[str, float]:
    """Name the figures of a set that was heard with all tokens and with those that stay."""
    name = found.name.replace(", ", "_")
    rates = {f"wer_whole_{name}": found.before, f"wer_pruned_{name}": found.after}
    if not math.isnan(found.low):
        rates |= {f"wer_difference_low_{name}": found.low, f"wer_difference_high_{name}": found.high}
    return {key: round(value, 4) for key, value in rates.items()}


if __name__ == "__main__":
    main()
