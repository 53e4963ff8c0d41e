"""The life cycle in miniature, on real speech: fetch, condition, recognise, score, search, one table."""

import random
import re
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.recognizer import Recognizer
from asr.scoring import Score, score
from asr.settings import RecognizerSettings
from asr.weights import prepare_published
from data.audio import AudioLimits, decode
from data.catalogue import Catalogue, read_catalogue
from data.condition import condition
from data.corpora.asterisk import fetch_asterisk, read_asterisk
from data.errors import AudioError
from data.manifest import clip_path, read_manifest
from data.records import Conditioned
from data.settings import HomeSettings
from serve.pipeline import Pipeline
from serve.preparation import open_pipeline, prepare

CATALOGUE = Path("examples/films/catalogue.csv")
QUERIES = Path("examples/films/queries/manifest.jsonl")
"""Spoken film queries, each with the id of its film as a tag."""

LIMITS = AudioLimits(max_seconds=8.0)
"""Prompts longer than a query are left out."""


@dataclass(frozen=True, slots=True)
class Clip:
    """A conditioned prompt, its published text, and the time that conditioning took, in milliseconds."""

    clip: Conditioned
    text: str
    condition_ms: float


@dataclass(frozen=True, slots=True)
class Arm:
    """One recogniser on the clips: its score, clips without text, median milliseconds of recognition."""

    name: str
    score: Score
    nulls: int
    median_ms: float


@dataclass(frozen=True, slots=True)
class SearchArms:
    """Of `queries` film queries, how many had a film that they name on top, by what was searched for and how.

    `typed` is their text, the ceiling; `one_best` the best hypothesis of a recording in a plain full-text index;
    `found` is what the service answers to the recording, in `query_ms` (median).
    """

    queries: int
    typed: int
    one_best: int
    found: int
    query_ms: float


@dataclass(frozen=True, slots=True)
class DemoFigures:
    """What the demo measured."""

    release: str
    clips: int
    seconds: float
    condition_ms: float
    gain_db: tuple[float, float]
    silence_cut_s: float
    ours: Arm
    peer: Arm
    search: SearchArms


def run_demo(clips: int, report: Callable[[str], None]) -> DemoFigures:
    """Run every stage on real recordings.

    Args:
        clips: How many Asterisk prompts to hear; a fixed random choice.
        report: Called with a line for each stage.

    Returns:
        The figures.

    Raises:
        VoiceSearchError: A stage cannot be done.
    """
    report("1. fetch: the Asterisk prompts (568 recordings of one speaker, CC BY-SA 3.0)")
    corpus = fetch_asterisk(HomeSettings.load().corpora / "asterisk")
    report(f"2. condition: decode, one loudness, trim silence ({clips} clips)")
    conditioned = condition_prompts(corpus, clips)
    report("3. recognise: this release, and faster-whisper with the same weights")
    pipeline = open_pipeline(prepare(None, report))
    ours = hear(pipeline.hearing.recognizer, conditioned)
    published = prepare_published(RecognizerSettings.load().model, HomeSettings.load().models, report)
    peer = hear_peer(published.directory, conditioned)
    report("4. search: film queries typed, spoken into a plain index, spoken into this search")
    search = search_queries(pipeline)
    gains = sorted(each.clip.gain_db for each in conditioned)
    return DemoFigures(
        release=pipeline.hearing.recognizer.release.name,
        clips=len(conditioned),
        seconds=round(sum(each.clip.seconds for each in conditioned), 1),
        condition_ms=round(statistics.median(each.condition_ms for each in conditioned), 1),
        gain_db=(round(gains[0], 1), round(gains[-1], 1)),
        silence_cut_s=round(sum(each.clip.cut_before_ms + each.clip.cut_after_ms for each in conditioned) / 1000, 1),
        ours=ours,
        peer=peer,
        search=search,
    )


def condition_prompts(corpus: Path, clips: int) -> list[Clip]:
    """Decode and condition a fixed random choice of the prompts that have words and are no longer than a query."""
    recordings = [each for each in read_asterisk(corpus).recordings if "non-speech" not in each.tags and each.text]
    random.Random(0).shuffle(recordings)  # noqa: S311  a choice, not a secret
    done: list[Clip] = []
    for recording in recordings:
        start = time.perf_counter()
        try:
            decoded = decode((corpus / recording.path).read_bytes(), LIMITS, container=recording.container)
        except AudioError:
            continue
        clip = condition(decoded.samples)
        done.append(Clip(clip, recording.text, 1000 * (time.perf_counter() - start)))
        if len(done) == clips:
            break
    return done


def hear(recognizer: Recognizer, clips: Sequence[Clip]) -> Arm:
    """Recognise clips with this project's recogniser."""
    texts, times = [], []
    for each in clips:
        start = time.perf_counter()
        texts.append(recognizer.recognize(each.clip).text)
        times.append(1000 * (time.perf_counter() - start))
    return _arm("voicesearch", clips, texts, times)


def hear_peer(model: str, clips: Sequence[Clip]) -> Arm:
    """Recognise clips with faster-whisper as its README shows it."""
    from faster_whisper import WhisperModel

    peer = WhisperModel(model, device="cpu", compute_type="int8")
    texts, times = [], []
    for each in clips:
        start = time.perf_counter()
        segments, _ = peer.transcribe(each.clip.samples, beam_size=5, language="en")
        texts.append(" ".join(segment.text.strip() for segment in segments))
        times.append(1000 * (time.perf_counter() - start))
    return _arm("faster-whisper", clips, texts, times)


def search_queries(pipeline: Pipeline) -> SearchArms:
    """Answer the shipped queries in every arm."""
    queries = read_manifest(QUERIES)
    plain = plain_search(read_catalogue(CATALOGUE))
    typed, one_best, found, times = 0, 0, 0, []
    for query in queries:
        answer = pipeline.search_audio(clip_path(QUERIES, query).read_bytes(), 10)
        times.append(answer.timings_ms["total"])
        typed += any(hit.id in query.tags for hit in pipeline.index.search(query.text, 1))
        one_best += plain(answer.transcript.text) in query.tags
        found += any(hit.id in query.tags for hit in answer.hits[:1])
    return SearchArms(len(queries), typed, one_best, found, round(statistics.median(times), 1))


def plain_search(catalogue: Catalogue) -> Callable[[str], str | None]:
    """Build a full-text index as SQLite has it (FTS5); its search gives the id of the best item for a text."""
    import sqlite3

    connection = sqlite3.connect(":memory:")
    connection.execute("create virtual table items using fts5(id unindexed, words)")
    texts = ((item.id, " ".join((item.title, *item.fields.values()))) for item in catalogue.items)
    connection.executemany("insert into items values (?, ?)", texts)

    def search(text: str) -> str | None:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", text))
        best = "select id from items where items match ? order by bm25(items) limit 1"
        return next((str(found) for (found,) in connection.execute(best, (words,))), None) if words else None

    return search


def show(figures: DemoFigures) -> None:
    """Print the figures as one table."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"Voice search, release {figures.release}", title_justify="left", show_lines=True)
    for heading in ("stage", "what came of it"):
        table.add_column(heading)
    low, high = figures.gain_db
    table.add_row("fetch", f"{figures.clips} recorded prompts, {figures.seconds:.0f} s of speech")
    table.add_row(
        "condition",
        f"gain {low:+.1f} to {high:+.1f} dB, {figures.silence_cut_s:.1f} s of silence cut; "
        f"{figures.condition_ms:.1f} ms a clip",
    )
    for name, arm in (("recognise", figures.ours), ("", figures.peer)):
        interval = arm.score.wer_interval
        table.add_row(
            name,
            f"{arm.name}: WER {100 * arm.score.wer:.1f}% (95% interval {100 * interval.low:.1f} to "
            f"{100 * interval.high:.1f}), {arm.nulls} clips without text; {arm.median_ms:.0f} ms a clip",
        )
    table.add_row("score", f"after {figures.ours.score.normalizer}, {figures.ours.score.words} words")
    arms = figures.search
    table.add_row("search", f"of {arms.queries} film queries, so many have a film that they name on top:")
    table.add_row("", f"{arms.typed} typed, the ceiling")
    table.add_row("", f"{arms.one_best} spoken, the best hypothesis in a plain full-text index (SQLite FTS5)")
    table.add_row("", f"{arms.found} spoken, this search; {arms.query_ms:.0f} ms from recording to results")
    Console().print(table)


def _arm(name: str, clips: Sequence[Clip], texts: list[str], times: list[float]) -> Arm:
    nulls = sum(not text for text in texts)
    return Arm(name, score([each.text for each in clips], texts), nulls, round(statistics.median(times), 1))
