"""Rows of a CSV or JSONL file, one at a time; a row that cannot be read is a problem, not the end.

Knows nothing of what the columns mean.
"""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from data.errors import CatalogueError

DELIMITERS = (",", ";", "\t")
MAX_CELL = 10_000
"""Characters of the longest cell allowed; more is usually a quotation mark that is never closed."""

_COMMA_SEPARATED = {".csv", ".tsv", ".txt"}
_JSON_LINES = {".jsonl", ".ndjson"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line on which it begins (1 is the first of the file), and its cells or what is wrong with it."""

    number: int
    cells: dict[str, str] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """A file's columns in their order, every row that is not blank, and the SHA-256 of the file."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    sha256: str


def read_table(path: Path, *, quoted: bool = True) -> Table:
    """Read a table.

    Args:
        path: `.csv`, `.tsv` or `.txt` with a header, separated by comma, semicolon or tab; or `.jsonl` or `.ndjson`, an
            object a line. UTF-8, with or without a byte order mark.
        quoted: Whether a quotation mark at the start of a cell encloses it; in Common Voice it is part of the text.

    Returns:
        What is in it; a row that cannot be used says why.

    Raises:
        CatalogueError: There is no such file, or it is of another kind as a whole.
    """
    suffix = path.suffix.lower()
    if suffix not in _COMMA_SEPARATED | _JSON_LINES:
        raise CatalogueError(f"{path}: the name must end in .csv, .tsv, .jsonl or .ndjson; export the table so")
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CatalogueError(f"{path}: the file cannot be read ({error.strerror}); check the path") from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw[:2]:
        raise CatalogueError(f"{path}: the file is UTF-16; save it as UTF-8")
    # Bytes that are not UTF-8 become lone surrogates, so that the rows around them are still found.
    text = raw.decode("utf-8-sig", errors="surrogateescape")
    columns, rows = _read_csv(text, path, quoted) if suffix in _COMMA_SEPARATED else _read_json_lines(text)
    return Table(columns, tuple(rows), hashlib.sha256(raw).hexdigest())


def _read_json_lines(text: str) -> tuple[tuple[str, ...], list[Row]]:
    rows = list(_json_rows(text))
    return tuple(dict.fromkeys(name for row in rows for name in row.cells)), rows


def _read_csv(text: str, path: Path, quoted: bool) -> tuple[tuple[str, ...], list[Row]]:
    # The header tells the delimiter more surely than csv.Sniffer, which titles full of commas mislead.
    delimiter = max(DELIMITERS, key=re.split(r"[\r\n]", text.lstrip(), maxsplit=1)[0].count)
    rows = _parsed(text, delimiter, quoted)
    first, cells, problem = next(rows, (1, [], None))
    if problem:
        raise CatalogueError(f"{path}: row {first}: the header cannot be read: {problem}; correct it")
    header = tuple(name.strip() for name in cells)
    repeated = [name for name in header if name and header.count(name) > 1]
    if repeated:
        raise CatalogueError(f"{path}: row {first}: the column {repeated[0]!r} is there twice; rename one")
    return header, [_csv_row(number, cells, problem, header) for number, cells, problem in rows]


def _parsed(text: str, delimiter: str, quoted: bool) -> Iterator[tuple[int, list[str], str | None]]:
    """Give every row that is not blank, or why it cannot be taken apart, with the line on which it begins."""
    lines = io.StringIO(text, newline="").readlines()
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    start = 0
    while start < len(lines):
        reader = csv.reader(islice(lines, start, None), delimiter=delimiter, quoting=quoting, strict=True)
        first = 1
        try:
            for cells in reader:
                if any(cells):
                    yield start + first, cells, None
                first = reader.line_num + 1
            return
        except csv.Error as error:
            # A quotation mark that is not closed takes in the rows after it: go on with the very next line.
            unclosed = reader.line_num > first
            yield start + first, [], "a quotation mark is not closed" if unclosed else f"not CSV ({error})"
            start += first


def _csv_row(number: int, cells: list[str], problem: str | None, header: tuple[str, ...]) -> Row:
    if problem is None and len(cells) > len(header):
        problem = f"{len(cells)} cells, but the header has {len(header)}; is a delimiter not in quotation marks?"
    return _checked(number, dict(zip(header, cells, strict=False)), problem)


def _json_rows(text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            yield Row(number, problem=f"not JSON ({getattr(error, 'msg', error)})")
            continue
        if not isinstance(value, dict):
            yield Row(number, problem="not a JSON object")
            continue
        nested = next((name for name, cell in value.items() if not _is_cell(cell)), None)
        problem = None if nested is None else f"the value of {nested!r} is neither text, a number nor a list of these"
        cells = {} if problem else {name.strip(): _cell_text(cell) for name, cell in value.items()}
        yield _checked(number, cells, problem)


def _checked(number: int, cells: dict[str, str], problem: str | None) -> Row:
    if problem is None:
        for name, cell in cells.items():
            if len(cell) > MAX_CELL:
                problem = f"{name!r} has {len(cell):,} characters, more than {MAX_CELL:,}"
            elif not _is_unicode(name + cell):
                problem = f"{name!r} is not UTF-8: save the file as UTF-8"
    return Row(number, {} if problem else cells, problem)


def _is_unicode(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _is_cell(value: Any) -> bool:
    return not isinstance(value, dict) and (not isinstance(value, list) or all(_is_scalar(part) for part in value))


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _cell_text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(_cell_text(part) for part in value)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a JSON number")
