"""Everything that must be there before the first query: the model, the index, the database."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from data.catalogue import read_catalogue
from data.condition import condition
from data.errors import IndexUnavailableError
from data.files import sha256_of
from data.records import SAMPLE_RATE, Release
from data.settings import HomeSettings
from data.store import Store
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
    index = SearchIndex.open(HomeSettings.load().indexes)
    index.search("warm up", 1)
    with ThreadPoolExecutor(1) as beside:  # its imports take as long as loading the model
        conditioned = beside.submit(_warm_up_conditioning)
        recognizer = Recognizer(release, RecognizerSettings.load())
        recognizer.warm_up()
        conditioned.result()
    return Pipeline(recognizer, index, ServeSettings.load().audio_limits)


def _warm_up_conditioning() -> None:
    """Import and load what conditioning needs on its first clip."""
    condition(np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE).astype(np.float32))
