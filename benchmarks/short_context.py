"""What hearing clips at their own length saves and costs, next to faster-whisper with the published weights.

Every clip is heard by three arms in turn: this project's default release (own length), the published weights it was
made of at 30 s in the same recogniser, and faster-whisper 1.2.1 with those weights. Word error rates compare the first
two, which differ in context and, with the default, in the tokens they know (`--model tiny.en-short` has all); their
difference has a paired bootstrap interval (M. Bisani and H. Ney, 2004). Speech that was not trained on: the Asterisk
prompts, fetched with apt-get, and any manifest with transcripts named on the command line. Loops are looked for in all
of it, and in made silence, noise and music up to 1,000 clips. As served, how much of the speech is refused, and how
many of the clips without speech get a text.

    python -m benchmarks.short_context [--timed 40] [MANIFEST ...]

The last line is JSON.
"""

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.nonspeech import SOUND_KINDS, make_sound
from asr.recognizer import Recognizer
from asr.rejection import is_loop
from asr.scoring import paired_difference, score
from asr.settings import RecognizerSettings
from asr.training.examples import read_test
from asr.weights import prepare_published, prepare_release
from data.audio import AudioLimits, decode
from data.condition import condition
from data.corpora.asterisk import fetch_asterisk, read_asterisk
from data.errors import AudioError
from data.records import SAMPLE_RATE, Samples
from data.settings import HomeSettings
from labeling.normalization import normalize

Hear = Callable[[Samples], str]
"""From a conditioned clip to a text."""

CLIPS = 1_000
"""Clips in which loops are looked for."""

COMMANDS, SENTENCES = (1.0, 3.0), (5.0, 9.0)
"""Lengths in seconds, once conditioned, of what is timed."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A conditioned clip, the set it is of, and what was said."""

    samples: Samples
    source: str
    text: str

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.samples) / SAMPLE_RATE


def main() -> None:
    """Print what is found as it is found, then one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifests", nargs="*", type=Path, help="manifests with transcripts, never trained on")
    parser.add_argument("--timed", type=int, default=40, help="clips of each length that are timed")
    parser.add_argument("--model", default=RecognizerSettings.load().model, help="the packaged model to measure")
    chosen = parser.parse_args()

    models = HomeSettings.load().models
    release, published = (prepare(chosen.model, models, print) for prepare in (prepare_release, prepare_published))
    settings = RecognizerSettings.load()
    short, full = Recognizer(release, settings), Recognizer(published, settings)
    clips = [*asterisk_clips(), *(clip for manifest in chosen.manifests for clip in manifest_clips(manifest))]
    spoken = [clip for clip in clips if normalize(clip.text)]

    figures: dict[str, float | str] = {"release": release.name}
    arms = {"short": hear_with(short), "full": hear_with(full), "peer": hear_with_peer(published.directory)}
    for name, (least, most) in (("commands", COMMANDS), ("sentences", SENTENCES)):
        timed = [clip for clip in spoken if least <= clip.seconds <= most]
        random.Random(0).shuffle(timed)  # noqa: S311  a choice, not a secret
        figures |= {f"{name}_{key}": value for key, value in measured(arms, timed[: chosen.timed]).items()}
    figures["speedup_p50"] = figures.pop("commands_speedup_p50")
    figures["speedup_p50_sentences"] = figures.pop("sentences_speedup_p50")
    print(json.dumps(figures))

    heard = {name: [arms[name](clip.samples) for clip in spoken] for name in ("short", "full")}
    figures |= accuracy(spoken, heard["short"], heard["full"])
    silent = [clip for clip in clips if not normalize(clip.text)]
    silent += list(sounds(CLIPS - len(clips)))
    texts = heard["short"] + [arms["short"](clip.samples) for clip in silent]
    figures["loop_clips"] = len(texts)
    figures["loops"] = sum(map(is_loop, texts))
    served = [short.recognize(condition(clip.samples)).text for clip in silent]
    figures["texts_without_speech"] = sum(bool(text) for text in served)
    figures["speech_clips"] = len(spoken)
    figures["speech_refused"] = sum(not short.recognize(condition(clip.samples)).text for clip in spoken)
    print(json.dumps(figures))


def measured(arms: dict[str, Hear], clips: Sequence[Clip], slow: str = "peer", fast: str = "short") -> dict[str, float]:
    """Time the arms clip by clip in turn, after one round that does not count; compare two of them."""
    milliseconds: dict[str, list[float]] = {name: [] for name in arms}
    for round_, clip in [(0, clips[0]), *((1, clip) for clip in clips)]:
        for name, hear in arms.items():
            start = time.perf_counter()
            hear(clip.samples)
            if round_:
                milliseconds[name].append(1000.0 * (time.perf_counter() - start))
    found = {f"{name}_p50_ms": round(statistics.median(each), 1) for name, each in milliseconds.items()}
    ratio = statistics.median(milliseconds[slow]) / statistics.median(milliseconds[fast])
    return {"clips": len(clips), **found, "speedup_p50": round(ratio, 2)}


def accuracy(clips: Sequence[Clip], short: Sequence[str], full: Sequence[str]) -> dict[str, float]:
    """Score both contexts by set and pooled, with the interval of their difference."""
    figures: dict[str, float] = {}
    for source in (*sorted({clip.source for clip in clips}), "pooled"):
        places = [place for place, clip in enumerate(clips) if source in (clip.source, "pooled")]
        references = [clips[place].text for place in places]
        ours, theirs = [short[place] for place in places], [full[place] for place in places]
        interval = paired_difference(references, ours, theirs)
        figures[f"wer_short_{source}"] = round(score(references, ours).wer, 4)
        figures[f"wer_full_{source}"] = round(score(references, theirs).wer, 4)
        figures[f"wer_difference_high_{source}"] = round(interval.high, 4)
    return figures


def hear_with(recognizer: Recognizer) -> Hear:
    """Give what the recogniser believes most, whatever it is."""

    def hear(samples: Samples) -> str:
        hypotheses, _ = recognizer.decode(samples)
        return hypotheses[0].text if hypotheses else ""

    return hear


def hear_with_peer(directory: str) -> Hear:
    """Give what faster-whisper hears with the same beam, without temperature fallback."""
    from faster_whisper import WhisperModel

    model = WhisperModel(directory, device="cpu", compute_type="int8", cpu_threads=2)
    beam = RecognizerSettings.load().beam_size

    def hear(samples: Samples) -> str:
        segments, _ = model.transcribe(samples, language="en", beam_size=beam, temperature=0.0, without_timestamps=True)
        return " ".join(segment.text.strip() for segment in segments)

    return hear


def asterisk_clips() -> Iterator[Clip]:
    """Give the prompts of at most 30 s; those without words have no text."""
    root = fetch_asterisk(HomeSettings.load().corpora / "asterisk")
    for recording in read_asterisk(root).recordings:
        try:
            decoded = decode((root / recording.path).read_bytes(), AudioLimits(), container=recording.container)
        except AudioError:
            continue
        yield Clip(
            condition(decoded.samples).samples, "asterisk", "" if "non-speech" in recording.tags else recording.text
        )


def manifest_clips(manifest: Path) -> Iterator[Clip]:
    """Give the clips of a manifest as serving would hear them, named after its folder."""
    for example in read_test(manifest):
        yield Clip(example.samples(), manifest.resolve().parent.name, example.text)


def sounds(wanted: int) -> Iterator[Clip]:
    """Make silence, noise and music of 0.4 to 20 s, with seeds that training never uses."""
    chance = np.random.default_rng(2**40)
    for number in range(max(wanted, 0)):
        kind = SOUND_KINDS[number % len(SOUND_KINDS)]
        seconds = float(np.exp(chance.uniform(np.log(0.4), np.log(20.0))))
        yield Clip(condition(make_sound(kind, seconds, 2**40 + number)).samples, kind, "")


if __name__ == "__main__":
    main()
