"""What volume and silence do to the recogniser: conditioning with each step switched off.

    python -m benchmarks.conditioning [--full]

Asterisk prompts are heard as they are and as bad microphones would have them: 40 dB quieter, with two seconds of faint
room noise on each side, and both. Each goes through conditioning as it is served, without normalisation, without
trimming, and without either. Shown are word error rate, the 95% interval of its difference to what is served (over
resampled clips; one that holds 0 says nothing), the share of null outputs, and the median processor time from samples
to text, which other work on the machine hardly changes. The release is the one in use. The last line is JSON.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from asr.recognizer import Recognizer
from asr.scoring import paired_difference, score
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from data.audio import decode
from data.clips import CLIP_LIMITS, to_pcm
from data.condition import ConditionOptions, condition
from data.corpora.asterisk import fetch_asterisk, read_asterisk
from data.effects import coloured_noise
from data.records import SAMPLE_RATE, Samples
from data.settings import HomeSettings

ARMS = {
    "as served": ConditionOptions(),
    "no normalisation": ConditionOptions(normalise=False),
    "no trimming": ConditionOptions(trim=False),
    "neither": ConditionOptions(normalise=False, trim=False),
}
QUIETER_DB = -40.0
ROOM_DBFS = -65.0
ROOM_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Heard:
    """What one arm heard, and the milliseconds of processor time that each clip took."""

    texts: list[str]
    times: list[float]


def quieter(samples: Samples, seed: int) -> Samples:
    """Record at a low level: 16 bits are left of it."""
    return to_pcm(samples * np.float32(10.0 ** (QUIETER_DB / 20.0))).astype(np.float32) / np.float32(32_768.0)


def in_silence(samples: Samples, seed: int) -> Samples:
    """Leave the microphone open before and after, in a quiet room."""
    around = round(ROOM_SECONDS * SAMPLE_RATE)
    longer = np.pad(samples, (around, around))
    noise = coloured_noise(len(longer), "pink", np.random.default_rng(seed))
    return longer + noise * np.float32(10.0 ** (ROOM_DBFS / 20.0))


SETS: Mapping[str, Callable[[Samples, int], Samples]] = {
    "as recorded": lambda samples, seed: samples,
    "40 dB quieter": quieter,
    "2 s of room around": in_silence,
    "both": lambda samples, seed: quieter(in_silence(samples, seed), seed),
}


def prompts(count: int) -> list[tuple[Samples, str]]:
    """Give prompts of 0.4 to 8 s that have words, evenly from the whole corpus."""
    folder = fetch_asterisk(HomeSettings.load().corpora / "asterisk")
    clips = []
    for recording in read_asterisk(folder).recordings:
        decoded = decode((folder / recording.path).read_bytes(), CLIP_LIMITS, container=recording.container)
        if "non-speech" not in recording.tags and recording.text and 0.4 <= decoded.seconds <= 8.0:
            clips.append((decoded.samples, recording.text))
    return [clips[int(place)] for place in np.linspace(0, len(clips) - 1, min(count, len(clips)))]


def hear(recognizer: Recognizer, clips: Sequence[Samples], options: ConditionOptions) -> Heard:
    """Hear every clip."""
    heard = Heard([], [])
    for samples in clips:
        begun = time.process_time()
        heard.texts.append(recognizer.recognize(condition(samples, options)).text)
        heard.times.append(1000.0 * (time.process_time() - begun))
    return heard


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="all prompts instead of 200")
    clips = prompts(10_000 if parser.parse_args().full else 200)
    settings = RecognizerSettings.load()
    recognizer = Recognizer(prepare_release(settings.model, HomeSettings.load().models, print), settings)
    recognizer.warm_up()
    print(f"{len(clips)} prompts, release {recognizer.release.name}")
    references = [text for _, text in clips]
    print(f"{'':20}{'':18}{'WER':>7}{'difference':>19}{'null':>7}{'cpu ms':>8}")
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name, changed in SETS.items():
        recordings = [changed(samples, seed) for seed, (samples, _) in enumerate(clips)]
        heard = {arm: hear(recognizer, recordings, options) for arm, options in ARMS.items()}
        for arm, ours in heard.items():
            difference = paired_difference(references, ours.texts, heard["as served"].texts)
            found = {
                "wer": round(score(references, ours.texts).wer, 4),
                "difference_low": round(difference.low, 4),
                "difference_high": round(difference.high, 4),
                "null_share": round(sum(not text for text in ours.texts) / len(clips), 4),
                "p50_cpu_ms": round(statistics.median(ours.times), 1),
            }
            shown = "" if arm == "as served" else f"{difference.low:+.3f} to {difference.high:+.3f}"
            print(
                f"{name:20}{arm:18}{found['wer']:7.3f}{shown:>19}{found['null_share']:7.1%}{found['p50_cpu_ms']:8.0f}"
            )
            figures.setdefault(name, {})[arm] = found
    served = figures["as recorded"]["as served"]
    print(json.dumps({"wer": served["wer"], "p50_cpu_ms": served["p50_cpu_ms"], "clips": len(clips), "arms": figures}))


if __name__ == "__main__":
    main()
