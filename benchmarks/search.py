"""How quick and how right the search is on the film catalogue, next to SQLite's FTS5 in the same run.

Queries are all titles as they are written, and all titles with one typing error (a letter left out, doubled, changed or
swapped with the next; fixed seed). MRR@10 counts a film of the same title as right. The last line is JSON.
"""

import json
import random
import re
import sqlite3
import statistics
import string
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from data.catalogue import Catalogue, read_catalogue
from serve.index import SearchIndex, build_index

Search = Callable[[str], Sequence[str]]
"""From a query to the titles found, best first."""

CATALOGUE = Path(__file__).parent.parent / "examples" / "films" / "catalogue.csv"


def main() -> None:
    """Print a table, then one line of JSON."""
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
    print(json.dumps(figures))


def measured(search: Search, queries: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[int, float]]:
    """Give the rank of the wanted title (0 where it is not among ten) and the milliseconds of each query."""
    for query, title in zip(queries, wanted, strict=True):
        start = time.perf_counter()
        found = list(search(query))
        elapsed = 1000.0 * (time.perf_counter() - start)
        yield (found.index(title) + 1 if title in found else 0), elapsed


def with_typo(title: str, chance: random.Random) -> str:
    """Type a title with one error, in a letter."""
    place = chance.choice([index for index, letter in enumerate(title) if letter.isalnum()])
    before, letter, after = title[:place], title[place], title[place + 1 :]
    return chance.choice(
        (before + after, before + letter * 2 + after, before + chance.choice(string.ascii_lowercase) + after)
        + ((before + after[0] + letter + after[1:],) if after else ())
    )


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
