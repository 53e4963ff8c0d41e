"""The spoken film queries of the tuning figures: train on some voices and titles, test on others.

A tenth of the films is never said in training, a twentieth only in the development part. Every query of training is
said three times: by one of espeak's and flite's voices, by one of espeak's accents, and by Hibari. Development hears
Pico, testing piper and festival: other programs, and other people. Texts are brought to the convention, in which the
catalogue's names keep their spelling.

    python -m benchmarks.tuning_data OUT [--queries 2800]

writes `OUT/train`, `OUT/dev`, `OUT/test-known` and `OUT/test-unknown`, each with a `queries.jsonl`; what is
there already is not said again. The last line is JSON.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from data.catalogue import Catalogue, Item, read_catalogue
from data.errors import LabelError
from data.manifest import write_manifest
from data.records import Utterance
from data.settings import HomeSettings
from data.spoken import spoken_form
from data.synthesis import Query, Take, plan_queries, plan_takes, read_templates, synthesize
from data.voices import MORE_VOICES, Voice, require, voices_named
from data.workers import core_count
from labeling.lint import fix_manifest
from labeling.rulebook import convention_for

FILMS = Path(__file__).parent.parent / "examples" / "films"
QUERIES = "queries.jsonl"
"""The manifest of each part; beside it `manifest.jsonl` is as the voices left it."""

TRAINING = (
    ("espeak-us", "espeak-us-f3", "espeak-gb", "espeak-scotland", "flite-slt", "flite-rms"),
    tuple(voice.name for voice in MORE_VOICES if voice.engine == "espeak-ng"),
    ("hibari-heart",),
)
"""Who says every query of training: one voice of each group."""

TESTING = ("piper-joe", "festival-kal")
VOICES = {"dev": ("pico-us", "pico-gb"), "test-known": TESTING, "test-unknown": TESTING}
SPLITS = {"train": "train", "dev": "dev", "test-known": "test", "test-unknown": "test"}


def main() -> None:
    """Make the four manifests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the four manifests")
    parser.add_argument("--queries", type=int, default=2800, help="different queries to train on")
    parser.add_argument("--tested", type=int, default=120, help="different queries of each test, said by two voices")
    chosen = parser.parse_args()

    home = HomeSettings.load().home
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    found = {}
    with Progress(console=Console(stderr=True)) as bar:
        parts = dict(plan(catalogue, chosen.queries, chosen.tested))
        speak = partial(said, catalogue, chosen.out, home, bar)
        for part in VOICES:
            voices, each = called(part, VOICES[part], home), 2 if part.startswith("test") else 1
            found[part] = len(speak(part, plan_takes(parts[part], voices, each, 0)))
        groups = [called("train", names, home) for names in TRAINING]
        takes = [take for group in groups for take in plan_takes(parts["train"], group, 1, 0)]
        found["train"] = len(speak("train", takes))
    print(json.dumps(found))


def called(part: str, names: Sequence[str], home: Path) -> tuple[Voice, ...]:
    """Give voices that can speak."""
    voices = voices_named(names)
    require(voices, home, lambda line: print(f"{part}: {line}", file=sys.stderr))
    return voices


def said(
    catalogue: Catalogue, out: Path, home: Path, bar: Progress, part: str, takes: Sequence[Take]
) -> Sequence[Utterance]:
    """Say a part's queries, and write its manifest with texts as the convention asks.

    Args:
        catalogue: The films.
        out: Folder of the parts.
        home: Folder of programs.
        bar: Shows how it goes.
        part: Which.
        takes: Who says what.

    Returns:
        The clips, with the texts that were said.
    """
    task = bar.add_task(part)
    batch = synthesize(
        catalogue,
        takes,
        out / part,
        home,
        processes=core_count(),
        progress=lambda done, total: bar.update(task, completed=done, total=total),
    )
    placed = [replace(utterance, split=SPLITS[part]) for utterance in batch.utterances]
    manifest = batch.manifest.with_name(QUERIES)
    write_manifest(manifest, placed)
    if left := fix_manifest(manifest, convention_for(None, FILMS / "catalogue.csv")).left:
        raise LabelError(f"{manifest}: {len(left)} texts break the convention, the first: {left[0]}")
    return batch.utterances


def plan(catalogue: Catalogue, queries: int, tested: int) -> Iterator[tuple[str, Sequence[Query]]]:
    """Choose who is asked for in each part.

    Args:
        catalogue: The films.
        queries: How many different queries training has.
        tested: How many different queries each test has.

    Yields:
        The part and its queries. Training has the titles of `test-known` and of half of `dev`, and none of the others.
    """
    templates = read_templates(FILMS / "templates.txt")
    naming = tuple(template for template in templates if "{title}" in template)
    shares = {item.id: int(hashlib.sha256(item.id.encode()).hexdigest()[:8], 16) / 2**32 for item in catalogue.items}
    known = [item for item in catalogue.items if shares[item.id] < 0.85]
    trained = plan_queries(replace(catalogue, items=tuple(known)), templates, queries, 0)
    said = {query.item_id for query in trained if "{title}" in query.template}
    titles = {spoken_form(item.title) for item in known}
    others = [item for item in catalogue.items if spoken_form(item.title) not in titles]

    def asking(items: Sequence[Item], count: int, seed: int) -> Sequence[Query]:
        return plan_queries(replace(catalogue, items=tuple(items)), naming, count, seed)

    trained_items = [item for item in known if item.id in said]
    yield "test-known", asking(trained_items, tested, 1)
    yield "test-unknown", asking([item for item in others if shares[item.id] >= 0.9], tested, 2)
    unheard = [item for item in others if 0.85 <= shares[item.id] < 0.9]
    yield "dev", (*asking(trained_items, tested // 2, 3), *asking(unheard, tested // 2, 4))
    yield "train", trained


if __name__ == "__main__":
    main()
