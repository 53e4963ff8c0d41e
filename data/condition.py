"""What every clip goes through before the recogniser, in training and in serving alike.

Volume is brought to one loudness and silence around the speech is trimmed. Nothing inside the speech is touched.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from data.loudness import integrated_loudness, true_peak_db
from data.records import SAMPLE_RATE, Conditioned, Samples
from data.voice import FRAME, VoiceOptions, speech_frames, voice_probabilities

VERSION = "1"
"""Changes whenever the same clip would come out different; part of every clip's lineage."""

FULL_SCALE = 0.999
"""Magnitude from which a sample counts as clipped."""


@dataclass(frozen=True, slots=True)
class ConditionOptions:
    """How clips are conditioned.

    `target_lufs` is the loudness aimed at; the gain stays within `min_gain_db` and `max_gain_db` and is lowered further
    where the true peak would pass `ceiling_dbtp`. `keep_before_ms` and `keep_after_ms` of silence stay around the
    speech: more after than before, because endings fade and onsets do not. `normalise` and `trim` switch a step off
    for an ablation.
    """

    target_lufs: float = -23.0
    min_gain_db: float = -30.0
    max_gain_db: float = 30.0
    ceiling_dbtp: float = -1.0
    keep_before_ms: float = 200.0
    keep_after_ms: float = 400.0
    normalise: bool = True
    trim: bool = True
    voice: VoiceOptions = field(default_factory=VoiceOptions)


DEFAULT_OPTIONS = ConditionOptions()


def condition(samples: Samples, options: ConditionOptions = DEFAULT_OPTIONS) -> Conditioned:
    """Normalise the volume of a clip and trim the silence around its speech.

    A clip in which no speech is found passes whole and is marked. Digital silence gets no gain.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`, float32, full scale ±1, at least one sample.
        options: How.

    Returns:
        The conditioned clip and what was done to it.
    """
    loudness, peak_db = integrated_loudness(samples), true_peak_db(samples)
    gain_db = gain_for(loudness, peak_db, options) if options.normalise else 0.0
    gained = (samples * np.float32(10.0 ** (gain_db / 20.0))).astype(np.float32, copy=False)
    speech = speech_frames(voice_probabilities(gained), options.voice)
    start, end = speech_bounds(speech, len(gained), options) if options.trim else (0, len(gained))
    kept = gained[start:end]
    return Conditioned(
        samples=kept,
        gain_db=gain_db,
        loudness_before=loudness,
        loudness_after=integrated_loudness(kept),
        cut_before_ms=1000.0 * start / SAMPLE_RATE,
        cut_after_ms=1000.0 * (len(gained) - end) / SAMPLE_RATE,
        peak_db=peak_db + gain_db,
        clipped_share=float(np.mean(np.abs(samples) >= FULL_SCALE)) if len(samples) else 0.0,
        snr_db=signal_to_noise(gained, speech),
        speech_found=bool(speech.any()),
        speech_seconds=float(speech.sum()) * FRAME / SAMPLE_RATE,
    )


def gain_for(loudness: float, peak_db: float, options: ConditionOptions) -> float:
    """Choose the gain of a clip in dB.

    Args:
        loudness: LUFS, `-inf` where it could not be measured.
        peak_db: True peak in dBTP.
        options: Target, clamps and ceiling.

    Returns:
        The gain towards the target, clamped, then lowered to keep the peak under the ceiling; 0 for silence.
    """
    if not math.isfinite(loudness):
        return 0.0
    wanted = min(max(options.target_lufs - loudness, options.min_gain_db), options.max_gain_db)
    return min(wanted, options.ceiling_dbtp - peak_db)


def speech_bounds(speech: NDArray[np.bool_], n_samples: int, options: ConditionOptions) -> tuple[int, int]:
    """Say which part of a clip to keep.

    Args:
        speech: Mask of speech frames, shape `(n_frames,)`, 512 samples each.
        n_samples: Length of the clip in samples.
        options: How much silence to keep around the speech.

    Returns:
        First sample kept and the one after the last, the whole clip where there is no speech.
    """
    frames = np.flatnonzero(speech)
    if not len(frames):
        return 0, n_samples
    start = int(frames[0]) * FRAME - round(options.keep_before_ms * SAMPLE_RATE / 1000)
    end = (int(frames[-1]) + 1) * FRAME + round(options.keep_after_ms * SAMPLE_RATE / 1000)
    return max(start, 0), min(end, n_samples)


def signal_to_noise(samples: Samples, speech: NDArray[np.bool_]) -> float | None:
    """Estimate the signal-to-noise ratio from the frames with and without speech.

    The noise power is the median of the frames that neither have speech nor touch it, for words fade into the frames
    beside them; the signal power is the mean of the frames with speech, less the noise. Without such frames, or where
    the speech is no louder than they are, the detector was mistaken and there is nothing to compare.

    Args:
        samples: Shape `(n_samples,)`.
        speech: Mask of frames of 512 samples, shape `(ceil(n_samples / 512),)`.

    Returns:
        The ratio in dB, within ±60, or None.
    """
    whole = len(samples) // FRAME
    power = np.mean(samples[: whole * FRAME].reshape(whole, FRAME).astype(np.float64) ** 2, axis=1)
    speech = speech[:whole]
    near = speech.copy()
    near[1:] |= speech[:-1]
    near[:-1] |= speech[1:]
    if not speech.any() or near.all():
        return None
    noise = float(np.median(power[~near]))
    signal = float(power[speech].mean()) - noise
    if signal <= 0.0:
        return None
    if noise <= 0.0:
        return 60.0
    return min(max(10.0 * math.log10(max(signal / noise, 1e-6)), -60.0), 60.0)
