"""What each clip is like: length, level, noise, silence. Measured as the service does, with the base packages only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import isfinite
from pathlib import Path

from data.clips import read_clip
from data.condition import condition
from data.errors import AudioError
from data.manifest import clip_path
from data.measurement import source_figures
from data.records import Utterance
from data.workers import map_chunks


@dataclass(frozen=True, slots=True)
class ClipConditions:
    """What a clip is like; None where it is not known.

    `loudness` is that of the recording in LUFS and `snr_db` its signal-to-noise ratio: the one that was mixed where the
    lineage tells, else an estimate. `gain_db`, `cut_before_ms` and `cut_after_ms` are what conditioning does to the
    clip as the manifest has it, nothing where it was conditioned before. `recorded_gain_db` and the two after it are
    what conditioning did to the recording before that.
    """

    seconds: float
    loudness: float | None = None
    snr_db: float | None = None
    speech_seconds: float | None = None
    gain_db: float = 0.0
    cut_before_ms: float = 0.0
    cut_after_ms: float = 0.0
    recorded_gain_db: float | None = None
    recorded_cut_before_ms: float | None = None
    recorded_cut_after_ms: float | None = None


def measure_clips(
    utterances: Sequence[Utterance], manifest: Path, *, processes: int, progress: Callable[[int, int], None]
) -> Mapping[str, ClipConditions]:
    """Measure every clip of a manifest that can be read.

    Args:
        utterances: Those of the manifest.
        manifest: Where it is.
        processes: How many processes.
        progress: Called with how many clips are measured, and of how many.

    Returns:
        By id, what the clips are like; clips that are missing or cannot be read have only their lineage.
    """
    measured: dict[str, ClipConditions] = {}
    progress(0, len(utterances))
    for _, chunk in map_chunks(partial(_measure_all, manifest=manifest), utterances, processes=processes):
        measured.update(chunk)
        progress(len(measured), len(utterances))
    return measured


def mixed_snr(utterance: Utterance) -> float | None:
    """Give the signal-to-noise ratio in dB that noise was mixed in with last, by the lineage; None where none was."""
    for step in reversed(utterance.lineage):
        if step.name == "noise" and isinstance(value := step.parameters.get("snr_db"), int | float):
            return float(value)
    return None


def _measure_all(utterances: Sequence[Utterance], *, manifest: Path) -> list[tuple[str, ClipConditions]]:
    return [(utterance.id, _measure(utterance, manifest)) for utterance in utterances]


def _measure(utterance: Utterance, manifest: Path) -> ClipConditions:
    source, mixed = source_figures(utterance), mixed_snr(utterance)
    recorded = (source.gain_db, source.cut_before_ms, source.cut_after_ms) if source else (None, None, None)
    loudness = source.loudness if source else None
    try:
        clip = condition(samples := read_clip(clip_path(manifest, utterance)))
    except (AudioError, OSError):
        return ClipConditions(utterance.duration, loudness, mixed, None, 0.0, 0.0, 0.0, *recorded)
    if loudness is None and isfinite(clip.loudness_before):
        loudness = clip.loudness_before
    return ClipConditions(
        len(samples) / 16_000,
        loudness,
        clip.snr_db if mixed is None else mixed,
        clip.speech_seconds,
        clip.gain_db,
        clip.cut_before_ms,
        clip.cut_after_ms,
        *recorded,
    )
