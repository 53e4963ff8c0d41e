"""What a manifest is like as a whole, in figures: the baseline that later data is compared with."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data.balance import Balance, balance_of
from data.catalogue import Catalogue
from data.concerns import Concern, find_concerns
from data.errors import ManifestError
from data.files import sha256_of
from data.manifest import ManifestLock, read_lock
from data.measurement import ClipFigures, measure_all
from data.records import Utterance
from data.spoken import spoken_form, transcript_words
from data.workers import map_chunks

COMMON_WORDS = 30
"""Words that are listed as the most frequent."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How a figure is spread over the clips that have it."""

    clips: int
    mean: float
    p5: float
    median: float
    p95: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class SpeakerFigures:
    """How much one speaker said; `name` is None for clips without a speaker."""

    name: str | None
    clips: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words of all transcripts in their spoken form; `once` is how many distinct words occur only once."""

    words: int
    distinct: int
    once: int
    common: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class CatalogueFit:
    """How transcripts and catalogue share words.

    `unknown_share` is the share of spoken words that no item has, `unknown` the most frequent of them;
    `unspoken_share` is the share of the catalogue's distinct words that nobody says.
    """

    catalogue: str
    distinct: int
    unknown_share: float
    unknown: Mapping[str, int]
    unspoken_share: float


@dataclass(frozen=True, slots=True)
class Statistics:
    """All figures of one manifest, what looks wrong first."""

    manifest: str
    sha256: str
    lock: ManifestLock | None
    concerns: tuple[Concern, ...]
    clips: int
    hours: float
    speakers: tuple[SpeakerFigures, ...]
    figures: Mapping[str, Distribution]
    vocabulary: Vocabulary
    catalogue: CatalogueFit | None
    balance: Balance | None


FIGURES: Mapping[str, Callable[[ClipFigures], float | None]] = {
    "seconds": lambda clip: clip.seconds,
    "loudness_lufs": lambda clip: clip.loudness,
    "source_loudness_lufs": lambda clip: clip.source.loudness if clip.source else None,
    "peak_dbtp": lambda clip: clip.peak_db,
    "snr_db": lambda clip: clip.snr_db,
    "bandwidth_hz": lambda clip: clip.bandwidth_hz,
    "silence_before_ms": lambda clip: clip.silence_before_ms,
    "silence_after_ms": lambda clip: clip.silence_after_ms,
    "source_cut_before_ms": lambda clip: clip.source.cut_before_ms if clip.source else None,
    "source_cut_after_ms": lambda clip: clip.source.cut_after_ms if clip.source else None,
    "words_per_second": lambda clip: clip.words_per_second,
}
"""Each figure of a clip; those that begin with `source` are what conditioning found in the recording."""


def measure_manifest(
    utterances: Sequence[Utterance], manifest: Path, *, processes: int, progress: Callable[[int, int], None]
) -> tuple[ClipFigures, ...]:
    """Measure every clip of a manifest.

    Args:
        utterances: Those of the manifest.
        manifest: Where it is.
        processes: How many processes.
        progress: Called with how many clips are measured, and of how many.

    Returns:
        The figures in the order of the manifest.
    """
    measured: dict[str, ClipFigures] = {}
    progress(0, len(utterances))
    for _, chunk in map_chunks(partial(measure_all, manifest=manifest), utterances, processes=processes):
        measured.update((figures.id, figures) for figures in chunk)
        progress(len(measured), len(utterances))
    return tuple(measured[utterance.id] for utterance in utterances)


def summarise(
    utterances: Sequence[Utterance],
    clips: Sequence[ClipFigures],
    manifest: Path,
    catalogue: Catalogue | None = None,
) -> Statistics:
    """Sum up a manifest.

    Args:
        utterances: Those of the manifest.
        clips: Their figures, in the same order.
        manifest: Where it is.
        catalogue: What is searched, to compare its words with those spoken.

    Returns:
        The statistics.
    """
    words = Counter(word for utterance in utterances for word in transcript_words(utterance.text))
    lock, broken = _lock_of(manifest)
    return Statistics(
        manifest=str(manifest),
        sha256=sha256_of(manifest),
        lock=lock,
        concerns=find_concerns(utterances, clips, lock, broken),
        clips=len(utterances),
        hours=sum(clip.seconds for clip in clips) / 3600.0,
        speakers=_speakers(utterances),
        figures={name: found for name, figure in FIGURES.items() if (found := distribution(map(figure, clips)))},
        vocabulary=Vocabulary(
            words=words.total(),
            distinct=len(words),
            once=sum(count == 1 for count in words.values()),
            common=dict(words.most_common(COMMON_WORDS)),
        ),
        catalogue=_fit(words, catalogue) if catalogue else None,
        balance=balance_of(utterances) if any(utterance.split for utterance in utterances) else None,
    )


def distribution(values: Iterable[float | None]) -> Distribution | None:
    """Say how values are spread, leaving out those that are None; None where there is no value."""
    known = np.array([value for value in values if value is not None], np.float64)
    if not len(known):
        return None
    p5, median, p95 = np.percentile(known, [5, 50, 95])
    spread = (known.mean(), p5, median, p95, known.min(), known.max())
    return Distribution(len(known), *(round(float(value), 4) for value in spread))


def _lock_of(manifest: Path) -> tuple[ManifestLock | None, str | None]:
    try:
        return read_lock(manifest), None
    except ManifestError as error:
        return None, str(error)


def _speakers(utterances: Sequence[Utterance]) -> tuple[SpeakerFigures, ...]:
    lengths: dict[str | None, list[float]] = defaultdict(list)
    for utterance in utterances:
        lengths[utterance.speaker].append(utterance.duration)
    found = [SpeakerFigures(name, len(spoken), round(sum(spoken), 3)) for name, spoken in lengths.items()]
    return tuple(sorted(found, key=lambda speaker: (-speaker.seconds, str(speaker.name))))


def _fit(words: Counter[str], catalogue: Catalogue) -> CatalogueFit:
    columns = (catalogue.mapping.title, *catalogue.mapping.searched)
    known = {
        word
        for item in catalogue.items
        for column in columns
        for word in spoken_form(item.text(column, catalogue.mapping)).split()
    }
    unknown = Counter({word: count for word, count in words.items() if word not in known})
    return CatalogueFit(
        catalogue=catalogue.name,
        distinct=len(known),
        unknown_share=unknown.total() / max(words.total(), 1),
        unknown=dict(unknown.most_common(COMMON_WORDS)),
        unspoken_share=len(known - words.keys()) / max(len(known), 1),
    )
