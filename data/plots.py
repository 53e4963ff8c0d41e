"""Shapes of plots, for a page to draw: histograms and bars as rectangles, waveforms as paths, spectrograms as PNG.

All coordinates are in a box of `WIDTH` by `HEIGHT`, origin at the top left.
"""

import base64
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data.records import SAMPLE_RATE, Samples

WIDTH, HEIGHT = 460.0, 150.0
MAX_BINS = 40
SPECTROGRAM_RANGE_DB = 70.0
MELS = 128
HOP = 128


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle and what it stands for."""

    x: float
    y: float
    width: float
    height: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the horizontal axis."""

    x: float
    label: str


@dataclass(frozen=True, slots=True)
class Histogram:
    """How values are spread: filled bars, and a second set of values as an outline where there is one."""

    bars: tuple[Bar, ...]
    outline: str | None
    ticks: tuple[Mark, ...]
    marks: tuple[Mark, ...]
    highest: int


def histogram(
    values: Sequence[float],
    unit: str,
    *,
    before: Sequence[float] = (),
    marks: Sequence[tuple[float, str]] = (),
    step: float | None = None,
) -> Histogram | None:
    """Lay out a histogram; what lies beyond the outer half per cent is counted in the outermost bars.

    Args:
        values: What to show.
        unit: Of the values, for the labels.
        before: Other values, drawn as an outline in the same bins.
        marks: Values to mark, each with a label.
        step: Width of a bar, where values come in steps.

    Returns:
        The histogram, None where there is no value.
    """
    if not len(values):
        return None
    everything = np.concatenate([np.asarray(values, np.float64), np.asarray(before, np.float64)])
    low, high = np.percentile(everything, [0.5, 99.5])
    step = step or nice_step((high - low) / 24.0)
    first, last = math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 8)
    edges = np.arange(first, last + 1)[: MAX_BINS + 1] * step
    counts, outlined = _counts(values, edges), _counts(before, edges)
    highest = int(max(counts.max(), outlined.max(initial=0)))
    width = WIDTH / len(counts)
    bars = tuple(
        Bar(
            x=index * width + 0.5,
            y=HEIGHT * (1.0 - count / highest),
            width=max(width - 1.0, 0.5),
            height=HEIGHT * count / highest,
            label=f"{edges[index]:g} to {edges[index + 1]:g} {unit}: {count:,}",
        )
        for index, count in enumerate(counts)
        if count
    )

    def at(value: float) -> float:
        return float(np.clip((value - edges[0]) / (edges[-1] - edges[0]), 0.0, 1.0)) * WIDTH

    tick_step = nice_step((edges[-1] - edges[0]) / 5.0)
    ticks = np.arange(math.ceil(edges[0] / tick_step - 1e-9), math.floor(edges[-1] / tick_step + 1e-9) + 1) * tick_step
    return Histogram(
        bars=bars,
        outline=_outline(outlined, highest) if len(before) else None,
        ticks=tuple(Mark(at(tick), f"{tick:,g}") for tick in ticks),
        marks=tuple(Mark(at(value), label) for value, label in marks if edges[0] <= value <= edges[-1]),
        highest=highest,
    )


def nice_step(step: float) -> float:
    """Round a step up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(step, 1e-9)))
    return next(float(f"{factor * power:.9g}") for factor in (1, 2, 5, 10) if factor * power >= step * (1.0 - 1e-9))


def rank_curve(counts: Sequence[int]) -> str:
    """Give the path of frequency over rank, both logarithmic, most frequent first.

    Args:
        counts: Of each word, at least one.

    Returns:
        The path of an SVG; a straight line is Zipf's law.
    """
    ordered = np.sort(np.asarray(counts, np.float64))[::-1]
    x = np.log10(np.arange(1, len(ordered) + 1)) / max(math.log10(len(ordered)), 1e-9) * WIDTH
    y = HEIGHT * (1.0 - np.log10(ordered) / max(math.log10(ordered[0]), 1e-9))
    return "M" + " L".join(f"{a:.1f} {b:.1f}" for a, b in _thinned(x, y))


def waveform(samples: Samples, columns: int = 300) -> str:
    """Give the path of a waveform's envelope, in a box of `columns` by 2 around 0.

    Args:
        samples: Shape `(n_samples,)`.
        columns: Horizontal resolution.

    Returns:
        The path of an SVG, closed.
    """
    parts = np.array_split(samples, min(columns, max(len(samples), 1)))
    peak = max(float(np.abs(samples).max(initial=0.0)), 1e-6)
    tops = [f"{index} {-float(part.max(initial=0.0)) / peak:.3f}" for index, part in enumerate(parts)]
    bottoms = [f"{index} {-float(part.min(initial=0.0)) / peak:.3f}" for index, part in enumerate(parts)]
    return "M" + " L".join([*tops, *reversed(bottoms)]) + " Z"


def spectrogram_png(samples: Samples) -> str:
    """Draw a mel spectrogram, from 0 to 8 kHz, 70 dB deep.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`.

    Returns:
        A PNG as a `data:` address.
    """
    import librosa
    from matplotlib.image import imsave

    power = librosa.feature.melspectrogram(y=samples, sr=SAMPLE_RATE, n_fft=512, hop_length=HOP, n_mels=MELS)
    decibels = librosa.power_to_db(power, ref=max(float(power.max()), 1e-9), top_db=SPECTROGRAM_RANGE_DB)
    buffer = io.BytesIO()
    imsave(buffer, decibels, cmap="magma", origin="lower", vmin=-SPECTROGRAM_RANGE_DB, vmax=0.0, format="png")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _counts(values: Sequence[float], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    kept = np.clip(np.asarray(values, np.float64), edges[0], np.nextafter(edges[-1], edges[0]))
    return np.histogram(kept, edges)[0]


def _outline(counts: NDArray[np.int64], highest: int) -> str:
    width = WIDTH / len(counts)
    heights = [HEIGHT * (1.0 - count / highest) for count in counts]
    steps = [f"H{index * width:.1f} V{height:.1f}" for index, height in enumerate(heights)]
    return f"M0 {HEIGHT} " + " ".join(steps) + f" H{WIDTH} V{HEIGHT}"


def _thinned(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[tuple[float, float]]:
    """Keep one point a pixel: a vocabulary has more words than a plot has pixels."""
    kept = np.unique(np.round(x).astype(np.int64), return_index=True)[1]
    return [(float(x[index]), float(y[index])) for index in (*kept, len(x) - 1)]
