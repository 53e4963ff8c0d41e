"""Queries read aloud by synthetic voices, with noise, and what a release hears in them.

Clips are made once and what was heard is kept, both below `VOICESEARCH_HOME/benchmarks`: a second run is quick, an
interrupted one goes on where it stopped.
"""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from asr.recognizer import VERSION, Recognizer
from benchmarks.catalogue_queries import FILMS, Asked
from data import condition as conditioning
from data.catalogue import read_catalogue
from data.clips import read_clip
from data.condition import condition
from data.effects import add_noise, coloured_noise
from data.records import Hypothesis, NullReason, Samples, Transcript
from data.settings import HomeSettings
from data.synthesis import Query, Take, synthesize
from data.voices import VOICES, Voice, require

SNR_DB = {"clean": None, "20 dB": 20.0, "10 dB": 10.0, "5 dB": 5.0}
"""Pink noise at a signal-to-noise ratio."""

TEST_VOICES = tuple(voice for voice in VOICES if voice.split == "test")
FIT_VOICES = tuple(voice for voice in VOICES if voice.split != "test")


@dataclass(frozen=True, slots=True)
class Spoken:
    """A query that was said by a voice, and where its clip is."""

    asked: Asked
    voice: str
    clip: Path


@dataclass(frozen=True, slots=True)
class Heard:
    """What a release heard, and the milliseconds of its recognition."""

    transcript: Transcript
    recognise_ms: float


def say(
    queries: Sequence[Asked], voices: Sequence[Voice], each: int, name: str, progress: Callable[[int, int], None]
) -> list[Spoken]:
    """Have queries said.

    Args:
        queries: What.
        voices: By whom; the voices take turns.
        each: How many voices say each query.
        name: Of the folder in which the clips are kept.
        progress: Called with how many are done, and of how many.

    Returns:
        The clips; a query that a voice could not say is left out.
    """
    home = HomeSettings.load().home
    require(voices, home, print)
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    by_text = {asked.said: asked for asked in queries}
    takes = [
        Take(Query(asked.said, asked.template, min(asked.wanted, default="absent")), voice, 1.0)
        for number, asked in enumerate(by_text.values())
        for voice in (voices[(number + turn) % len(voices)] for turn in range(each))
    ]
    folder = home / "benchmarks" / "spoken-queries" / name
    takes.sort(key=lambda take: take.voice.name)
    batch = synthesize(catalogue, takes, folder, home, processes=1, progress=progress)
    return [
        Spoken(by_text[clip.text], str(clip.speaker), folder / clip.audio_filepath)
        for clip in batch.utterances
        if clip.text in by_text
    ]


class Ears:
    """A release that hears clips, and remembers what it heard."""

    def __init__(self, recognizer: Recognizer, variant: str = "") -> None:
        self._recognizer = recognizer
        identity = f"{VERSION}-{recognizer.release.sha256}-{conditioning.VERSION}{variant}"
        name = hashlib.sha256(identity.encode()).hexdigest()[:16]
        self._path = HomeSettings.load().home / "benchmarks" / "spoken-queries" / f"heard-{name}.jsonl"
        self._heard: dict[str, Heard] = {}
        if self._path.is_file():
            for line in self._path.read_text(encoding="utf-8").splitlines():
                entry = json.loads(line)
                self._heard[entry["key"]] = _heard(entry)

    def hear(self, clips: Sequence[Spoken], snr: str, progress: Callable[[int, int], None]) -> list[Heard]:
        """Hear clips with noise.

        Args:
            clips: The clips.
            snr: A key of `SNR_DB`.
            progress: Called with how many are heard, and of how many.

        Returns:
            What was heard, in the order of the clips.
        """
        with self._path.open("a", encoding="utf-8") as file:
            for number, key in enumerate(_keys(clips, snr)):
                if key not in self._heard:
                    clip = condition(noisy(read_clip(clips[number].clip), snr, key))
                    start = time.perf_counter()
                    transcript = self._recognizer.recognize(clip)
                    entry = {"key": key, "ms": 1000.0 * (time.perf_counter() - start), "t": asdict(transcript)}
                    self._heard[key] = _heard(entry)
                    file.write(json.dumps(entry) + "\n")
                    file.flush()
                progress(number + 1, len(clips))
        return [self._heard[key] for key in _keys(clips, snr)]


def counter(name: str) -> Callable[[int, int], None]:
    """Count in one line of a terminal; elsewhere say only when all is done."""

    def count(done: int, of: int) -> None:
        if sys.stdout.isatty() or done == of:
            print(f"\033[2K\r{name} {done}/{of}" if sys.stdout.isatty() else f"{name} {of}", end="\n" * (done == of))

    return count


def noisy(samples: Samples, snr: str, seed: str) -> Samples:
    """Add pink noise.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`.
        snr: A key of `SNR_DB`.
        seed: The same seed gives the same noise.

    Returns:
        Shape `(n_samples,)`.
    """
    ratio = SNR_DB[snr]
    if ratio is None:
        return samples
    drawn = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big"))
    return add_noise(samples, coloured_noise(len(samples), "pink", drawn), ratio)


def _keys(clips: Iterable[Spoken], snr: str) -> list[str]:
    return [f"{each.clip.stem}:{snr}" for each in clips]


def _heard(entry: dict[str, object]) -> Heard:
    raw = dict(entry["t"])  # type: ignore[call-overload]  # JSON knows no better
    raw["nbest"] = tuple(Hypothesis(**each) for each in raw["nbest"])
    raw["null_reason"] = NullReason(raw["null_reason"]) if raw["null_reason"] else None
    return Heard(Transcript(**raw), float(str(entry["ms"])))
