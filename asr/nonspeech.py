"""Sounds in which nobody speaks, made by rule: silence, noise, hum, knocks, simple music."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from data.records import SAMPLE_RATE, Samples

SoundKind = Literal["silence", "white", "pink", "brown", "hum", "knocks", "music"]

SOUND_KINDS: tuple[SoundKind, ...] = get_args(SoundKind)

PEAK = 0.3
"""Largest magnitude of what is made, but for silence; full scale is 1."""


def make_sound(kind: SoundKind, seconds: float, seed: int) -> Samples:
    """Make a sound without speech.

    Args:
        kind: Which; `silence` is dither of one 16-bit step.
        seconds: Length, above 0.
        seed: Same seed, same sound.

    Returns:
        16 kHz mono, shape `(n_samples,)`.
    """
    chance = np.random.default_rng(seed)
    n_samples = max(round(seconds * SAMPLE_RATE), 1)
    if kind == "silence":
        return (chance.uniform(-1.0, 1.0, n_samples) / 32768.0).astype(np.float32)
    match kind:
        case "white" | "pink" | "brown":
            sound = _coloured({"white": 0.0, "pink": 0.5, "brown": 1.0}[kind], n_samples, chance)
        case "hum":
            sound = _hum(n_samples, chance)
        case "knocks":
            sound = _knocks(n_samples, chance)
        case "music":
            sound = _music(n_samples, chance)
    return (PEAK * sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def _coloured(exponent: float, n_samples: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Noise whose amplitude spectrum falls with this power of the frequency."""
    spectrum = np.fft.rfft(chance.normal(size=n_samples))
    spectrum /= np.maximum(np.fft.rfftfreq(n_samples, 1 / SAMPLE_RATE), 20.0) ** exponent
    return np.fft.irfft(spectrum, n_samples)


def _hum(n_samples: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Mains hum: harmonics of 50 or 60 Hz over faint noise."""
    time = np.arange(n_samples) / SAMPLE_RATE
    base = chance.choice([50.0, 60.0])
    tones = sum(chance.uniform(0, 1) / k * np.sin(2 * np.pi * base * k * time) for k in range(1, 9))
    return np.asarray(tones + 0.02 * chance.normal(size=n_samples))


def _knocks(n_samples: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Decaying bursts at random moments over faint noise: keys, steps, a table."""
    sound = 0.01 * chance.normal(size=n_samples)
    length = round(0.12 * SAMPLE_RATE)
    decay = np.exp(-np.arange(length) / (0.02 * SAMPLE_RATE))
    for start in chance.integers(0, n_samples, max(n_samples * 3 // SAMPLE_RATE, 1)):
        burst = (chance.normal(size=length) * decay)[: n_samples - start]
        sound[start : start + len(burst)] += chance.uniform(0.2, 1.0) * burst
    return sound


def _music(n_samples: int, chance: np.random.Generator) -> NDArray[np.float64]:
    """Plucked notes of a minor scale, two voices, each with a few harmonics."""
    scale = 220.0 * 2.0 ** (np.array([0, 2, 3, 5, 7, 8, 10, 12, 14, 15]) / 12.0)
    sound = np.zeros(n_samples)
    beat = round(chance.uniform(0.18, 0.5) * SAMPLE_RATE)
    for start in range(0, n_samples, beat):
        for octave in (0.5, 1.0):
            time = np.arange(min(2 * beat, n_samples - start)) / SAMPLE_RATE
            pitch = octave * chance.choice(scale)
            tone = sum(np.sin(2 * np.pi * pitch * k * time) / k**1.5 for k in range(1, 6))
            sound[start : start + len(time)] += np.exp(-4.0 * time) * tone
    return sound
