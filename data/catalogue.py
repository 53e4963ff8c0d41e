"""The catalogue that is searched: its items, and which column is what.

Reads any CSV or JSONL file row by row. Knows nothing of how items are found.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

from data.errors import CatalogueError
from data.tables import Row, read_table

MAPPING_FILE = "mapping.toml"
"""Looked for beside a catalogue when no mapping is named."""

TITLE_WEIGHT = 3.0
"""Weight of the title where no mapping says otherwise; other columns have 1."""


@dataclass(frozen=True, slots=True)
class CatalogueMapping:
    """Which column is what.

    `searched` maps each column in which words are looked for to its weight, above 0. `facets` are columns with few
    values that people name ("a comedy"); `displayed` are the columns that a result shows below its title; `examples`
    are queries to try.
    """

    id: str = "id"
    title: str = "title"
    searched: Mapping[str, float] = field(default_factory=lambda: {"title": TITLE_WEIGHT})
    facets: tuple[str, ...] = ()
    displayed: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()
    name: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that is named, once."""
        return tuple(dict.fromkeys((self.id, self.title, *self.searched, *self.facets, *self.displayed)))


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that can be found; `fields` holds the mapped columns but id and title, without those that are empty."""

    id: str
    title: str
    fields: Mapping[str, str] = field(default_factory=dict)

    def text(self, column: str, mapping: CatalogueMapping) -> str:
        """Give what the item has in a column.

        Args:
            column: One of the mapped columns.
            mapping: That of its catalogue.

        Returns:
            The text, empty where there is none.
        """
        own = {mapping.id: self.id, mapping.title: self.title}
        return own.get(column) or self.fields.get(column, "")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The items of one file in its order, and one line for each row that was left out.

    `sha256` is that of the file.
    """

    name: str
    items: tuple[Item, ...]
    mapping: CatalogueMapping
    problems: tuple[str, ...]
    sha256: str


def read_catalogue(path: Path, mapping: CatalogueMapping | None = None, *, strict: bool = False) -> Catalogue:
    """Read a catalogue, row by row.

    Args:
        path: A CSV or JSONL file; see `data.tables.read_table`.
        mapping: Which column is what. By default `mapping.toml` beside the file; where there is none, `id` and `title`
            are what they say and every other column is searched and displayed.
        strict: Whether one bad row refuses the file.

    Returns:
        The catalogue. Rows without an id or a title, with an id that an earlier row has, with a cell that is too long
        or not UTF-8, or that are not CSV or JSON are left out, each with a line in `problems`.

    Raises:
        CatalogueError: The file cannot be read, lacks a mapped column, has no usable row, or `strict` and a bad one.
    """
    table = read_table(path)
    if mapping is None:
        beside = path.with_name(MAPPING_FILE)
        mapping = read_mapping(beside) if beside.is_file() else _default_mapping(table.columns)
    missing = [name for name in mapping.columns if name not in table.columns]
    if missing and table.columns:
        has = _listed(table.columns)
        raise CatalogueError(f"{path}: there is no column {_listed(missing)}; it has {has}; correct file or mapping")
    items: dict[str, Item] = {}
    first_rows: dict[str, int] = {}
    problems: list[str] = []
    for row in table.rows:
        identifier = row.cells.get(mapping.id, "").strip()
        problem = row.problem or _problem_of(row, identifier, mapping, first_rows)
        if problem:
            problems.append(f"row {row.number}: {problem}")
            continue
        items[identifier] = _item(row, identifier, mapping)
        first_rows[identifier] = row.number
    _refuse_unusable(path, items, problems, strict)
    return Catalogue(mapping.name or path.stem, tuple(items.values()), mapping, tuple(problems), table.sha256)


def read_mapping(path: Path) -> CatalogueMapping:
    """Read a mapping file.

    Args:
        path: TOML with `id`, `title` (column names, by default `id` and `title`), a table `[searched]` of column and
            weight, and optionally `facets`, `displayed` (lists of columns), `examples` (queries) and `name`.

    Returns:
        The mapping.

    Raises:
        CatalogueError: naming the file, the key and what is expected.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CatalogueError(f"{path}: the mapping cannot be read ({error.strerror}); check the path") from error
    except ValueError as error:
        raise CatalogueError(f"{path}: not a TOML file ({error}); correct it") from error
    known = CatalogueMapping.__slots__
    unknown = [key for key in table if key not in known]
    if unknown:
        raise CatalogueError(f"{path}: unknown key {unknown[0]!r}; a mapping has {_listed(known)}")
    for key in ("id", "title", "name"):
        if key in table and not (isinstance(table[key], str) and table[key].strip()):
            raise CatalogueError(f"{path}: {key} = {table[key]!r}; expected a text that is not empty")
    for key in ("facets", "displayed", "examples"):
        if not _is_list_of_text(table.get(key, [])):
            raise CatalogueError(f"{path}: {key} = {table[key]!r}; expected a list of texts")
        table[key] = tuple(table.get(key, []))
    searched = table.setdefault("searched", {table.get("title", "title"): TITLE_WEIGHT})
    if not isinstance(searched, dict) or not searched or not all(_is_weight(weight) for weight in searched.values()):
        raise CatalogueError(f"{path}: searched = {searched!r}; expected columns, each with a weight above 0")
    return CatalogueMapping(**table)


def _default_mapping(columns: tuple[str, ...]) -> CatalogueMapping:
    others = tuple(name for name in columns if name not in ("id", "title", ""))
    return CatalogueMapping(searched={"title": TITLE_WEIGHT} | dict.fromkeys(others, 1.0), displayed=others)


def _problem_of(row: Row, identifier: str, mapping: CatalogueMapping, first_rows: Mapping[str, int]) -> str | None:
    if not identifier:
        return "the id is empty"
    if identifier in first_rows:
        return f"the id {identifier!r} is already on row {first_rows[identifier]}"
    if not row.cells.get(mapping.title, "").strip():
        return "the title is empty"
    return None


def _item(row: Row, identifier: str, mapping: CatalogueMapping) -> Item:
    named = (name for name in mapping.columns if name not in (mapping.id, mapping.title))
    texts = {name: row.cells.get(name, "").strip() for name in named}
    return Item(identifier, row.cells[mapping.title].strip(), {name: text for name, text in texts.items() if text})


def _refuse_unusable(path: Path, items: Mapping[str, Item], problems: list[str], strict: bool) -> None:
    if strict and problems:
        listed = "\n".join(f"{path}: {problem}" for problem in problems)
        raise CatalogueError(f"{path}: {len(problems):,} rows cannot be used; correct them\n{listed}")
    if not items:
        detail = f": none of {len(problems):,} rows can be used, the first: {problems[0]}" if problems else ""
        raise CatalogueError(f"{path}: the catalogue is empty{detail}; give it at least one item")


def _is_list_of_text(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(part, str) for part in value)


def _is_weight(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value) and value > 0


def _listed(names: tuple[str, ...] | list[str]) -> str:
    return ", ".join(repr(name) for name in names if name)
