"""What tuning to the film catalogue gains and costs: word errors before and after, on voices it was never trained on.

Before is the model in use, after the model of a run (`RUN/model`) or a packaged one by name. The spoken queries are
those of `benchmarks.tuning_data`: titles that training has, titles that it has not, and in both the words of the films'
and directors' names. General speech is the Asterisk prompts, fetched with apt-get, and any manifest with transcripts.
Each difference has its 95% paired bootstrap interval (M. Bisani and H. Ney, 2004).

    python -m benchmarks.tuning MODEL DATA [--general MANIFEST ...]
    python -m benchmarks.tuning MODEL --test MANIFEST

The second form compares a model with the published weights at 30 s on one manifest: the demonstration on the Asterisk
prompts. The last line is JSON.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import jiwer
from rich.console import Console
from rich.table import Table

from asr.recognizer import Recognizer
from asr.scoring import paired_difference, score
from asr.settings import RecognizerSettings
from asr.weights import prepare_published, prepare_release
from benchmarks.short_context import Clip, asterisk_clips, hear_with, manifest_clips
from benchmarks.tuning_data import FILMS, QUERIES
from data.catalogue import Catalogue, read_catalogue
from data.clips import read_clip
from data.manifest import clip_path, read_manifest
from data.records import Release, Utterance
from data.settings import HomeSettings
from data.spoken import spoken_form
from labeling.normalization import normalize

TARGETS = {"known": 0.40, "unknown": 0.15, "names": 0.60, "published": 0.50}
"""Least share of the word errors that tuning takes away."""

GENERAL = 0.005
"""Most by which the word error rate of general speech may rise."""


@dataclass(frozen=True, slots=True)
class Found:
    """A set heard before and after: word error rates, and the interval of their difference."""

    name: str
    words: int
    before: float
    after: float
    low: float
    high: float

    @property
    def fewer(self) -> float:
        """Share of the errors that is gone."""
        return 1.0 - self.after / self.before if self.before else 0.0


def main() -> None:
    """Print the table, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="folder of the tuned model, or a packaged model's name")
    parser.add_argument("data", nargs="?", type=Path, help="folder that benchmarks.tuning_data wrote")
    parser.add_argument("--general", nargs="*", type=Path, default=[], help="manifests of general speech")
    parser.add_argument("--test", type=Path, help="one manifest, against the published weights")
    chosen = parser.parse_args()

    models = HomeSettings.load().models
    tuned = prepare_release(chosen.model, models, print)
    if chosen.test:
        published = prepare_published("tiny.en", models, print)
        show([compared("published", spoken(chosen.test), published, tuned)])
        return
    start = prepare_release(RecognizerSettings.load().model, models, print)
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    found: list[Found] = []
    for name in ("known", "unknown"):
        found += queries(name, chosen.data / f"test-{name}" / QUERIES, catalogue, start, tuned)
    general = [clip for clip in asterisk_clips() if normalize(clip.text)]
    for manifest in chosen.general:
        general += spoken(manifest)
    show([*found, compared("general", general, start, tuned)])


def spoken(manifest: Path) -> list[Clip]:
    """Give the clips of a manifest in which somebody speaks."""
    return [clip for clip in manifest_clips(manifest) if clip.text]


def compared(name: str, clips: Sequence[Clip], before: Release, after: Release) -> Found:
    """Hear clips with both models."""
    return found_in(name, [clip.text for clip in clips], heard(before, clips), heard(after, clips))


def found_in(name: str, texts: Sequence[str], before: Sequence[str], after: Sequence[str]) -> Found:
    """Compare what was heard before and after with what was said, `texts`."""
    interval = paired_difference(texts, after, before)
    first, second = score(texts, before), score(texts, after)
    return Found(name, first.words, first.wer, second.wer, interval.low, interval.high)


def queries(name: str, manifest: Path, catalogue: Catalogue, before: Release, after: Release) -> Iterator[Found]:
    """Hear spoken queries with both models; give the figures of all words, and of the words of names."""
    utterances = read_manifest(manifest)
    clips = [Clip(read_clip(clip_path(manifest, each)), name, each.text) for each in utterances]
    texts = [each.text for each in utterances]
    theirs, ours = heard(before, clips), heard(after, clips)
    yield found_in(name, texts, theirs, ours)
    names = [names_in(each, catalogue) for each in utterances]
    missed = [[missed_names(*each) for each in zip(texts, names, texts_, strict=True)] for texts_ in (theirs, ours)]
    words = sum(count for _, count in missed[0])
    rates = [sum(wrong for wrong, _ in each) / words for each in missed]
    yield Found(f"names, {name}", words, rates[0], rates[1], float("nan"), float("nan"))


def heard(release: Release, clips: Sequence[Clip]) -> list[str]:
    """Hear clips with a model."""
    hear = hear_with(Recognizer(release, RecognizerSettings.load()))
    return [hear(clip.samples) for clip in clips]


def names_in(utterance: Utterance, catalogue: Catalogue) -> set[str]:
    """Give the words of a query that are of a film's or a director's name."""
    told = next(step.parameters for step in utterance.lineage if step.name == "query")
    item = next(item for item in catalogue.items if item.id == told["item"])
    columns = [name for name in ("title", "director") if f"{{{name}}}" in str(told["template"])]
    return {word for name in columns for word in normalize(spoken_form(item.text(name, catalogue.mapping))).split()}


def missed_names(said: str, names: set[str], text: str) -> tuple[int, int]:
    """Count the words of names that were not heard, and all of them."""
    words = normalize(said).split()
    aligned = jiwer.process_words(" ".join(words), normalize(text)).alignments[0]
    right = {
        place for chunk in aligned if chunk.type == "equal" for place in range(chunk.ref_start_idx, chunk.ref_end_idx)
    }
    places = [place for place, word in enumerate(words) if word in names]
    return sum(place not in right for place in places), len(places)


def show(found: Sequence[Found]) -> None:
    """Print the table and the line of JSON."""
    table = Table(box=None, pad_edge=False)
    for name in ("words of", "number", "before", "after", "difference in points", "fewer errors", "target", "met"):
        table.add_column(name)
    figures: dict[str, float | bool] = {}
    for each in found:
        share = next((share for key, share in TARGETS.items() if each.name.split(",")[0] == key), None)
        met = each.after - each.before <= GENERAL if share is None else each.fewer >= share
        interval = f" [{100 * each.low:+.1f}, {100 * each.high:+.1f}]" if each.low == each.low else ""
        table.add_row(
            each.name,
            str(each.words),
            f"{100 * each.before:.1f}%",
            f"{100 * each.after:.1f}%",
            f"{100 * (each.after - each.before):+.1f}{interval}",
            f"{100 * each.fewer:.0f}%",
            f"{100 * GENERAL:.1f} points more" if share is None else f"{100 * share:.0f}%",
            "yes" if met else "no",
        )
        key = each.name.replace(", ", "_")
        figures |= {f"wer_before_{key}": round(each.before, 4), f"wer_after_{key}": round(each.after, 4)}
        figures |= {f"fewer_{key}": round(each.fewer, 3), f"met_{key}": bool(met)}
    Console().print(table)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
