"""The search index: built whole in a folder of its own, then swapped in under a running server.

    indexes/current.json     names the folder in use and the one before
    indexes/<content hash>/  a Tantivy index and `about.json`

Knows nothing of recognisers or HTTP.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import tantivy

from data.catalogue import Catalogue, CatalogueMapping, Item
from data.errors import IndexUnavailableError, InvalidRequestError
from data.files import atomic_writer, exclusive
from data.records import SearchHit
from serve.analysis import words
from serve.matching import KEY_FIELD, Vocabulary, build_query, matched_terms, title_key, words_field

FORMAT = 1
"""Raised whenever the same catalogue must be indexed anew."""

POINTER = "current.json"
ABOUT = "about.json"
WRITER_BYTES = 64_000_000
"""Memory of the writer; what fits becomes one segment, in which ties keep the catalogue's order."""

_BUILDING = ".building-"
_FOLDER = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class IndexInfo:
    """What an index holds: the catalogue's name, file hash and size, the fields shown, queries to try, its folder."""

    name: str
    items: int
    sha256: str
    displayed: tuple[str, ...]
    examples: tuple[str, ...]
    folder: Path


def build_index(
    catalogue: Catalogue, indexes: Path, watch: Callable[[Sequence[Item]], Iterable[Item]] = iter
) -> IndexInfo:
    """Index a catalogue and make it the one in use; nothing partial is ever seen.

    A running `SearchIndex` takes it up with its next query. An index of the same content is used again. The one before
    is kept, older ones and what an interrupted build left behind are removed.

    Args:
        catalogue: What to index.
        indexes: Folder of all indexes.
        watch: Passes the items on, showing progress.

    Returns:
        What is in use now.

    Raises:
        IndexUnavailableError: The index cannot be written.
    """
    name = _content_hash(catalogue)
    try:
        indexes.mkdir(parents=True, exist_ok=True)
        with exclusive(indexes):
            _remove_leftovers(indexes)
            generation = _generation(indexes / name)
            if generation is None:
                _write_folder(catalogue, indexes, name, watch)
                generation = _Generation(indexes / name)
            _point_to(name, indexes)
    except (OSError, ValueError) as error:
        raise IndexUnavailableError(
            f"{indexes}: the index cannot be written ({error}); check space and rights"
        ) from error
    return generation.info


class SearchIndex:
    """The index in use; safe to search from many threads."""

    def __init__(self, indexes: Path, generation: "_Generation", signature: tuple[int, ...]) -> None:
        self._indexes = indexes
        self._generation = generation
        self._signature = signature
        self._swapping = Lock()

    @classmethod
    def open(cls, indexes: Path) -> "SearchIndex":
        """Open the index in use.

        Args:
            indexes: Folder of all indexes.

        Returns:
            The index.

        Raises:
            IndexUnavailableError: There is none, or it is damaged or of another version.
        """
        signature = _signature(indexes)
        while True:
            current = _pointer(indexes).get("folder")
            generation = _generation(indexes / current) if current else None
            if generation is not None:
                return cls(indexes, generation, signature)
            # A builder may have swapped, and removed the folder, between the two steps above.
            if signature == (signature := _signature(indexes)):
                state = "the index is damaged or of another version" if signature else "there is no index"
                raise IndexUnavailableError(f"{indexes}: {state}; run `voicesearch serve index FILE`")

    @property
    def info(self) -> IndexInfo:
        """What is in use now."""
        return self._current().info

    def search(self, text: str, limit: int = 10) -> tuple[SearchHit, ...]:
        """Find the items that a text asks for.

        Args:
            text: Any text; nothing of it is read as syntax.
            limit: Most results, at least 1.

        Returns:
            The hits, best first, equal scores in the order of the catalogue; none where no word is in the index.

        Raises:
            InvalidRequestError: The limit is below 1.
        """
        if limit < 1:
            raise InvalidRequestError(f"limit={limit}: at least 1 is needed")
        return self._current().search(text, limit)

    def _current(self) -> "_Generation":
        signature = _signature(self._indexes)
        # Without a pointer the open index still answers; while one thread swaps, the others use the old one.
        if signature and signature != self._signature and self._swapping.acquire(blocking=False):
            try:
                folder = _pointer(self._indexes).get("folder")
                newer = _generation(self._indexes / folder) if folder else None
                self._generation = newer or self._generation
                self._signature = signature
            finally:
                self._swapping.release()
        return self._generation


class _Generation:
    """One finished index, open for reading; it never changes."""

    def __init__(self, folder: Path) -> None:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise ValueError(f"format {about['format']}, {FORMAT} expected")
        self.mapping = _mapping(about["mapping"])
        index = tantivy.Index.open(str(folder))
        index.config_reader("manual")
        self._searcher = index.searcher()
        self._schema = index.schema
        self.info = IndexInfo(
            name=about["name"],
            items=self._searcher.num_docs,
            sha256=about["sha256"],
            displayed=self.mapping.displayed,
            examples=tuple(about["examples"]),
            folder=folder,
        )
        if self.info.items != about["items"]:
            raise ValueError(f"{self.info.items} items in it, {about['items']} expected")
        self._vocabulary = Vocabulary.of(self._searcher, len(self.mapping.searched))

    def search(self, text: str, limit: int) -> tuple[SearchHit, ...]:
        terms = [word.term for word in words(text)]
        query = build_query(self._schema, self._vocabulary, tuple(self.mapping.searched.values()), terms)
        if query is None:
            return ()
        found = self._searcher.search(query, min(limit, self.info.items), count=False).hits
        return tuple(self._hit(address, score, terms) for score, address in found)

    def _hit(self, address: tantivy.DocAddress, score: float, terms: Sequence[str]) -> SearchHit:
        item = Item(**json.loads(self._searcher.doc(address)["item"][0]))
        own = [word for column in self.mapping.searched for word in words(item.text(column, self.mapping))]
        matched, exact = matched_terms(self._vocabulary, terms, {word.term for word in own})
        return SearchHit(
            id=item.id,
            title=item.title,
            score=score,
            match="exact" if exact else "fuzzy",
            matched=tuple(dict.fromkeys(word.surface for word in own if word.term in matched)),
            fields={name: item.fields[name] for name in self.mapping.displayed if name in item.fields},
        )


def _content_hash(catalogue: Catalogue) -> str:
    parts = [FORMAT, version("tantivy"), catalogue.sha256, catalogue.name, asdict(catalogue.mapping)]
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _generation(folder: Path) -> _Generation | None:
    """Open an index, or give None where there is none or it is damaged."""
    try:
        return _Generation(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _mapping(table: dict[str, Any]) -> CatalogueMapping:
    lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
    return CatalogueMapping(**(table | lists))


def _write_folder(
    catalogue: Catalogue, indexes: Path, name: str, watch: Callable[[Sequence[Item]], Iterable[Item]]
) -> None:
    with tempfile.TemporaryDirectory(dir=indexes, prefix=_BUILDING, ignore_cleanup_errors=True) as building:
        folder = Path(building, name)
        folder.mkdir()
        _write_items(catalogue, folder, watch)
        about = {
            "format": FORMAT,
            "name": catalogue.name,
            "items": len(catalogue.items),
            "sha256": catalogue.sha256,
            "examples": catalogue.mapping.examples or [item.title for item in catalogue.items[:3]],
            "mapping": asdict(catalogue.mapping),
        }
        with atomic_writer(folder / ABOUT) as file:
            json.dump(about, file, indent=2, ensure_ascii=False)
        shutil.rmtree(indexes / name, ignore_errors=True)
        folder.rename(indexes / name)


def _write_items(catalogue: Catalogue, folder: Path, watch: Callable[[Sequence[Item]], Iterable[Item]]) -> None:
    builder = tantivy.SchemaBuilder()
    builder.add_bytes_field("item", stored=True)
    builder.add_text_field(KEY_FIELD, tokenizer_name="raw", index_option="basic")
    for position in range(len(catalogue.mapping.searched)):
        builder.add_text_field(words_field(position), tokenizer_name="whitespace", index_option="freq")
    writer = tantivy.Index(builder.build(), path=str(folder)).writer(WRITER_BYTES, num_threads=1)
    try:
        for item in watch(catalogue.items):
            writer.add_document(_document(item, catalogue.mapping))
        writer.commit()
    finally:
        # Its threads write into the folder until they are waited for, also when the build is given up.
        writer.wait_merging_threads()


def _document(item: Item, mapping: CatalogueMapping) -> tantivy.Document:
    document = tantivy.Document()
    document.add_bytes("item", json.dumps(asdict(item), ensure_ascii=False).encode())
    document.add_text(KEY_FIELD, title_key([word.term for word in words(item.title)]))
    for position, column in enumerate(mapping.searched):
        document.add_text(words_field(position), " ".join(word.term for word in words(item.text(column, mapping))))
    return document


def _point_to(name: str, indexes: Path) -> None:
    before = _pointer(indexes)
    if before.get("folder") != name:
        pointer = {"folder": name} | ({"previous": before["folder"]} if before else {})
        with atomic_writer(indexes / POINTER) as file:
            json.dump(pointer, file)
        before = pointer
    for folder in indexes.iterdir():
        if _FOLDER.fullmatch(folder.name) and folder.name not in before.values():
            shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(indexes: Path) -> None:
    for folder in indexes.glob(f"{_BUILDING}*"):
        shutil.rmtree(folder, ignore_errors=True)


def _pointer(indexes: Path) -> dict[str, str]:
    """Read the pointer; without one, or where it names no folder of an index, it is empty."""
    try:
        pointer = json.loads((indexes / POINTER).read_text(encoding="utf-8"))
        return {key: name for key, name in pointer.items() if _FOLDER.fullmatch(name)}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _signature(indexes: Path) -> tuple[int, ...]:
    """Tell one pointer from the next, cheaply; empty where there is none."""
    try:
        status = os.stat(indexes / POINTER)
    except OSError:
        return ()
    return status.st_ino, status.st_mtime_ns, status.st_size
