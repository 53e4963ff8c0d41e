"""The report's charts as SVG: small, without a library, coloured by the page's style sheet.

Texts go in escaped. Every chart names what it shows for those who cannot see it.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from asr.evaluation.acceptance import AcceptanceBand
from asr.evaluation.confidence import ConfidenceFigures
from asr.evaluation.curves import Curve
from data.intervals import Interval
from data.plots import nice_step

WIDTH, HEIGHT = 440.0, 204.0
LEFT, BOTTOM, TOP, RIGHT = 42.0, 42.0, 10.0, 12.0


@dataclass(frozen=True, slots=True)
class Axis:
    """A linear or logarithmic axis from `low` to `high`, drawn between two places in pixels."""

    low: float
    high: float
    start: float
    stop: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """Give the place of a value, kept on the axis."""
        low, high, value = (math.log(v) if self.logarithmic else v for v in (self.low, self.high, value))
        share = (min(max(value, low), high) - low) / (high - low or 1.0)
        return self.start + share * (self.stop - self.start)

    def ticks(self) -> list[float]:
        """Give round values on the axis."""
        if self.logarithmic:
            steps = (1, 2, 5)
            powers = range(math.floor(math.log10(self.low)) - 1, math.ceil(math.log10(self.high)) + 1)
            return [s * 10.0**p for p in powers for s in steps if self.low <= s * 10.0**p <= self.high]
        step = nice_step((self.high - self.low) / 4.0)
        first = math.ceil(self.low / step - 1e-9)
        return [n * step for n in range(first, math.floor(self.high / step + 1e-9) + 1)]


def curve_svg(curve: Curve) -> Markup:
    """Draw an error rate against a figure of the clips, with its 95% band."""
    points = curve.points
    low, high = points[0].at, points[-1].at
    logarithmic = curve.unit == "s" and high / low > 8.0
    x = Axis(low, high if high > low else low + 1.0, LEFT, WIDTH - RIGHT, logarithmic)
    top = max(0.1, *(min(point.interval.high, 1.5) for point in points))
    y = Axis(0.0, top, HEIGHT - BOTTOM, TOP)
    places = [(x.at(p.at), p) for p in points]
    upper = [f"{px:.1f} {y.at(p.interval.high):.1f}" for px, p in places]
    lower = [f"{px:.1f} {y.at(p.interval.low):.1f}" for px, p in reversed(places)]
    line = " L".join(f"{px:.1f} {y.at(p.wer):.1f}" for px, p in places)
    marks = Markup("").join(
        Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3.5"><title>{}</title></circle>').format(
            px,
            y.at(p.wer),
            f"{p.low:.3g} to {p.high:.3g} {curve.unit}: {100 * p.wer:.1f}% of the words wrong "
            f"({100 * p.interval.low:.1f} to {100 * p.interval.high:.1f}), {p.clips:,} clips",
        )
        for px, p in places
    )
    band = Markup('<path class="band" d="M{} Z"/>').format(" L".join(upper + lower))
    return _chart(
        f"Word error rate against {curve.kind} in {curve.unit}, {len(points)} bands of {curve.clips:,} clips",
        x,
        y,
        curve.unit,
        band + Markup('<path class="curve" d="M{}"/>').format(line) + marks,
    )


def reliability_svg(figures: ConfidenceFigures) -> Markup:
    """Draw how often a clip is right against how sure the recogniser was; the diagonal is perfect."""
    x, y = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT), Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    most = max(each.clips for each in figures.bins)
    bars = Markup("").join(
        Markup('<rect class="bar" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" opacity="{:.2f}">').format(
            x.at(b.low) + 1,
            y.at(b.right),
            x.at(b.high) - x.at(b.low) - 2,
            y.at(0) - y.at(b.right),
            _weight(b.clips, most),
        )
        + Markup("<title>{}</title></rect>").format(
            f"confidence {b.low:.1f} to {b.high:.1f}: {100 * b.right:.0f}% of {b.clips:,} clips are right, "
            f"mean confidence {b.confidence:.2f}"
        )
        for b in figures.bins
    )
    diagonal = Markup('<line class="ideal" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
        x.at(0), y.at(0), x.at(1), y.at(1)
    )
    return _chart("Share of clips without error against confidence", x, y, "confidence", bars + diagonal, ticks=_tenths)


def risk_svg(figures: ConfidenceFigures) -> Markup:
    """Draw the error rate of the most confident clips against how many are answered."""
    x = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    y = Axis(0.0, max(0.05, *(point.wer for point in figures.risk)), HEIGHT - BOTTOM, TOP)
    line = " L".join(f"{x.at(point.coverage):.1f} {y.at(point.wer):.1f}" for point in figures.risk)
    dots = Markup("").join(
        Markup('<circle class="dot faint" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>').format(
            x.at(p.coverage),
            y.at(p.wer),
            f"answering the {100 * p.coverage:.0f}% with a confidence of at least {p.threshold:.2f}: "
            f"{100 * p.wer:.1f}% of the words wrong",
        )
        for p in figures.risk[:: max(1, len(figures.risk) // 20)]
    )
    return _chart(
        "Word error rate against the share of clips answered, the most confident first",
        x,
        y,
        "of clips answered",
        Markup('<path class="curve" d="M{}"/>').format(line) + dots,
        ticks=_percents,
    )


def acceptance_svg(bands: Sequence[AcceptanceBand]) -> Markup:
    """Draw which share of clips got a text, and which share a right one, by signal-to-noise ratio."""
    y = Axis(0.0, 1.0, HEIGHT - BOTTOM, TOP)
    width = (WIDTH - LEFT - RIGHT) / len(bands)
    shapes = Markup("")
    for number, band in enumerate(bands):
        left = LEFT + number * width
        for place, (share, name, said) in enumerate(
            ((band.accepted, "bar soft", "got a text"), (band.right, "bar", "got the right text"))
        ):
            label = f"{band.band}: {100 * share.value:.0f}% of {share.of:,} clips {said}"
            shapes += Markup(
                '<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>'
            ).format(
                name,
                left + width * (0.14 + 0.37 * place),
                y.at(share.value),
                width * 0.33,
                y.at(0.0) - y.at(share.value),
                label,
            )
        short = (
            band.band.removeprefix("noise: SNR ").removesuffix(" dB").replace(" dB and more", "+").replace(" to ", "-")
        )
        shapes += Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>').format(
            left + width / 2, HEIGHT - BOTTOM + 18, short
        )
    x = Axis(0.0, 1.0, LEFT, WIDTH - RIGHT)
    return _chart(
        "Commands accepted and commands right, by signal-to-noise ratio in dB", x, y, "", shapes, ticks=lambda _: []
    )


def range_svg(value: float, between: Interval, low: float, high: float, mark: float | None = None) -> Markup:
    """Draw one value with its interval on a scale without labels, and a mark to hold it against."""
    axis = Axis(low, high, 6.0, 194.0)
    left, right = axis.at(between.low), axis.at(between.high)
    zero = _tick("axis", axis.at(0.0)) if low < 0 else ""
    level = _tick("level", axis.at(mark)) if mark is not None else ""
    return Markup(
        '<svg class="range" viewBox="0 0 200 20" preserveAspectRatio="none" aria-hidden="true">'
        '<line class="rail" x1="0" x2="200" y1="10" y2="10"/>{}{}<line class="whisker" x1="{:.1f}" x2="{:.1f}" y1="10" '
        'y2="10"/><path class="point" d="M{:.1f} 10h.01"/></svg>'
    ).format(zero, level, left, right, axis.at(value))


def _tick(name: str, place: float) -> Markup:
    return Markup('<line class="{0}" x1="{1:.1f}" x2="{1:.1f}" y1="2" y2="18"/>').format(name, place)


def _chart(
    label: str,
    x: Axis,
    y: Axis,
    unit: str,
    shapes: Markup,
    ticks: Callable[[Axis], list[tuple[float, str]]] | None = None,
) -> Markup:
    across = ticks(x) if ticks else _plain(x)
    parts = [
        Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, label),
        *(
            Markup('<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>').format(
                LEFT, WIDTH - RIGHT, y.at(value), y.at(value)
            )
            + Markup('<text x="{}" y="{:.1f}" text-anchor="end">{:g}%</text>').format(
                LEFT - 6, y.at(value) + 4, round(100 * value, 1)
            )
            for value in y.ticks()
        ),
        *(
            Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
                x.at(value), HEIGHT - BOTTOM + 18, _anchor(x.at(value)), text
            )
            for value, text in across
        ),
        shapes,
        Markup('<text class="unit" x="{}" y="{}" text-anchor="end">{}</text></svg>').format(
            WIDTH - RIGHT, HEIGHT - 6, unit
        ),
    ]
    return Markup("").join(parts)


def _plain(axis: Axis) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in axis.ticks()]


def _tenths(axis: Axis) -> list[tuple[float, str]]:
    return [(n / 5, f"{n / 5:g}") for n in range(6)]


def _percents(axis: Axis) -> list[tuple[float, str]]:
    return [(n / 4, f"{25 * n}%") for n in range(5)]


def _weight(clips: int, most: int) -> float:
    return 0.35 + 0.65 * clips / most


def _anchor(place: float) -> str:
    return "end" if place > WIDTH - RIGHT - 8 else "middle"
