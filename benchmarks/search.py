"""How quick and how right the search is on the film catalogue, next to SQLite's FTS5 in the same run.

    python -m benchmarks.search [--largest N]

Queries are all titles as they are written, and all titles with one typing error (a letter left out, doubled, changed or
swapped with the next; fixed seed). MRR@10 counts a film of the same title as right. Then the curve: the same on
catalogues from 1,000 items up, the larger ones made by joining halves of two titles, with five hypotheses a query as a
recogniser gives them. The last line is JSON.
"""

import argparse
import json
import random
import re
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.catalogue_queries import with_typo
from data.catalogue import Catalogue, Item, read_catalogue
from data.records import Hypothesis
from serve.index import SearchIndex, build_index

Search = Callable[[str], Sequence[str]]
"""From a query to the titles found, best first."""

SIZES = (1_000, 3_200, 10_000, 32_000, 100_000)
"""Items of the catalogues of the curve."""

ASKED = 300
"""Queries at each size."""

CATALOGUE = Path(__file__).parent.parent / "examples" / "films" / "catalogue.csv"


def main() -> None:
    """Print a table, the curve, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="most items of a catalogue")
    largest = parser.parse_args().largest
    catalogue = read_catalogue(CATALOGUE)
    titles = [item.title for item in catalogue.items]
    chance = random.Random(0)  # noqa: S311  not for secrets
    queries = titles, [with_typo(title, chance) for title in titles]
    figures: dict[str, float] = {"items": len(titles)}
    for prefix, arm in (("", ours), ("peer_", fts5)):
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            search = arm(catalogue, Path(folder))
            figures[f"{prefix}build_s"] = round(time.perf_counter() - start, 3)
            for name, typed in zip(("typed", "typed_typos"), queries, strict=True):
                ranks, milliseconds = zip(*measured(search, typed, titles), strict=True)
                figures[f"{prefix}mrr_{name}"] = round(
                    statistics.mean(1.0 / rank if rank else 0.0 for rank in ranks), 4
                )
                figures[f"{prefix}p50_ms_{name}"] = round(statistics.median(milliseconds), 2)
                figures[f"{prefix}p95_ms_{name}"] = round(statistics.quantiles(milliseconds, n=20)[-1], 2)
    figures["p95_ms"] = max(figures["p95_ms_typed"], figures["p95_ms_typed_typos"])
    for key, value in figures.items():
        print(f"{key:24s} {value:>10}")
    print("\n| items | index | megabytes | p50 | p95 | p95, 5 hypotheses |\n| --- | --- | --- | --- | --- | --- |")
    curve = [curve_point(grown(catalogue, size)) for size in SIZES if size <= largest]
    for point in curve:
        figures[f"p95_ms_{point['items'] // 1000:.0f}k"] = max(point["p95_ms"], point["p95_ms_nbest"])
    print(json.dumps(figures | {"curve": curve}))


def grown(catalogue: Catalogue, size: int) -> Catalogue:
    """Give a catalogue of a size: the first of its items, or more made of halves of two titles."""
    chance = random.Random(0)  # noqa: S311  not for secrets
    items = list(catalogue.items[:size])
    while len(items) < size:
        first, last, other = chance.choices(catalogue.items, k=3)
        head, tail = first.title.split(), last.title.split()
        title = " ".join([*head[: (len(head) + 1) // 2], *tail[len(tail) // 2 :]])
        items.append(Item(str(len(items)), title, other.fields))
    return replace(catalogue, items=tuple(items), sha256=f"{catalogue.sha256}-{size}")


def curve_point(catalogue: Catalogue) -> dict[str, float]:
    """Index a catalogue and time queries: with a typing error, and as five hypotheses of which one has none."""
    chance = random.Random(1)  # noqa: S311  not for secrets
    titles = [item.title for item in chance.choices(catalogue.items, k=ASKED)]
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        info = build_index(catalogue, Path(folder))
        build_s = time.perf_counter() - start
        megabytes = sum(path.stat().st_size for path in info.folder.iterdir()) / 1e6
        index = SearchIndex.open(Path(folder))
        queries = [[Hypothesis(with_typo(title, chance), 0.0)] for title in titles]
        heard = [[Hypothesis(with_typo(title, chance), -0.1 * rank) for rank in range(5)] for title in titles]
        once, nbest = ([timed(index, each) for each in group] for group in (queries, heard))
    p50, p95 = statistics.median(once), statistics.quantiles(once, n=20)[-1]
    nbest_p95 = statistics.quantiles(nbest, n=20)[-1]
    print(f"| {info.items:,} | {build_s:.1f} s | {megabytes:.1f} | {p50:.1f} | {p95:.1f} | {nbest_p95:.1f} |")
    return {
        "items": info.items,
        "build_s": round(build_s, 2),
        "p50_ms": round(p50, 2),
        "p95_ms": round(p95, 2),
        "p95_ms_nbest": round(nbest_p95, 2),
    }


def timed(index: SearchIndex, hypotheses: Sequence[Hypothesis]) -> float:
    """Give the milliseconds of a search."""
    start = time.perf_counter()
    index.find(hypotheses)
    return 1000.0 * (time.perf_counter() - start)


def measured(search: Search, queries: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[int, float]]:
    """Give the rank of the wanted title (0 where it is not among ten) and the milliseconds of each query."""
    for query, title in zip(queries, wanted, strict=True):
        start = time.perf_counter()
        found = list(search(query))
        elapsed = 1000.0 * (time.perf_counter() - start)
        yield (found.index(title) + 1 if title in found else 0), elapsed


def ours(catalogue: Catalogue, folder: Path) -> Search:
    """Build and open this project's index."""
    build_index(catalogue, folder)
    index = SearchIndex.open(folder)
    return lambda query: [hit.title for hit in index.search(query)]


def fts5(catalogue: Catalogue, folder: Path) -> Search:
    """Build an FTS5 table with the same columns and weights; any word may match, none approximately."""
    columns = list(catalogue.mapping.searched)
    connection = sqlite3.connect(folder / "peer.db")
    connection.execute(f"create virtual table films using fts5({', '.join(columns)}, tokenize='unicode61')")
    rows = [[item.text(column, catalogue.mapping) for column in columns] for item in catalogue.items]
    with connection:
        connection.executemany(f"insert into films values ({', '.join('?' * len(columns))})", rows)  # noqa: S608  fixed
    weights = ", ".join(str(weight) for weight in catalogue.mapping.searched.values())
    order = f"select title from films where films match ? order by bm25(films, {weights}) limit 10"  # noqa: S608  fixed

    def search(query: str) -> list[str]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", query))
        return [title for (title,) in connection.execute(order, (words,))] if words else []

    return search


if __name__ == "__main__":
    main()
