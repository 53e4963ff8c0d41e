"""What a vocabulary matched to use saves and costs: tokens are chosen, left out of the weights, and both are heard.

Always kept: every byte; the tokens of the film catalogue's names, as they are said and as they are written; words,
which are a space and letters; what `asr train` heard in the speech to count; numbers up to 2,999. The rest of
`--tokens` are pieces of words, those first that were merged first, which are those that a larger text has most. With
each token those that it is merged from are kept, so that texts are written with the tokens that the model writes. Left
out are other languages' tags, timestamps, and what programs, web pages and other scripts are made of.

    python -m benchmarks.vocabulary --count SPEECH ... [--tokens 38000] [--out FILE] [MANIFEST ...]

Speech to count is any that was not kept for testing. Heard are the Asterisk prompts and any manifests with transcripts,
and with `--films DATA` the tests of `benchmarks.tuning_data`, in which the words of names are counted alone. Writes an
adapter for the default release without its vocabulary pruned. The last line is JSON.
"""

import argparse
import json
import random
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from asr.adapter import TOKENS, AdapterCard, merge, write_adapter
from asr.recognizer import Recognizer
from asr.scoring import paired_difference, score
from asr.settings import RecognizerSettings
from asr.training.replay import read_replay
from asr.training.writing import writing_of
from asr.vocabulary import closure, merges_of
from asr.weights import prepare_release
from benchmarks.short_context import COMMANDS, Clip, asterisk_clips, manifest_clips
from benchmarks.tuning import missed_names, names_in
from benchmarks.tuning_data import FILMS, QUERIES
from data.catalogue import read_catalogue
from data.clips import read_clip
from data.manifest import clip_path, read_manifest
from data.records import Release
from data.settings import HomeSettings
from labeling.normalization import normalize

WHOLE = "tiny.en"
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

TIMED, ROUNDS = 40, 5


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
    kept = choose(Path(whole.directory), texts, chosen.tokens)
    mask = np.zeros(len(listed(whole)), np.uint8)
    mask[kept] = 1
    arrays = {TOKENS: np.packbits(mask)}
    with tempfile.TemporaryDirectory() as scratch:
        card = AdapterCard("tiny.en-words", whole.sha256, context=whole.context, lineage={"tokens": str(len(kept))})
        pruned = merge(whole, card, arrays, Path(scratch, card.name))
        figures: dict[str, Any] = {"tokens": len(kept), "tokens_whole": len(mask)}
        heard = {release.name: Recognizer(release, RecognizerSettings.load()) for release in (whole, pruned)}
        general = [clip for clip in asterisk_clips() if normalize(clip.text)]
        for manifest in chosen.manifests:
            general += manifest_clips(manifest)
        figures |= compared("general", general, *heard.values())
        if chosen.films:
            for name in ("known", "unknown"):
                figures |= films(name, chosen.films / f"test-{name}" / QUERIES, *heard.values())
        figures |= timed(general, *heard.values())
    if chosen.out:
        evaluation = {name: value for name, value in figures.items() if name.startswith("wer_")}
        write_adapter(chosen.out, AdapterCard(card.name, card.base_sha256, pruned.sha256, card.context,
                      card.lineage, evaluation), arrays)  # fmt: skip
    print(json.dumps(figures))


def listed(release: Release) -> list[str]:
    """Give a release's tokens by number."""
    return Path(release.directory, "vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")


def choose(directory: Path, texts: Sequence[str], wanted: int) -> NDArray[np.int64]:
    """Choose the tokens that stay.

    Args:
        directory: Folder of the model with the whole vocabulary.
        texts: What people say, as the model writes it.
        wanted: How many tokens.

    Returns:
        Their numbers, rising.
    """
    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    content = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))
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
    every = (directory / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    control = [every.index(token) for token in CONTROL if token in every]
    return np.array(sorted({*(numbers[token] for token in kept), *control}))


def compared(name: str, clips: Sequence[Clip], whole: Recognizer, pruned: Recognizer) -> dict[str, float]:
    """Hear clips with both; the difference has its paired bootstrap interval."""
    references = [clip.text for clip in clips]
    theirs, ours = heard_by(whole, clips), heard_by(pruned, clips)
    interval = paired_difference(references, ours, theirs)
    for clip, one, other in zip(clips, theirs, ours, strict=True):
        if normalize(one) == normalize(clip.text) != normalize(other):
            print(f"{clip.source}: {clip.text!r} became {other!r}")
    return {
        f"wer_whole_{name}": round(score(references, theirs).wer, 4),
        f"wer_pruned_{name}": round(score(references, ours).wer, 4),
        f"wer_difference_low_{name}": round(interval.low, 4),
        f"wer_difference_high_{name}": round(interval.high, 4),
    }


def films(name: str, manifest: Path, whole: Recognizer, pruned: Recognizer) -> Iterator[tuple[str, float]]:
    """Hear film queries with both; give the figures of all words, and of the words of names."""
    utterances, catalogue = read_manifest(manifest), read_catalogue(FILMS / "catalogue.csv")
    clips = [Clip(read_clip(clip_path(manifest, each)), name, each.text) for each in utterances]
    yield from compared(name, clips, whole, pruned).items()
    asked = [names_in(each, catalogue) for each in utterances]
    for arm, recognizer in (("whole", whole), ("pruned", pruned)):
        texts = heard_by(recognizer, clips)
        missed = [
            missed_names(clip.text, *each) for clip, each in zip(clips, zip(asked, texts, strict=True), strict=True)
        ]
        yield f"wer_{arm}_names_{name}", round(sum(wrong for wrong, _ in missed) / sum(all_ for _, all_ in missed), 4)


def heard_by(recognizer: Recognizer, clips: Sequence[Clip]) -> list[str]:
    """Give what is believed most of each clip."""
    return [found[0].text if found else "" for found, _ in (recognizer.decode(clip.samples) for clip in clips)]


def timed(clips: Sequence[Clip], whole: Recognizer, pruned: Recognizer) -> dict[str, float]:
    """Time commands with both in turn; of each clip the best of some rounds counts."""
    commands = [clip for clip in clips if COMMANDS[0] <= clip.seconds <= COMMANDS[1]]
    random.Random(0).shuffle(commands)  # noqa: S311  a choice, not a secret
    best = {"whole": [float("inf")] * TIMED, "pruned": [float("inf")] * TIMED}
    for _ in range(ROUNDS):
        for place, clip in enumerate(commands[:TIMED]):
            for arm, recognizer in (("whole", whole), ("pruned", pruned)):
                start = time.perf_counter()
                recognizer.decode(clip.samples)
                best[arm][place] = min(best[arm][place], 1000.0 * (time.perf_counter() - start))
    found = {f"command_{arm}_p50_ms": round(statistics.median(each), 1) for arm, each in best.items()}
    return {**found, "speedup": round(statistics.median(best["whole"]) / statistics.median(best["pruned"]), 3)}


if __name__ == "__main__":
    main()
