"""How loud a clip is, and how high its peaks reach: ITU-R BS.1770-4."""

import math
import warnings

import numpy as np

from data.records import SAMPLE_RATE, Samples

BLOCK_SECONDS = 0.4
"""Length of a gating block (BS.1770-4, annex 1)."""

ABSOLUTE_GATE = -70.0
"""Blocks quieter than this, in LUFS, do not count (BS.1770-4, annex 1)."""

OVERSAMPLING = 4
"""How many times a signal is oversampled for its true peak (BS.1770-4, annex 2)."""


def integrated_loudness(samples: Samples) -> float:
    """Measure the gated, K-weighted loudness of a clip.

    A clip shorter than one gating block (0.4 s) is measured as one block of its own length: the same filter and the
    same absolute gate, without the overlap that it has no room for.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`, full scale ±1.

    Returns:
        Loudness in LUFS; `-inf` for an empty clip and where nothing passes the absolute gate of -70 LUFS.
    """
    if not np.any(samples):
        return -math.inf
    from pyloudnorm import Meter  # imports scipy.signal, over a second: not at import time

    block = min(BLOCK_SECONDS, len(samples) / SAMPLE_RATE)
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")  # "mean of empty slice" for a clip wholly below the gate
        loudness = float(Meter(SAMPLE_RATE, block_size=block).integrated_loudness(samples.astype(np.float64)))
    return loudness if math.isfinite(loudness) else -math.inf


def true_peak_db(samples: Samples) -> float:
    """Measure the highest peak between and on the samples.

    Args:
        samples: Shape `(n_samples,)`, full scale ±1.

    Returns:
        True peak in dBTP (BS.1770-4, annex 2: 4 times oversampled); `-inf` for silence.
    """
    if not np.any(samples):
        return -math.inf
    from scipy.signal import resample_poly

    peak = max(float(np.abs(resample_poly(samples, OVERSAMPLING, 1)).max()), float(np.abs(samples).max()))
    return 20.0 * math.log10(peak)
