"""What one clip is like: level, noise, bandwidth, silence, pace.

Bandwidth is measured with librosa, which the training extra installs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from data.clips import audio_digest, read_clip
from data.condition import DEFAULT_OPTIONS, FULL_SCALE, gain_for, signal_to_noise
from data.errors import AudioError
from data.loudness import integrated_loudness, true_peak_db
from data.manifest import clip_path
from data.records import SAMPLE_RATE, Samples, Utterance
from data.spoken import transcript_words
from data.voice import FRAME, speech_frames, voice_probabilities

BANDWIDTH_RANGE_DB = 50.0
"""How far below the peak of its long-term spectrum a clip still counts as having energy."""

FFT = 512


@dataclass(frozen=True, slots=True)
class SourceFigures:
    """What conditioning found in the recording and did to it, by the clip's lineage; as in `Conditioned`."""

    loudness: float
    gain_db: float
    cut_before_ms: float
    cut_after_ms: float
    clipped_share: float


@dataclass(frozen=True, slots=True)
class ClipFigures:
    """What was measured of a clip; None where it cannot be.

    Silence is what lies before the first and after the last frame of speech. `words_per_second` counts words of the
    spoken form over seconds of speech. `digest` is the same for the same audio. `unreadable` says why nothing else is
    known.
    """

    id: str
    seconds: float
    words: int
    digest: str = ""
    loudness: float | None = None
    peak_db: float | None = None
    snr_db: float | None = None
    bandwidth_hz: float | None = None
    silence_before_ms: float | None = None
    silence_after_ms: float | None = None
    speech_seconds: float = 0.0
    words_per_second: float | None = None
    clipped_share: float = 0.0
    source: SourceFigures | None = None
    unreadable: str | None = None


def measure_all(utterances: Sequence[Utterance], *, manifest: Path) -> list[ClipFigures]:
    """Measure clips of a manifest, in their order."""
    return [measure(utterance, manifest) for utterance in utterances]


def measure(utterance: Utterance, manifest: Path) -> ClipFigures:
    """Measure one clip.

    Args:
        utterance: The clip.
        manifest: The manifest that it is in.

    Returns:
        Its figures; a clip that cannot be read has the reason.
    """
    path = clip_path(manifest, utterance)
    words = len(transcript_words(utterance.text))
    try:
        samples = read_clip(path)
        digest = audio_digest(path)
    except (AudioError, OSError) as error:
        return ClipFigures(utterance.id, utterance.duration, words, unreadable=str(error))
    loudness, peak_db = integrated_loudness(samples), true_peak_db(samples)
    gained = samples * np.float32(10.0 ** (gain_for(loudness, peak_db, DEFAULT_OPTIONS) / 20.0))
    speech = speech_frames(voice_probabilities(gained), DEFAULT_OPTIONS.voice)
    frames = np.flatnonzero(speech)
    speech_seconds = len(frames) * FRAME / SAMPLE_RATE
    return ClipFigures(
        id=utterance.id,
        seconds=len(samples) / SAMPLE_RATE,
        words=words,
        digest=digest,
        loudness=loudness if np.isfinite(loudness) else None,
        peak_db=peak_db if np.isfinite(peak_db) else None,
        snr_db=signal_to_noise(gained, speech),
        bandwidth_hz=bandwidth(samples),
        silence_before_ms=1000.0 * int(frames[0]) * FRAME / SAMPLE_RATE if len(frames) else None,
        silence_after_ms=1000.0 * max(len(samples) - (int(frames[-1]) + 1) * FRAME, 0) / SAMPLE_RATE
        if len(frames)
        else None,
        speech_seconds=speech_seconds,
        words_per_second=words / speech_seconds if words and len(frames) else None,
        clipped_share=float(np.mean(np.abs(samples) >= FULL_SCALE)),
        source=source_figures(utterance),
    )


def bandwidth(samples: Samples) -> float | None:
    """Measure up to which frequency a clip has energy.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`.

    Returns:
        The highest frequency in Hz at which the long-term spectrum is within 50 dB of its peak: 3,500 to 4,800 through
        a telephone, above 6,500 through a microphone. None for silence.
    """
    from librosa import fft_frequencies, power_to_db, stft

    if len(samples) < FFT or not np.any(samples):
        return None
    power = np.mean(np.abs(stft(samples, n_fft=FFT, hop_length=FFT // 2)) ** 2, axis=1)
    audible = power_to_db(power, ref=np.max, top_db=None, amin=1e-20) > -BANDWIDTH_RANGE_DB
    return float(fft_frequencies(sr=SAMPLE_RATE, n_fft=FFT)[audible][-1])


def source_figures(utterance: Utterance) -> SourceFigures | None:
    """Take from a clip's lineage what its last conditioning found and did, None where it was never conditioned."""
    names = ("loudness_before", "gain_db", "cut_before_ms", "cut_after_ms", "clipped_share")
    for step in reversed(utterance.lineage):
        if step.name == "condition" and all(isinstance(step.parameters.get(name), int | float) for name in names):
            return SourceFigures(*(float(str(step.parameters[name])) for name in names))
    return None
