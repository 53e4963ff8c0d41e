"""Where in a clip somebody speaks: the Silero voice detector through onnxruntime.

Source: Silero VAD (https://github.com/snakers4/silero-vad), version 6, as packaged with faster-whisper.
"""

import importlib.util
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.errors import ModelUnavailableError
from data.records import Samples

FRAME = 512
"""Samples per decision: 32 ms at 16 kHz."""

CONTEXT = 64
"""Samples of the frame before that the detector looks back to."""


@dataclass(frozen=True, slots=True)
class VoiceOptions:
    """When a frame counts as speech.

    A run of speech is recognised by one frame of at least `threshold`, then grows in both directions over frames of at
    least `soft_threshold`: soft onsets and endings belong to the word. Probabilities are in [0, 1].
    """

    threshold: float = 0.5
    soft_threshold: float = 0.15


class VoiceDetector:
    """Listens to audio as it comes in; what it says of a frame is what it would say of it in the whole clip."""

    def __init__(self) -> None:
        self._hidden = self._cell = np.zeros((1, 1, 128), np.float32)
        self._context = np.zeros(CONTEXT, np.float32)
        self._rest = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> NDArray[np.float32]:
        """Take in what comes next.

        Args:
            samples: 16 kHz mono, shape `(n_samples,)`, any number.

        Returns:
            The probability of speech in each frame that is complete now, in [0, 1]; what is left waits for more.
        """
        heard = np.concatenate((self._rest, samples))
        n_frames = len(heard) // FRAME
        self._rest = heard[n_frames * FRAME :].copy()
        if n_frames == 0:
            return np.zeros(0, np.float32)
        framed = np.empty((n_frames, CONTEXT + FRAME), np.float32)
        frames = framed[:, CONTEXT:]
        frames[:] = heard[: n_frames * FRAME].reshape(n_frames, FRAME)
        framed[0, :CONTEXT] = self._context
        framed[1:, :CONTEXT] = frames[:-1, -CONTEXT:]
        probabilities: NDArray[np.float32]
        probabilities, self._hidden, self._cell = _session().run(
            None, {"input": framed, "h": self._hidden, "c": self._cell}
        )
        self._context = frames[-1, -CONTEXT:].copy()
        return probabilities.reshape(-1)


def voice_probabilities(samples: Samples) -> NDArray[np.float32]:
    """Give the probability of speech in each frame of 32 ms.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`; the last frame is filled with zeros.

    Returns:
        Probabilities in [0, 1], shape `(ceil(n_samples / 512),)`.

    Raises:
        ModelUnavailableError: The detector's file is not where faster-whisper 1.2.1 has it.
    """
    return VoiceDetector().push(np.pad(samples, (0, -len(samples) % FRAME)))


def speech_frames(probabilities: NDArray[np.float32], options: VoiceOptions) -> NDArray[np.bool_]:
    """Mark the frames that belong to speech.

    Args:
        probabilities: Shape `(n_frames,)`, in [0, 1].
        options: The two thresholds.

    Returns:
        A mask, shape `(n_frames,)`: every run of at least `soft_threshold` that reaches `threshold` somewhere.
    """
    soft = probabilities >= options.soft_threshold
    edges = np.flatnonzero(np.diff(np.concatenate(([False], soft, [False]))))
    mask = np.zeros(len(probabilities), np.bool_)
    for start, end in edges.reshape(-1, 2):
        if probabilities[start:end].max() >= options.threshold:
            mask[start:end] = True
    return mask


@cache
def _session():  # type: ignore[no-untyped-def]  # onnxruntime is imported here, not at import time
    import onnxruntime

    package = importlib.util.find_spec("faster_whisper")
    asset = Path(package.origin or "").parent / "assets" / "silero_vad_v6.onnx" if package else None
    if asset is None or not asset.is_file():
        raise ModelUnavailableError("the voice detector's file is missing; install faster-whisper==1.2.1")
    options = onnxruntime.SessionOptions()
    options.inter_op_num_threads = 1
    options.intra_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(str(asset), providers=["CPUExecutionProvider"], sess_options=options)
