"""The spoken film queries of the tuning figures: train on some voices and titles, test on others.

A tenth of the films is never said in training, a twentieth only in the development part. Training hears espeak and two
of flite's voices, development flite's third, testing piper's and festival's, which are of other people. Texts are
brought to the convention, in which the catalogue's names keep their spelling.

    python -m benchmarks.tuning_data OUT [--queries 3200]

writes `OUT/train`, `OUT/dev`, `OUT/test-known` and `OUT/test-unknown`, each with a `queries.jsonl`; what is there
already is not said again. The last line is JSON.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from data.catalogue import Catalogue, Item, read_catalogue
from data.errors import LabelError
from data.manifest import read_manifest, write_manifest
from data.settings import HomeSettings
from data.spoken import spoken_form
from data.synthesis import Query, plan_queries, plan_takes, read_templates, synthesize
from data.voices import require, voices_named
from data.workers import core_count
from labeling.lint import fix_manifest
from labeling.rulebook import convention_for

FILMS = Path(__file__).parent.parent / "examples" / "films"
QUERIES = "queries.jsonl"
"""The manifest of each part; beside it `manifest.jsonl` is as the voices left it."""

VOICES = {
    "train": ("espeak-us", "espeak-us-f3", "espeak-gb", "espeak-scotland", "flite-slt", "flite-rms"),
    "dev": ("flite-awb",),
    "test-known": ("piper-joe", "festival-kal"),
    "test-unknown": ("piper-joe", "festival-kal"),
}
SPLITS = {"train": "train", "dev": "dev", "test-known": "test", "test-unknown": "test"}


def main() -> None:
    """Make the four manifests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path, help="folder of the four manifests")
    parser.add_argument("--queries", type=int, default=3200, help="different queries to train on")
    parser.add_argument("--tested", type=int, default=150, help="different queries of each test, said by two voices")
    chosen = parser.parse_args()

    home = HomeSettings.load().home
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    convention = convention_for(None, FILMS / "catalogue.csv")
    found = {}
    with Progress(console=Console(stderr=True)) as bar:
        for part, queries in plan(catalogue, chosen.queries, chosen.tested):
            voices, takes = voices_named(VOICES[part]), 2 if part.startswith("test") else 1
            require(voices, home, lambda line: print(line, file=sys.stderr))
            task = bar.add_task(part)
            batch = synthesize(
                catalogue,
                plan_takes(queries, voices, takes, 0),
                chosen.out / part,
                home,
                processes=core_count(),
                progress=lambda done, total, task=task: bar.update(task, completed=done, total=total),  # type: ignore[misc]  # bound now
            )
            placed = [replace(utterance, split=SPLITS[part]) for utterance in read_manifest(batch.manifest)]
            manifest = batch.manifest.with_name(QUERIES)
            write_manifest(manifest, placed)
            if left := fix_manifest(manifest, convention).left:
                raise LabelError(f"{manifest}: {len(left)} texts break the convention, the first: {left[0]}")
            found[part] = len(placed)
    print(json.dumps(found))


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
