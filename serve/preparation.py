"""Everything that must be there before the first query: the model, the index, the database."""

from collections.abc import Callable
from pathlib import Path

from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from data.catalogue import read_catalogue
from data.errors import IndexUnavailableError
from data.files import sha256_of
from data.records import Release
from data.settings import HomeSettings
from data.store import Store
from serve.hearing import open_hearing
from serve.index import SearchIndex, build_index
from serve.pipeline import Pipeline
from serve.settings import ServeSettings


def prepare(catalogue: Path | None, report: Callable[[str], None]) -> Release:
    """Fetch and verify the model, build the index and make the database, where they are missing.

    Args:
        catalogue: The catalogue to index. None takes the one in the settings where it is set there or there is no index
            yet, and else keeps the index that there is.
        report: Called with a line for each step that takes long.

    Returns:
        The release that will be served.

    Raises:
        VoiceSearchError: A step cannot be done.
    """
    home, settings = HomeSettings.load(), ServeSettings.load()
    release = prepare_release(RecognizerSettings.load().model, home.models, report)
    Store.open(home.database).close()
    try:
        current = SearchIndex.open(home.indexes).info.sha256
    except IndexUnavailableError:
        current = None
    if catalogue is None and (current is None or "catalogue" in settings.model_fields_set):
        catalogue = settings.catalogue
    if catalogue is not None and (not catalogue.is_file() or sha256_of(catalogue) != current):
        read = read_catalogue(catalogue)
        info = build_index(read, home.indexes)
        left_out = f", {len(read.problems)} rows left out" if read.problems else ""
        report(f"index of {info.items} items from {catalogue}{left_out}")
    return release


def open_pipeline(release: Release) -> Pipeline:
    """Load a release and the index.

    Args:
        release: As `prepare` gave it.

    Returns:
        A pipeline that has run once, so that the first query is as quick as the others.

    Raises:
        VoiceSearchError: The model or the index cannot be loaded.
    """
    return Pipeline(open_hearing(release, RecognizerSettings.load(), ServeSettings.load().audio_limits), open_index())


def open_index() -> SearchIndex:
    """Open the index that there is.

    Returns:
        The index, asked once, so that the first query is as quick as the others.

    Raises:
        IndexUnavailableError: There is none that can be used.
    """
    index = SearchIndex.open(HomeSettings.load().indexes)
    index.search("warm up", 1)
    return index
