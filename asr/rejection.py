"""When a recogniser's text is not to be believed: silence, noise, guesses and loops give no text."""

import math
import re
import zlib
from dataclasses import dataclass

from data.records import Conditioned, NullReason


@dataclass(frozen=True, slots=True)
class RejectionLimits:
    """From where on a transcript is refused.

    Loudness in LUFS, lengths in seconds, probabilities and confidence in [0, 1]. Confidence is here the mean
    probability of a token, also where a release is calibrated, so that a limit means the same for all. `voiced_*`
    apply where the voice detector found speech, `unvoiced_*` where it found none and the recogniser alone must be sure.
    `certain_no_speech` holds however sure of its text the recogniser is: short music may give a confident "you".
    """

    min_loudness: float = -60.0
    min_seconds: float = 0.1
    unvoiced_no_speech: float = 0.2
    unvoiced_confidence: float = 0.7
    voiced_no_speech: float = 0.5
    voiced_confidence: float = 0.5
    certain_no_speech: float = 0.8
    min_confidence: float = 0.2
    max_compression_ratio: float = 2.4
    max_repeats: int = 4
    max_characters_per_second: float = 40.0


DEFAULT_LIMITS = RejectionLimits()


def reject_audio(clip: Conditioned, limits: RejectionLimits = DEFAULT_LIMITS) -> NullReason | None:
    """Say why a clip is not worth recognising.

    Args:
        clip: The conditioned clip.
        limits: From where on.

    Returns:
        `silence`, `too_short`, or None for a clip to recognise.
    """
    if not math.isfinite(clip.loudness_before) or clip.loudness_before < limits.min_loudness:
        return NullReason.SILENCE
    if clip.seconds < limits.min_seconds:
        return NullReason.TOO_SHORT
    return None


def reject_text(
    text: str,
    confidence: float,
    no_speech_prob: float,
    clip: Conditioned,
    limits: RejectionLimits = DEFAULT_LIMITS,
) -> NullReason | None:
    """Say why a recognised text is not to be believed.

    Args:
        text: The best hypothesis.
        confidence: The mean probability of a token, before any calibration, in [0, 1].
        no_speech_prob: The recogniser's probability that nobody speaks, in [0, 1].
        clip: The clip it was heard in.
        limits: From where on.

    Returns:
        `no_speech`, `hallucination`, `low_confidence`, or None for a text to believe.
    """
    if not re.search(r"\w", text) or no_speech_prob > limits.certain_no_speech:
        return NullReason.NO_SPEECH
    if not clip.speech_found and not (
        no_speech_prob < limits.unvoiced_no_speech and confidence >= limits.unvoiced_confidence
    ):
        return NullReason.NO_SPEECH
    if is_loop(text, limits) or len(text) > limits.max_characters_per_second * max(clip.seconds, 0.5):
        return NullReason.HALLUCINATION
    if no_speech_prob > limits.voiced_no_speech and confidence < limits.voiced_confidence:
        return NullReason.NO_SPEECH
    return NullReason.LOW_CONFIDENCE if confidence < limits.min_confidence else None


def is_loop(text: str, limits: RejectionLimits = DEFAULT_LIMITS) -> bool:
    """Tell whether a text repeats itself as stuck decoders do.

    Args:
        text: Any text.
        limits: How compressible a text may be (Whisper's own measure), and how often in a row one to four words may
            recur.

    Returns:
        Whether it is a loop.
    """
    if compression_ratio(text) > limits.max_compression_ratio:
        return True
    words = " ".join(re.findall(r"[\w']+", text.lower()))
    return re.search(rf"\b(\S+(?: \S+){{0,3}})(?: \1\b){{{limits.max_repeats},}}", words) is not None


def compression_ratio(text: str) -> float:
    """Measure how repetitive a text is.

    Args:
        text: Any text.

    Returns:
        Bytes of UTF-8 over bytes under zlib; below 1 for short texts, 0 for none. Source: Whisper (2022), section 4.5.
    """
    raw = text.encode()
    return len(raw) / len(zlib.compress(raw)) if raw else 0.0
