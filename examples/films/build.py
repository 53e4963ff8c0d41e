"""Make the film catalogue from the movies of vega-datasets.

Fetch the source with `npm pack vega-datasets@3.2.1`, unpack it with `tar -xzf vega-datasets-3.2.1.tgz`, then run
`python examples/films/build.py package/data/movies.json`. Writes `catalogue.csv` beside this file, prints each change.
"""

import csv
import json
import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

COLUMNS = ("id", "title", "year", "genre", "director", "distributor")

LAST_YEAR = 2011
"""Of the latest true release in the source, collected in 2010. Later years are two digits in the wrong century."""


def repaired(title: str) -> str:
    """Undo a decoding of Windows text as Mac Roman.

    Args:
        title: As the source has it.

    Returns:
        The title; unchanged where it has a character that Mac Roman lacks, or where both tables agree.
    """
    try:
        return title.encode("mac_roman").decode("cp1252")
    except UnicodeError:
        return title


def release_year(date: str) -> int:
    """Give the year of a date.

    Args:
        date: For example `Dec 31 2046`.

    Returns:
        The year; a century less where it lies after the source was collected (2046 is 1946).
    """
    year = int(date[-4:])
    return year - 100 if year > LAST_YEAR else year


def identifier(title: str, year: int) -> str:
    """Name a film after its title and year, so that the name holds when the source is ordered anew.

    Args:
        title: The repaired title.
        year: The repaired year.

    Returns:
        For example `casino-royale-1967`.
    """
    letters = "".join(c for c in unicodedata.normalize("NFKD", title.lower()) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]+", "-", letters.replace("'", "")).strip("-") + f"-{year}"


def films(records: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Turn the source's records into rows of the catalogue, and print what was changed.

    Args:
        records: Those of `movies.json`.

    Returns:
        One row for each record with a title, in the order of the source.
    """
    rows: dict[str, dict[str, str]] = {}
    for number, record in enumerate(records, 1):
        if record["Title"] is None:
            print(f"record {number}: left out, it has no title")
            continue
        source, year = str(record["Title"]), release_year(record["Release Date"])
        title = " ".join(repaired(source).split())
        if title != source:
            print(f"record {number}: title {source!r} -> {title!r}")
        if str(year) != record["Release Date"][-4:]:
            print(f"record {number}: year of {title!r}, {record['Release Date'][-4:]} -> {year}")
        row = {
            "id": identifier(title, year),
            "title": title,
            "year": str(year),
            "genre": record["Major Genre"] or "",
            "director": record["Director"] or "",
            "distributor": record["Distributor"] or "",
        }
        if row["id"] in rows:
            raise SystemExit(f"record {number}: the id {row['id']} is taken; tell the two films apart")
        rows[row["id"]] = row
    return list(rows.values())


def main(source: Path) -> None:
    """Write the catalogue.

    Args:
        source: `movies.json`.
    """
    rows = films(json.loads(source.read_text(encoding="utf-8")))
    with Path(__file__).with_name("catalogue.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} films written")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
