"""Log-mel features as Whisper was trained on, for a clip of any length.

Source: A. Radford and others, "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2, and the
Slaney mel scale (M. Slaney, "Auditory Toolbox", 1998).
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from data.records import SAMPLE_RATE, Samples

N_FFT = 400
"""Samples in a window: 25 ms."""

HOP = 160
"""Samples from window to window: 10 ms."""

CONTEXT_SAMPLES = 30 * SAMPLE_RATE
"""Length that the published weights expect, in samples."""


MIN_OWN_SAMPLES = 2 * SAMPLE_RATE
"""Least length, in samples, at which a clip is heard at its own length; a shorter one is followed by silence.

Decoders that look at less than two seconds fall into loops, whatever they were trained on.
"""


OWN_STEP_SAMPLES = SAMPLE_RATE // 2
"""Longer clips are followed by silence up to a multiple of this, so that like clips can be heard together."""


def own_log_mel(samples: Samples, n_mels: int = 80) -> NDArray[np.float32]:
    """Compute the features of a clip at its own length, rounded up.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`, at least one sample and at most 30 s.
        n_mels: Mel bands.

    Returns:
        Shape `(n_mels, n_frames)`: 200 frames, or the next multiple of 50.
    """
    length = max(-(-len(samples) // OWN_STEP_SAMPLES) * OWN_STEP_SAMPLES, MIN_OWN_SAMPLES)
    return log_mel(np.pad(samples, (0, length - len(samples))), n_mels)


def log_mel(samples: Samples, n_mels: int = 80) -> NDArray[np.float32]:
    """Compute Whisper's log-mel spectrogram.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`, at least one sample.
        n_mels: Mel bands, 80 or 128 (large-v3).

    Returns:
        Shape `(n_mels, n_samples // 160)`, at least one frame; values within about [-1, 2].
    """
    from scipy.fft import rfft  # unlike numpy's, it stays in float32

    padded = _reflected(samples)
    frames = np.lib.stride_tricks.sliding_window_view(padded, N_FFT)[::HOP][: max(len(samples) // HOP, 1)]
    spectrum: NDArray[np.complex64] = rfft(frames * _window(), axis=-1)
    power = spectrum.real**2 + spectrum.imag**2
    mel = mel_filters(n_mels) @ power.T
    log = np.log10(np.maximum(mel, 1e-10))
    log = np.maximum(log, log.max() - 8.0)
    scaled: NDArray[np.float32] = ((log + 4.0) / 4.0).astype(np.float32)
    return scaled


def padded_log_mel(samples: Samples, n_mels: int = 80) -> NDArray[np.float32]:
    """Compute the features of a clip padded with silence, or cut, to 30 s.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`.
        n_mels: Mel bands.

    Returns:
        Shape `(n_mels, 3000)`.
    """
    kept = samples[:CONTEXT_SAMPLES]
    mel = log_mel(np.pad(kept, (0, min(N_FFT, CONTEXT_SAMPLES - len(kept)))), n_mels)
    silence = max(float(mel.max()) - 2.0, -1.5)  # what a frame of zeros comes to, after clamping and scaling
    padded = np.full((n_mels, CONTEXT_SAMPLES // HOP), silence, np.float32)
    padded[:, : mel.shape[1]] = mel
    return padded


@cache
def mel_filters(n_mels: int) -> NDArray[np.float32]:
    """Make the triangular filters of Slaney's mel scale, each of unit area.

    Args:
        n_mels: Number of bands from 0 to 8,000 Hz.

    Returns:
        Shape `(n_mels, 201)`.
    """
    hertz = _mel_to_hertz(np.linspace(0.0, _hertz_to_mel(SAMPLE_RATE / 2), n_mels + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, N_FFT // 2 + 1)
    rising = (bins[None, :] - hertz[:-2, None]) / np.diff(hertz)[:-1, None]
    falling = (hertz[2:, None] - bins[None, :]) / np.diff(hertz)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * (2.0 / (hertz[2:] - hertz[:-2]))[:, None]).astype(np.float32)


def _hertz_to_mel(hertz: float) -> float:
    """Slaney's scale: linear to 1 kHz (200/3 Hz a mel), then 27 mels for each factor of 6.4."""
    return 15.0 + 27.0 * float(np.log(hertz / 1000.0) / np.log(6.4)) if hertz >= 1000.0 else hertz * 3.0 / 200.0


def _mel_to_hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel >= 15.0, 1000.0 * 6.4 ** ((mel - 15.0) / 27.0), mel * 200.0 / 3.0)


@cache
def _window() -> NDArray[np.float32]:
    return np.hanning(N_FFT + 1)[:-1].astype(np.float32)


def _reflected(samples: Samples) -> Samples:
    """Mirror both ends by half a window; a clip shorter than that is first followed by silence."""
    half = N_FFT // 2
    if len(samples) <= half:
        samples = np.pad(samples, (0, half + 1 - len(samples)))
    return np.pad(samples, half, mode="reflect")
