"""The statistics of a manifest as one page that needs nothing but a browser: no network, no script.

Spectrograms need librosa and matplotlib, which the training extra installs.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from data.clips import read_clip
from data.condition import DEFAULT_OPTIONS
from data.manifest import clip_path
from data.measurement import ClipFigures
from data.plots import HEIGHT, WIDTH, Histogram, histogram, rank_curve, spectrogram_png, waveform
from data.records import SAMPLE_RATE, Utterance
from data.spoken import transcript_words
from data.statistics import FIGURES, Statistics
from data.voice import FRAME

SHOWN_SPEAKERS = 12
LONGEST = 8.0
"""Seconds of the longest clip that is shown, for the page is to stay small."""

MEDIA_TYPES = {
    ".flac": "audio/flac",
    ".wav": "audio/wav",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".m4a": "audio/mp4",
}


@dataclass(frozen=True, slots=True)
class Plot:
    """A histogram with its heading, what it says in words, and what its outline stands for."""

    title: str
    caption: str
    unit: str
    shape: Histogram
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """A clip to look at and listen to: why it was chosen, and where its speech begins and ends as shares of it."""

    why: str
    utterance: Utterance
    clip: ClipFigures
    audio: str
    image: str
    wave: str
    begins: float
    ends: float


def render_page(
    statistics: Statistics, utterances: Sequence[Utterance], clips: Sequence[ClipFigures], manifest: Path
) -> str:
    """Render the page.

    Args:
        statistics: The summary.
        utterances: Those of the manifest.
        clips: Their figures, in the same order.
        manifest: Where it is.

    Returns:
        HTML, everything embedded.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
    )
    words: dict[str, int] = {}
    for utterance in utterances:
        for word in transcript_words(utterance.text):
            words[word] = words.get(word, 0) + 1
    return environment.get_template("statistics.html").render(
        statistics=statistics,
        name=manifest.parent.resolve().name if manifest.stem == "manifest" else manifest.stem,
        plots={plot.title: plot for plot in _plots(statistics, clips)},
        zipf=rank_curve(list(words.values())) if words else None,
        speakers=statistics.speakers[:SHOWN_SPEAKERS],
        more_speakers=max(len(statistics.speakers) - SHOWN_SPEAKERS, 0),
        habits=_habits(utterances),
        specimens=list(_specimens(utterances, clips, manifest)),
        options=DEFAULT_OPTIONS,
        box=(WIDTH, HEIGHT),
    )


def _plots(statistics: Statistics, clips: Sequence[ClipFigures]) -> list[Plot]:
    def values(name: str) -> list[float]:
        return [value for clip in clips if (value := FIGURES[name](clip)) is not None]

    def spread(name: str, unit: str) -> str:
        found = statistics.figures[name]
        return f"Median {_shown(found.median)} {unit}; nine in ten between {_shown(found.p5)} and {_shown(found.p95)}."

    target = DEFAULT_OPTIONS.target_lufs
    wanted: tuple[tuple[str, str, str, str | None, tuple[tuple[float, str], ...]], ...] = (
        ("Loudness", "loudness_lufs", "LUFS", "source_loudness_lufs", ((target, "target"),)),
        ("Silence before speech", "silence_before_ms", "ms", None, ((DEFAULT_OPTIONS.keep_before_ms, "kept"),)),
        ("Silence after speech", "silence_after_ms", "ms", None, ((DEFAULT_OPTIONS.keep_after_ms, "kept"),)),
        ("Length", "seconds", "s", None, ()),
        ("Signal to noise", "snr_db", "dB", None, ()),
        ("Bandwidth", "bandwidth_hz", "Hz", None, ((3_400.0, "telephone"),)),
        ("Pace", "words_per_second", "words/s", None, ()),
    )
    plots = []
    for title, name, unit, before, marks in wanted:
        earlier = values(before) if before else []
        step = 1000.0 * FRAME / SAMPLE_RATE if unit == "ms" else None  # silence is measured in whole frames
        shape = histogram(values(name), unit, before=earlier, marks=marks, step=step)
        if shape is not None:
            plots.append(Plot(title, spread(name, unit), unit, shape, "in the recordings" if earlier else None))
    return plots


def _shown(value: float) -> str:
    """Write a figure with as many digits as a person reads."""
    return (
        f"{value:,.0f}"
        if abs(value) >= 100.0 or value == 0.0
        else f"{value:.1f}"
        if abs(value) >= 10.0
        else f"{value:.2f}"
    )


def _habits(utterances: Sequence[Utterance]) -> list[tuple[str, float]]:
    written = [utterance.text.strip() for utterance in utterances if utterance.text.strip()]
    rules: tuple[tuple[str, Callable[[str], bool]], ...] = (
        ("begin with a capital letter", lambda text: text[0].isupper()),
        ("are capitals throughout", lambda text: text.isupper()),
        ("end with . ? or !", lambda text: text[-1] in ".?!"),
        ("have digits", lambda text: any(letter.isdigit() for letter in text)),
        ("have brackets", lambda text: any(letter in "[](){}<>" for letter in text)),
    )
    return [(label, sum(map(has, written)) / len(written)) for label, has in rules] if written else []


def _specimens(utterances: Sequence[Utterance], clips: Sequence[ClipFigures], manifest: Path) -> list[Specimen]:
    """Choose a typical clip and the extremes, each clip once."""
    known = {utterance.id: utterance for utterance in utterances}
    usable = [
        clip for clip in clips if not clip.unreadable and clip.seconds <= LONGEST and clip.words and clip.speech_seconds
    ]
    if not usable:
        return []
    middle = sorted(usable, key=lambda clip: clip.seconds)[len(usable) // 2].seconds
    wishes: tuple[tuple[str, Callable[[ClipFigures], float | None]], ...] = (
        ("typical", lambda clip: abs(clip.seconds - middle)),
        ("longest", lambda clip: -clip.seconds),
        ("noisiest", lambda clip: clip.snr_db),
        ("narrowest band", lambda clip: clip.bandwidth_hz),
        ("fastest", lambda clip: -clip.words_per_second if clip.words_per_second and clip.words > 2 else None),
        ("most silence before", lambda clip: -clip.silence_before_ms if clip.silence_before_ms else None),
    )
    chosen: dict[str, Specimen] = {}
    for why, measure in wishes:
        ranked = [(value, clip.id, clip) for clip in usable if (value := measure(clip)) is not None]
        for _, identifier, clip in sorted(ranked, key=lambda entry: entry[:2]):
            if identifier not in chosen:
                chosen[identifier] = _specimen(why, known[identifier], clip, manifest)
                break
    return list(chosen.values())


def _specimen(why: str, utterance: Utterance, clip: ClipFigures, manifest: Path) -> Specimen:
    path = clip_path(manifest, utterance)
    samples = read_clip(path)
    media = MEDIA_TYPES.get(path.suffix.lower(), "audio/flac")
    length = max(clip.seconds * 1000.0, 1.0)
    return Specimen(
        why=why,
        utterance=utterance,
        clip=clip,
        audio=f"data:{media};base64,{base64.b64encode(path.read_bytes()).decode()}",
        image=spectrogram_png(samples),
        wave=waveform(samples),
        begins=(clip.silence_before_ms or 0.0) / length,
        ends=1.0 - (clip.silence_after_ms or 0.0) / length,
    )
