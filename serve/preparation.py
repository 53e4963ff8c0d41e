"""Everything that must be there before the first query: the model, the index, the database."""

from collections.abc import Callable
from pathlib import Path

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from data.catalogue import read_catalogue
from data.errors import IndexUnavailableError
from data.records import Release
from data.settings import HomeSettings
from serve.index import SearchIndex, build_index
from serve.pipeline import Pipeline
from serve.settings import ServeSettings


def prepare(catalogue: Path | None, report: Callable[[str], None]) -> Release:
    """Fetch and verify the model, and build the index, where they are missing.

    Args:
        catalogue: The catalogue to index; None keeps the index that there is, or else takes the one in the settings.
        report: Called with a line for each step that takes long.

    Returns:
        The release that will be served.

    Raises:
        VoiceSearchError: A step cannot be done.
    """
    home = HomeSettings.load()
    release = prepare_release(RecognizerSettings.load().model, home.models, report)
    if catalogue is None:
        try:
            SearchIndex.open(home.indexes)
            return release
        except IndexUnavailableError:
            catalogue = ServeSettings.load().catalogue
    read = read_catalogue(catalogue)
    info = build_index(read, home.indexes)
    report(
        f"index of {info.items} items from {catalogue}"
        + (f", {len(read.problems)} rows left out" if read.problems else "")
    )
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
    recognizer = Recognizer(release, RecognizerSettings.load())
    index = SearchIndex.open(HomeSettings.load().indexes)
    pipeline = Pipeline(recognizer, index, ServeSettings.load().audio_limits)
    warm_up(pipeline)
    return pipeline


def warm_up(pipeline: Pipeline) -> None:
    """Run every stage once, so that the first query does not pay for lazy imports."""
    import numpy as np

    from data.condition import condition
    from data.records import SAMPLE_RATE

    condition(np.random.default_rng(0).normal(0.0, 0.01, SAMPLE_RATE).astype(np.float32))
    pipeline.recognizer.warm_up()
    pipeline.index.search("warm up", 1)
