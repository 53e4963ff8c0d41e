"""What the retrieval benchmark asks: known films, facets, and films that the catalogue does not have.

Every title belongs to one part by its hash: `fit`, on which weights are fitted, or `test`; and a tenth of each part is
left out of the index, to be asked for in vain. Nothing else decides who is where, so nothing tuned on is tested on.
"""

import hashlib
import random
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from data.catalogue import Catalogue, Item, read_catalogue
from data.spoken import plain_words, spoken_form
from data.synthesis import read_templates

FILMS = Path(__file__).parent.parent / "examples" / "films"

FACET_TEMPLATES = (
    "films by {director}",
    "show me films by {director} from the {decade}",
    "a good {genre} from {year}",
    "{genre} films by {director}",
    "show me {genre} movies from the {decade}",
)

DECADES = ("twenties", "thirties", "forties", "fifties", "sixties", "seventies", "eighties", "nineties")


@dataclass(frozen=True, slots=True)
class Asked:
    """One query.

    `typed` is as a person types it, `said` as a person says it. `wanted` are the ids that answer it; none where the
    catalogue has no answer.
    """

    typed: str
    said: str
    template: str
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True)
class QuerySet:
    """The queries of one part: films that are indexed, half of their title alone, facets, and films that are not."""

    known: tuple[Asked, ...]
    halves: tuple[Asked, ...]
    facets: tuple[Asked, ...]
    absent: tuple[Asked, ...]


def part_of(title: str) -> str:
    """Say whether a title is for fitting (`fit`) or for testing (`test`)."""
    return "fit" if _digest(title)[0] < 128 else "test"


def is_absent(title: str) -> bool:
    """Say whether films of a title, about one in ten, are left out of the index."""
    return _digest(title)[1] < 26


def indexed_part(catalogue: Catalogue) -> Catalogue:
    """Give the catalogue without the films that are asked for in vain."""
    items = tuple(item for item in catalogue.items if not is_absent(item.title))
    return replace(catalogue, items=items, sha256=f"{catalogue.sha256}-indexed")


def queries_of(part: str, titles: int | None, others: int | None) -> QuerySet:
    """Draw the queries of a part.

    Args:
        part: `fit` or `test`.
        titles: Most known titles, None for all.
        others: Most queries of each other kind, None for all.

    Returns:
        The same queries for the same arguments; fewer are the first of more.
    """
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    templates = [each for each in read_templates(FILMS / "templates.txt") if "{title}" in each]
    same: dict[str, set[str]] = {}
    for item in indexed_part(catalogue).items:
        same.setdefault(spoken_form(item.title), set()).add(item.id)  # "Halloween 2" answers "Halloween II"
    mine = {plain_words(item.title): item for item in catalogue.items if part_of(item.title) == part}
    drawn = [item for key, item in sorted(mine.items(), key=lambda pair: _digest(pair[1].title)) if key]
    asked = [_asked(item, templates, same.get(spoken_form(item.title), set())) for item in drawn]
    known = [each for each in asked if each.wanted][:titles]
    absent = [each for each in asked if not each.wanted][:others]
    titles_said = {item.id: f" {spoken_form(item.title)} " for item in indexed_part(catalogue).items}
    halves = (_half(item.title, titles_said) for item in drawn if len(spoken_form(item.title).split()) > 3)
    return QuerySet(
        known=tuple(known),
        halves=tuple(islice((each for each in halves if each.wanted), others)),
        facets=tuple(_facet_queries(indexed_part(catalogue), part)[:others]),
        absent=tuple(absent),
    )


def with_typo(text: str, chance: random.Random) -> str:
    """Type a text with one error, in a letter: left out, doubled, changed or swapped with the next."""
    place = chance.choice([index for index, letter in enumerate(text) if letter.isalnum()])
    before, letter, after = text[:place], text[place], text[place + 1 :]
    return chance.choice(
        (before + after, before + letter * 2 + after, before + chance.choice(string.ascii_lowercase) + after)
        + ((before + after[0] + letter + after[1:],) if after else ())
    )


def _asked(item: Item, templates: Sequence[str], wanted: set[str]) -> Asked:
    fitting = [each for each in templates if all(_cells(item)[name] for name in re.findall(r"{(\w+)}", each))]
    template = fitting[_digest(item.title)[2] % len(fitting)]
    said = {name: spoken_form(cell) for name, cell in _cells(item).items()}
    narrowed = wanted & {item.id} or wanted if re.search("year|director", template) else wanted
    return Asked(
        template.format_map(_cells(item)), plain_words(template.format_map(said)), template, frozenset(narrowed)
    )


def _half(title: str, titles_said: Mapping[str, str]) -> Asked:
    """Ask for the first or the last half of a title; every film whose title has these words in a row answers."""
    said = spoken_form(title).split()
    half = " ".join(said[len(said) // 2 :] if _digest(title)[3] % 2 else said[: (len(said) + 1) // 2])
    wanted = frozenset(identifier for identifier, other in titles_said.items() if f" {half} " in other)
    return Asked(half, half, "half", wanted)


def _facet_queries(catalogue: Catalogue, part: str) -> list[Asked]:
    """Draw queries that name no title, in an order of their own."""
    found: dict[str, Asked] = {}
    for number, item in enumerate(sorted(catalogue.items, key=lambda each: _digest(each.id))):
        template = FACET_TEMPLATES[number % len(FACET_TEMPLATES)]
        names = set(re.findall(r"{(\w+)}", template))
        cells = _cells(item)
        if part_of(item.title) != part or not all(cells[name] for name in names) or "/" in cells["genre"]:
            continue
        wanted = frozenset(
            other.id for other in catalogue.items if all(_cells(other)[name] == cells[name] for name in names)
        )
        said = plain_words(template.format_map({name: spoken_form(cell) for name, cell in cells.items()}))
        found.setdefault(said, Asked(template.format_map(cells), said, template, wanted))
    return list(found.values())


def _cells(item: Item) -> dict[str, str]:
    year = item.fields["year"]
    decade = DECADES[int(year[2]) - 2] if year.startswith("19") and int(year[2]) >= 2 else ""
    cells = {name: item.fields.get(name, "") for name in ("year", "director", "genre")}
    return cells | {"title": item.title, "decade": decade, "genre": cells["genre"].lower()}


def _digest(text: str) -> bytes:
    return hashlib.sha256(plain_words(text).encode()).digest()
