"""How loud a clip is, and how high its peaks reach: ITU-R BS.1770-4."""

import math
from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from data.records import SAMPLE_RATE, Samples

BLOCK_SECONDS = 0.4
"""Length of a gating block (BS.1770-4, annex 1)."""

OVERLAP = 4
"""Blocks that each moment is part of: they overlap by 75% (BS.1770-4, annex 1)."""

ABSOLUTE_GATE = -70.0
"""Blocks quieter than this, in LUFS, do not count (BS.1770-4, annex 1)."""

RELATIVE_GATE = -10.0
"""Nor do blocks this far, in LU, below the mean of those that do (BS.1770-4, annex 1)."""

OFFSET = -0.691
"""What makes a 997 Hz sine at full scale read -3.01 LUFS (BS.1770-4, annex 1)."""

OVERSAMPLING = 4
"""How many times a signal is oversampled for its true peak (BS.1770-4, annex 2)."""

REACH = 10
"""Samples on each side from which a value between the samples is interpolated."""

_PEAK_BLOCK = 64
_FEW_BLOCKS = 16
"""Blocks multiplied at a time: so few that OpenBLAS starts no threads, which take 20 times as long as the work."""


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
    from scipy.signal import sosfilt  # over a second to import: not at import time

    power = _block_power(sosfilt(_k_weighting(), samples.astype(np.float64)))
    power = power[power >= 10.0 ** ((ABSOLUTE_GATE - OFFSET) / 10.0)]
    if not len(power):
        return -math.inf
    power = power[power > power.mean() * 10.0 ** (RELATIVE_GATE / 10.0)]
    return OFFSET + 10.0 * math.log10(power.mean())


def true_peak_db(samples: Samples) -> float:
    """Measure the highest peak between and on the samples.

    Args:
        samples: Shape `(n_samples,)`, full scale ±1.

    Returns:
        True peak in dBTP (BS.1770-4, annex 2: 4 times oversampled); `-inf` for silence.
    """
    if not np.any(samples):
        return -math.inf
    padded = np.zeros(-(-len(samples) // _PEAK_BLOCK) * _PEAK_BLOCK + 2 * REACH, np.float32)
    padded[REACH : REACH + len(samples)] = samples
    blocks = sliding_window_view(padded, _PEAK_BLOCK + 2 * REACH)[::_PEAK_BLOCK]
    interpolation, most = _interpolation()
    highest = np.abs(blocks).max(axis=1)
    peak = float(highest.max())
    # Only where the samples come near the highest one can a value between them pass it.
    near = blocks[highest * most >= peak]
    for start in range(0, len(near), _FEW_BLOCKS):
        peak = max(peak, float(np.abs(near[start : start + _FEW_BLOCKS] @ interpolation).max()))
    return 20.0 * math.log10(peak)


def _block_power(weighted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the mean square of each gating block, shape `(n_blocks,)`; the last may reach past the end of the clip."""
    block = round(BLOCK_SECONDS * SAMPLE_RATE)
    if len(weighted) <= block:
        return np.array([np.mean(weighted**2)])
    step = block // OVERLAP
    n_blocks = round((len(weighted) - block) / step) + 1
    squares = np.zeros((n_blocks + OVERLAP - 1) * step)
    kept = weighted[: len(squares)]
    squares[: len(kept)] = kept**2
    steps: NDArray[np.float64] = squares.reshape(-1, step).sum(axis=1)
    power: NDArray[np.float64] = sliding_window_view(steps, OVERLAP).sum(axis=1) / block
    return power


@cache
def _k_weighting() -> NDArray[np.float64]:
    """Give the K-weighting filter for 16 kHz as second-order sections, shape `(2, 6)`."""
    from pyloudnorm import Meter

    filters = Meter(SAMPLE_RATE)._filters.values()
    return np.array([np.concatenate((stage.b, stage.a)) for stage in filters])


@cache
def _interpolation() -> tuple[NDArray[np.float32], float]:
    """Give what turns a block of samples into the values between them, and how far a value can exceed its samples.

    Returns:
        A matrix, shape `(block + 2 reach, 3 block)`, and the largest sum of magnitudes of one column. The filter is the
        one that `scipy.signal.resample_poly` takes: a sinc under a Kaiser window with beta 5.
    """
    from scipy.signal import firwin

    half = REACH * OVERSAMPLING
    taps = OVERSAMPLING * firwin(2 * half + 1, 1.0 / OVERSAMPLING, window=("kaiser", 5.0))
    matrix = np.zeros((_PEAK_BLOCK + 2 * REACH, _PEAK_BLOCK, OVERSAMPLING - 1), np.float32)
    for sample in range(_PEAK_BLOCK):
        for phase in range(1, OVERSAMPLING):
            column = taps[phase::OVERSAMPLING][::-1]  # 2 * REACH taps, the farthest sample back first
            matrix[sample + 1 : sample + 1 + len(column), sample, phase - 1] = column
    return matrix.reshape(_PEAK_BLOCK + 2 * REACH, -1), float(np.abs(matrix).sum(axis=0).max())
