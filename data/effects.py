"""What rooms, lines and microphones do to speech: pure functions on samples, with torchaudio and real codecs.

Every random choice is an argument: the same arguments give the same samples.
"""

import math
from typing import cast

import av
import numpy as np
from numpy.typing import NDArray

from data.records import SAMPLE_RATE, Samples

TELEPHONE_RATE = 8_000
TELEPHONE_BAND = (300.0, 3_400.0)
"""Passband of a telephone line in Hz (ITU-T G.712)."""

CODECS = ("pcm_mulaw", "pcm_alaw", "amr_nb", "libopus")
"""G.711 in its two laws, mobile telephony, and calls over the internet; FFmpeg's names."""

BIT_RATES = {"amr_nb": 12_200, "libopus": 12_000}

COLOURS = {"white": 0.0, "pink": 1.0, "brown": 2.0}
"""Exponent of the fall of power with frequency, 1/f^n."""


def change_speed(samples: Samples, factor: float) -> Samples:
    """Play faster or slower, pitch included.

    Args:
        samples: Shape `(n_samples,)`.
        factor: Above 1 is faster. Source: T. Ko and others, "Audio augmentation for speech recognition", 2015.

    Returns:
        Shape `(n_samples / factor,)`.
    """
    import torch
    from torchaudio import functional

    played, _ = functional.speed(torch.from_numpy(samples), SAMPLE_RATE, factor)
    return _samples(played)


def add_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise at a signal-to-noise ratio over the whole clip.

    Args:
        samples: Shape `(n_samples,)`.
        noise: Any length from one sample on, repeated where it is short.
        snr_db: Ratio in dB.

    Returns:
        Shape `(n_samples,)`; unchanged where either is silent.
    """
    import torch
    from torchaudio import functional

    repeated = np.resize(noise, len(samples))
    if not np.any(samples) or not np.any(repeated):
        return samples
    return _samples(functional.add_noise(torch.from_numpy(samples), torch.from_numpy(repeated), torch.tensor(snr_db)))


def coloured_noise(n_samples: int, colour: str, random: np.random.Generator) -> Samples:
    """Make noise whose power falls with frequency.

    Args:
        n_samples: How much.
        colour: A key of `COLOURS`.
        random: Where the numbers come from.

    Returns:
        Shape `(n_samples,)`, root mean square 1.
    """
    spectrum = np.fft.rfft(random.standard_normal(n_samples))
    frequency = np.maximum(np.fft.rfftfreq(n_samples, 1.0 / SAMPLE_RATE), 20.0)
    shaped: NDArray[np.float64] = np.fft.irfft(spectrum * frequency ** (-COLOURS[colour] / 2.0), n_samples)
    return (shaped / max(float(np.sqrt(np.mean(shaped**2))), 1e-12)).astype(np.float32)


def room_response(
    reverberation_seconds: float, direct_to_reverberant_db: float, random: np.random.Generator
) -> Samples:
    """Make the impulse response of a room: the direct sound, then noise that decays exponentially.

    Args:
        reverberation_seconds: Time in which the sound decays by 60 dB.
        direct_to_reverberant_db: Energy of the direct sound over that of the rest.
        random: Where the numbers come from.

    Returns:
        Shape `(n,)`. Source: J.-D. Polack's model, 1988, as in E. Habets, "Single- and multi-microphone speech
        dereverberation using spectral enhancement", 2007, 2.2.
    """
    n_samples = max(round(reverberation_seconds * SAMPLE_RATE), 2)
    decay = np.exp(-3.0 * math.log(10.0) * np.arange(n_samples) / n_samples)
    tail = random.standard_normal(n_samples) * decay
    tail[0] = 0.0
    tail *= math.sqrt(10.0 ** (-direct_to_reverberant_db / 10.0) / float(np.sum(tail**2)))
    tail[0] = 1.0
    return tail.astype(np.float32)


def in_room(samples: Samples, response: Samples) -> Samples:
    """Hear a clip through an impulse response, from its highest peak on, as loud as before.

    Args:
        samples: Shape `(n_samples,)`.
        response: Shape `(n,)`, not silent.

    Returns:
        Shape `(n_samples,)`.
    """
    import torch
    from torchaudio import functional

    direct = response[int(np.argmax(np.abs(response))) :]
    heard = _samples(functional.fftconvolve(torch.from_numpy(samples), torch.from_numpy(direct)))[: len(samples)]
    return heard * np.float32(_rms(samples) / max(_rms(heard), 1e-12))


def through_telephone(samples: Samples, codec: str) -> Samples:
    """Send a clip through a telephone line: its band, 8 kHz, a codec and back.

    Args:
        samples: Shape `(n_samples,)`.
        codec: One of `CODECS`.

    Returns:
        Shape `(n_samples,)` or a frame longer, at 16 kHz.
    """
    import torch
    from torchaudio import functional

    narrow = functional.resample(torch.from_numpy(samples), SAMPLE_RATE, TELEPHONE_RATE)
    narrow = functional.highpass_biquad(narrow, TELEPHONE_RATE, TELEPHONE_BAND[0])
    narrow = functional.lowpass_biquad(narrow, TELEPHONE_RATE, TELEPHONE_BAND[1])
    coded = torch.from_numpy(_coded(_samples(narrow.clamp(-1.0, 1.0)), codec, TELEPHONE_RATE))
    return _samples(functional.resample(coded, TELEPHONE_RATE, SAMPLE_RATE))


def change_gain(samples: Samples, gain_db: float) -> Samples:
    """Make a clip louder or quieter, within full scale.

    Args:
        samples: Shape `(n_samples,)`.
        gain_db: Gain in dB.

    Returns:
        Shape `(n_samples,)`, clipped at ±1.
    """
    louder: Samples = np.clip(samples * np.float32(10.0 ** (gain_db / 20.0)), -1.0, 1.0)
    return louder


def clip_peaks(samples: Samples, share: float) -> Samples:
    """Overdrive a clip until a share of its samples is clipped.

    Args:
        samples: Shape `(n_samples,)`.
        share: Of the samples, in (0, 1).

    Returns:
        Shape `(n_samples,)`, as loud at its limit as the highest peak was.
    """
    limit = float(np.quantile(np.abs(samples), 1.0 - share))
    peak = float(np.abs(samples).max(initial=0.0))
    if limit <= 0.0:
        return samples
    return (np.clip(samples, -limit, limit) * np.float32(peak / limit)).astype(np.float32)


def _coded(samples: Samples, codec: str, rate: int) -> Samples:
    """Encode and decode."""
    encoder = cast("av.AudioCodecContext", av.CodecContext.create(codec, "w"))
    decoder = cast("av.AudioCodecContext", av.CodecContext.create(codec, "r"))
    for context in (encoder, decoder):
        context.sample_rate, context.layout = rate, "mono"
    encoder.format = (encoder.codec.audio_formats or [av.AudioFormat("s16")])[0]
    encoder.bit_rate = BIT_RATES.get(codec, 64_000)
    encoder.open()
    to_codec = av.AudioResampler(encoder.format, "mono", rate, frame_size=encoder.frame_size or None)
    from_codec = av.AudioResampler("flt", "mono", rate)
    frame = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
    frame.sample_rate = rate
    packets = [
        packet for part in (frame, None) for whole in to_codec.resample(part) for packet in encoder.encode(whole)
    ]
    frames = [decoded for packet in (*packets, *encoder.encode(None)) for decoded in decoder.decode(packet)]
    parts = [part.to_ndarray()[0] for decoded in (*frames, None) for part in from_codec.resample(decoded)]
    return np.concatenate(parts)


def _samples(tensor) -> Samples:  # type: ignore[no-untyped-def]  # torch is not imported here
    return np.ascontiguousarray(tensor.numpy(), np.float32)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
