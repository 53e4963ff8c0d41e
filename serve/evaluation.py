"""The search as error analysis needs it: a catalogue's own index, apart from the one that is served."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_search(catalogue: Path) -> Iterator[Callable[[str], Sequence[str]]]:
    """Index a catalogue for as long as a block runs.

    Args:
        catalogue: The catalogue's file.

    Yields:
        From a text to the ids of the first ten items found, best first.
    """
    from tempfile import TemporaryDirectory

    from data.catalogue import read_catalogue
    from serve.index import SearchIndex, build_index

    with TemporaryDirectory(prefix="voicesearch-index-") as folder:
        build_index(read_catalogue(catalogue), Path(folder))
        index = SearchIndex.open(Path(folder))
        yield lambda text: [hit.id for hit in index.search(text, 10)] if text.strip() else []
