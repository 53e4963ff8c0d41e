"""How often the film that was asked for is on top: typed, spoken, spoken in noise, and asked for in vain.

    python -m benchmarks.retrieval [--ablation] [--full] [--unseen] [--titles N] [--model tiny.en]

Three arms: what is typed, which is the ceiling; one-best, the retriever and the release that this project began with,
frozen, on what was heard; and this system. Spoken queries come from voices that nothing was fitted on. MRR@10, recall
and intervals are over the same queries in every arm. `--unseen` asks for other titles of the test part than the 400
that were looked at while the search was made. `--ablation` adds this system without each of its parts, the other
weights fitted anew. Prints the tables of docs/search.md; the last line is JSON.
"""

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import numpy as np

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from benchmarks.baseline_search import BaselineSearch
from benchmarks.catalogue_queries import FILMS, QuerySet, indexed_part, queries_of
from benchmarks.query_sets import Heards, Query, query_sets
from benchmarks.ranking_ablation import print_ablation
from benchmarks.spoken_queries import SNR_DB
from data.catalogue import Catalogue, read_catalogue
from data.clips import read_clip
from data.condition import condition
from data.settings import HomeSettings
from serve.generation import Generation
from serve.index import build_index

TITLES, OTHERS = 400, 100
TIMED = 60
"""Recognitions that are timed."""

Argument = TypeVar("Argument")

Arm = Callable[[Heards], tuple[list[str], bool]]
"""From what was heard to the ids shown, best first, and whether the first is shown as found."""


@dataclass(frozen=True, slots=True)
class Quality:
    """Of one arm on one set of queries; `false_answers` is the share shown as found without being asked for."""

    mrr: float
    low: float
    high: float
    recall: dict[int, float]
    nothing: float
    false_answers: float


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="all titles of the test part")
    parser.add_argument("--unseen", action="store_true", help="titles that were not looked at in development")
    parser.add_argument("--titles", type=int, default=TITLES, help="how many titles")
    parser.add_argument("--ablation", action="store_true", help="also print what each part brings")
    parser.add_argument("--model", default="tiny.en", help="who hears: a packaged model, or a folder")
    arguments = parser.parse_args()
    catalogue = indexed_part(read_catalogue(FILMS / "catalogue.csv"))
    if arguments.unseen:
        sets = query_sets(unseen_queries(arguments.titles), arguments.model)
    else:
        sets = query_sets(queries_of("test", None if arguments.full else arguments.titles, OTHERS), arguments.model)
    with TemporaryDirectory() as folder:
        generation = Generation(build_index(catalogue, Path(folder)).folder)
        arms = {"one-best": one_best(catalogue), "this system": this_system(generation)}
        figures = print_arms(sets, arms)
        figures |= print_cost(sets, arms, arguments.model)
        print_worst(sets, arms["this system"])
        if arguments.ablation or arguments.full:
            print_ablation(sets, catalogue, generation)
    print(json.dumps(figures))


def unseen_queries(titles: int) -> QuerySet:
    """Give queries of the test part that a run without `--unseen` does not ask, at most so many titles."""
    whole = queries_of("test", None, None)
    rest = slice(OTHERS, 2 * OTHERS)
    return QuerySet(whole.known[TITLES : TITLES + titles], whole.halves[rest], whole.facets[rest], whole.absent[rest])


def one_best(catalogue: Catalogue) -> Arm:
    """Give the frozen arm: the best hypothesis alone; whatever is found is shown."""
    baseline = BaselineSearch(catalogue)
    return lambda heard: (found, bool(found)) if heard and (found := baseline.search(heard[0].text)) else ([], False)


def this_system(generation: Generation) -> Arm:
    """Give this system's arm."""

    def search(heard: Heards) -> tuple[list[str], bool]:
        found = generation.find(heard, 10)
        return [hit.id for hit in found.hits], found.sure

    return search


def quality(answered: Sequence[tuple[Query, tuple[list[str], bool]]]) -> Quality:
    """Measure an arm by its answers to a set of queries."""
    answers = [(query.asked.wanted, *answer) for query, answer in answered]
    ranks = np.array([rank_of(wanted, ids) for wanted, ids, _ in answers])
    reciprocal = np.where(ranks > 0, 1.0 / np.maximum(ranks, 1), 0.0)
    drawn = np.random.default_rng(0).integers(0, len(ranks), (1000, len(ranks)))
    low, high = np.percentile(reciprocal[drawn].mean(axis=1), [2.5, 97.5])
    return Quality(
        mrr=float(reciprocal.mean()),
        low=float(low),
        high=float(high),
        recall={place: float(np.mean((ranks > 0) & (ranks <= place))) for place in (1, 5, 10)},
        nothing=float(np.mean([not ids for _, ids, _ in answers])),
        false_answers=float(np.mean([sure and ids[0] not in wanted for wanted, ids, sure in answers])),
    )


def rank_of(wanted: frozenset[str], ids: Sequence[str]) -> int:
    """Give the place of the first wanted id among the first ten, 0 where it is not there."""
    return next((place for place, each in enumerate(ids[:10], 1) if each in wanted), 0)


def print_arms(sets: dict[str, list[Query]], arms: dict[str, Arm]) -> dict[str, float]:
    """Print the table of arms; gives the figures of the last line."""
    print("\n| queries | arm | MRR@10 | 95% interval | recall@1 | @5 | @10 | nothing found | false answers |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    found: dict[tuple[str, str], Quality] = {}
    for name, queries in sets.items():
        answers = {arm: [(query, search(query.heard)) for query in queries] for arm, search in arms.items()}
        for voice in ("", *sorted({query.voice for query in queries if query.voice})):
            label = f"{name}: {voice}" if voice else name
            for arm, answered in answers.items():
                group = [each for each in answered if not voice or each[0].voice == voice]
                got = found[label, arm] = quality(group)
                cells = [
                    f"{got.mrr:.3f}",
                    f"{got.low:.3f} to {got.high:.3f}",
                    *(f"{got.recall[k]:.3f}" for k in (1, 5, 10)),
                ]
                if "absent" in name:
                    cells = ["", "", "", "", ""]
                print(f"| {label} ({len(group)}) | {arm} | " + " | ".join(cells), end=" | ")
                print(f"{got.nothing:.1%} | {got.false_answers:.1%} |")
    ours, theirs = "this system", "one-best"
    ceiling = found["typed", ours].mrr
    figures = {"mrr_typed": ceiling, "mrr_typed_typos": found["typed with an error", ours].mrr}
    figures |= {"mrr_typed_as_spoken": found["typed as spoken", ours].mrr}
    figures["mrr_onebest"] = found["voice, clean", theirs].mrr
    print("\n| spoken | one-best | this system | typed | share of the gap recovered |\n| --- | --- | --- | --- | --- |")
    for level in SNR_DB:
        before, after = (found[f"voice, {level}", arm].mrr for arm in (theirs, ours))
        recovered = (after - before) / (ceiling - before)
        key = level.replace(" dB", "db")
        figures |= {f"mrr_voice_{key}": after, f"mrr_onebest_{key}": before, f"gap_recovered_{key}": recovered}
        print(f"| {level} | {before:.3f} | {after:.3f} | {ceiling:.3f} | {recovered:.0%} |")
    figures["gap_recovered"] = figures["gap_recovered_clean"]
    figures["false_answers"] = max(found[name, ours].false_answers for name in sets if "absent" in name)
    return {name: round(value, 4) for name, value in figures.items()}


def print_cost(sets: dict[str, list[Query]], arms: dict[str, Arm], model: str) -> dict[str, float]:
    """Measure what this system adds to a spoken query: its search, and a beam of five, without which no n-best list."""
    spoken = sets["voice, clean"]
    search = {name: [timed(arm, query.heard) for query in spoken] for name, arm in arms.items()}
    release = prepare_release(model, HomeSettings.load().models, print)
    clips = [condition(read_clip(query.clip)) for query in spoken[:: max(len(spoken) // TIMED, 1)] if query.clip]
    recognise = {}
    for beam in (1, 5):
        recognizer = Recognizer(release, RecognizerSettings(beam_size=beam))
        recognizer.warm_up()
        recognise[beam] = [timed(recognizer.recognize, clip) for clip in clips]
    print("\n| milliseconds | p50 | p95 |\n| --- | --- | --- |")
    stages = {f"search, {name}": times for name, times in search.items()}
    stages |= {f"recognition, beam {beam}": times for beam, times in recognise.items()}
    for name, times in stages.items():
        print(f"| {name} | {np.percentile(times, 50):.1f} | {np.percentile(times, 95):.1f} |")
    added = [
        float(np.percentile(search["this system"], share) - np.percentile(search["one-best"], share))
        + float(np.percentile(recognise[5], share) - np.percentile(recognise[1], share))
        for share in (50, 95)
    ]
    return {"added_p50_ms": round(added[0], 2), "added_p95_ms": round(added[1], 2)}


def print_worst(sets: dict[str, list[Query]], arm: Arm) -> None:
    """Print the ten worst of the clean spoken queries, those that are heard best first."""
    failed = []
    for query in sets["voice, clean"]:
        ids, sure = arm(query.heard)
        place = rank_of(query.asked.wanted, ids)
        if place != 1 and query.heard:
            failed.append((bool(place), -query.heard[0].log_prob, query, ids[:1], sure))
    print(f"\n{len(failed)} of {len(sets['voice, clean'])} clean spoken queries do not have their film on top, such as")
    print("\n| said | voice | heard | on top |\n| --- | --- | --- | --- |")
    for _, _, query, top, sure in sorted(failed, key=lambda each: each[:2])[:10]:
        shown = f"{''.join(top)}{'' if sure else ', not sure'}"
        print(f"| {query.asked.said} | {query.voice} | {query.heard[0].text} | {shown} |")


def timed(task: Callable[[Argument], object], argument: Argument) -> float:
    """Give the milliseconds that something takes."""
    start = time.perf_counter()
    task(argument)
    return 1000.0 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
