"""How often a stream takes a pause for the end, on real recordings, for each trailing silence.

Speech is cut off where the endpoint comes while the whole clip has more speech, as conditioning finds it there.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from data.clips import read_clip
from data.condition import DEFAULT_OPTIONS, gain_for
from data.endpointing import EndpointOptions, EndReason, Turn, advance
from data.loudness import integrated_loudness, true_peak_db
from data.manifest import clip_path, read_manifest
from data.records import SAMPLE_RATE, Samples
from data.voice import FRAME, speech_frames, voice_probabilities

SILENCES_MS = (300, 400, 500, 600, 700, 800, 1000, 1200, 1500)
"""Trailing silences tried, in milliseconds."""

AFTER = 2 * SAMPLE_RATE
"""Samples of silence after a clip, so that every turn can end."""


def clips_of(manifest: Path, most: int) -> list[Samples]:
    """Give up to so many clips of a manifest, evenly drawn."""
    listed = read_manifest(manifest)
    return [read_clip(clip_path(manifest, each)) for each in listed[:: max(len(listed) // most, 1)][:most]]


def speech_end(samples: Samples) -> int:
    """Give the sample after the last speech of a whole clip, 0 without speech: what a stream must not cut off."""
    gain_db = gain_for(integrated_loudness(samples), true_peak_db(samples), DEFAULT_OPTIONS)
    gained = (samples * np.float32(10.0 ** (gain_db / 20.0))).astype(np.float32)
    frames = np.flatnonzero(speech_frames(voice_probabilities(gained), DEFAULT_OPTIONS.voice))
    return (int(frames[-1]) + 1) * FRAME if len(frames) else 0


def cut_off_shares(clips: Sequence[Samples]) -> dict[int, float]:
    """Give the share of clips that are cut off, by trailing silence in ms.

    Args:
        clips: 16 kHz mono.

    Returns:
        Shares of the clips with speech.
    """
    cut = dict.fromkeys(SILENCES_MS, 0)
    spoken = 0
    for samples in clips:
        end = speech_end(samples)
        if end == 0:
            continue
        spoken += 1
        probabilities = voice_probabilities(np.concatenate([samples, np.zeros(AFTER, np.float32)]))
        for silence_ms in SILENCES_MS:
            turn = _turn(probabilities.tolist(), silence_ms)
            cut[silence_ms] += turn.end is EndReason.SILENCE and turn.last_end * FRAME + FRAME < end
    return {silence_ms: count / max(spoken, 1) for silence_ms, count in cut.items()}


def _turn(probabilities: Sequence[float], silence_ms: float) -> Turn:
    options = replace(EndpointOptions(), trailing_silence_ms=silence_ms)
    turn = Turn()
    for probability in probabilities:
        turn = advance(turn, probability, options)
        if turn.end is not None:
            break
    return turn
