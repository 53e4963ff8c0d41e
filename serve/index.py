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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from threading import Lock

import tantivy

from data.catalogue import Catalogue, Item
from data.errors import IndexUnavailableError, InvalidRequestError, NotFoundError
from data.files import atomic_writer, exclusive
from data.records import Hypothesis, SearchHit
from serve.generation import ABOUT, FORMAT, Findings, Generation, IndexInfo, document_of, mapping_of, schema
from serve.ranking import shipped_weights

POINTER = "current.json"
WRITER_BYTES = 64_000_000
"""Memory of the writer; what fits becomes one segment, in which ties keep the catalogue's order."""

_BUILDING = ".building-"
_LOCKS = (".tantivy-writer.lock", ".tantivy-meta.lock")
_FOLDER = re.compile(r"[0-9a-f]{16}")


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
    about = {
        "format": FORMAT,
        "name": catalogue.name,
        "items": len(catalogue.items),
        "sha256": catalogue.sha256,
        "examples": catalogue.mapping.examples or [item.title for item in catalogue.items[:3]],
        "mapping": asdict(catalogue.mapping),
        "weights": asdict(shipped_weights()),
    }
    with _writing(indexes):
        generation = _generation(indexes / name)
        if generation is None:
            with _new_folder(indexes, name, about) as folder, _writer(tantivy.Index(schema(), str(folder))) as writer:
                for item in watch(catalogue.items):
                    writer.add_document(document_of(item, catalogue.mapping))
            generation = Generation(indexes / name)
        _point_to(name, indexes)
    return generation.info


def change_items(indexes: Path, put: Sequence[Item] = (), delete: Sequence[str] = ()) -> IndexInfo:
    """Add, replace and delete single items of the index in use; a running `SearchIndex` follows with its next query.

    The changed index is another folder that shares its files with the one before, so that a reader sees either, and an
    interrupted change leaves nothing. Indexing the whole file again undoes it.

    Args:
        indexes: Folder of all indexes.
        put: Items to add; one whose id is there takes that one's place.
        delete: Ids of items to delete.

    Returns:
        What is in use now.

    Raises:
        NotFoundError: There is no item of an id to delete; nothing is changed.
        IndexUnavailableError: There is no index, or it cannot be written.
    """
    with _writing(indexes):
        current = SearchIndex.open(indexes).generation
        missing = [identifier for identifier in delete if not current.has(identifier)]
        if missing:
            raise NotFoundError(f"there is no item {missing[0]!r} in {current.info.name!r}; nothing was changed")
        new = {item.id: item for item in put}
        gone = {identifier for identifier in (*delete, *new) if current.has(identifier)}
        about = json.loads((current.info.folder / ABOUT).read_text(encoding="utf-8"))
        about["items"] += len(new) - len(gone)
        changes = [current.info.folder.name, [asdict(item) for item in put], list(delete)]
        name = _short_hash(changes)
        with _new_folder(indexes, name, about) as folder:
            for path in current.info.folder.iterdir():
                if path.name not in (ABOUT, *_LOCKS):
                    os.link(path, folder / path.name)  # Tantivy replaces files, it never writes into one
            with _writer(tantivy.Index.open(str(folder))) as writer:
                for identifier in gone:
                    writer.delete_documents_by_term("id", identifier)
                for item in new.values():
                    writer.add_document(document_of(item, mapping_of(about["mapping"])))
        generation = Generation(indexes / name)
        _point_to(name, indexes)
    return generation.info


class SearchIndex:
    """The index in use; safe to search from many threads."""

    def __init__(self, indexes: Path, generation: Generation, signature: tuple[int, ...]) -> None:
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
    def generation(self) -> Generation:
        """The finished index in use now."""
        return self._current()

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
            The hits, best first, equal ones in the order of the catalogue; the nearest few where none is surely meant.

        Raises:
            InvalidRequestError: The limit is below 1.
        """
        return self.find((Hypothesis(text, 0.0),), limit).hits

    def find(self, hypotheses: Sequence[Hypothesis], limit: int = 10) -> Findings:
        """Find the items that somebody asks for, of whose words one is not sure.

        Args:
            hypotheses: What was heard, best first; nothing of it is read as syntax.
            limit: Most results, at least 1.

        Returns:
            The hits, and whether the first is surely meant.

        Raises:
            InvalidRequestError: The limit is below 1.
        """
        if limit < 1:
            raise InvalidRequestError(f"limit={limit}: at least 1 is needed")
        return self._current().find(hypotheses, limit)

    def _current(self) -> Generation:
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


def _content_hash(catalogue: Catalogue) -> str:
    weights = asdict(shipped_weights())
    return _short_hash(
        [FORMAT, version("tantivy"), catalogue.sha256, catalogue.name, asdict(catalogue.mapping), weights]
    )


def _short_hash(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:16]


def _generation(folder: Path) -> Generation | None:
    """Open an index, or give None where there is none or it is damaged."""
    try:
        return Generation(folder)
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _writing(indexes: Path) -> Iterator[None]:
    """Keep other builders waiting, and sweep up what an interrupted one left."""
    try:
        indexes.mkdir(parents=True, exist_ok=True)
        with exclusive(indexes):
            _remove_leftovers(indexes)
            yield
    except (OSError, ValueError) as error:
        raise IndexUnavailableError(
            f"{indexes}: the index cannot be written ({error}); check space and rights"
        ) from error


@contextmanager
def _new_folder(indexes: Path, name: str, about: Mapping[str, object]) -> Iterator[Path]:
    """Give a folder that gets its name, with `about.json` in it, when the block ends well."""
    with tempfile.TemporaryDirectory(dir=indexes, prefix=_BUILDING, ignore_cleanup_errors=True) as building:
        folder = Path(building, name)
        folder.mkdir()
        yield folder
        with atomic_writer(folder / ABOUT) as file:
            json.dump(about, file, indent=2, ensure_ascii=False)
        shutil.rmtree(indexes / name, ignore_errors=True)
        folder.rename(indexes / name)


@contextmanager
def _writer(index: tantivy.Index) -> Iterator[tantivy.IndexWriter]:
    writer = index.writer(WRITER_BYTES, num_threads=1)
    try:
        yield writer
        writer.commit()
    finally:
        # Its threads write into the folder until they are waited for, also when the build is given up.
        writer.wait_merging_threads()


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
