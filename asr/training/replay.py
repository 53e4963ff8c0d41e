"""General speech that a tuned model must not unlearn, whole and in short parts, with what a teacher heard in it."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from asr.crops import Part, Recording, choose_parts, find_cuts, is_held_out, speech_files
from asr.recognizer import Recognizer
from asr.rejection import is_loop
from asr.settings import RecognizerSettings
from asr.teacher import MIN_LOG_PROB
from asr.training.examples import Example
from data.clips import read_clip
from data.condition import condition
from data.errors import AudioError, ManifestError
from data.files import sha256_of
from data.manifest import text_lines
from data.records import SAMPLE_RATE, Hypothesis, Release
from data.spoken import transcript_words

HELD_OUT = 0.2
"""Share of the recordings, chosen by their content, that only measure what is forgotten, beside what a manifest
keeps for testing."""

MIN_SECONDS, MAX_SECONDS = 0.4, 30.0

PARTS = 2
"""Parts of a recording, cut at pauses, that are replayed beside it: queries are short, and passages do not show what a
model forgets of short speech."""


@dataclass(frozen=True, slots=True)
class Replay:
    """General speech to train on, and to measure what is forgotten with."""

    train: tuple[Example, ...] = ()
    held_out: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Passage:
    """What a teacher wrote down of samples `start` to `end` of a recording, which are `seconds` once conditioned."""

    start: int
    end: int
    seconds: float
    text: str


def read_replay(
    sources: Sequence[Path],
    start: Release,
    teacher: Release,
    cache: Path,
    report: Callable[[str], None],
    step: Callable[[int], None],
) -> Replay:
    """Find general speech and its texts.

    What is trained on has the start's own writing, which only says where in a clip the decoder is. What is held out is
    written as the convention asks, lower case and no punctuation, by hand where a manifest has the text, else by a
    teacher: against its own writing the start would look better than it is, and every change like a loss.

    Args:
        sources: Folders and manifests of speech.
        start: What is tuned.
        teacher: Transcribes what is held out.
        cache: Folder in which its transcripts are kept.
        report: Called with a line for each clip that is left out.
        step: Called with the number of recordings after each.

    Returns:
        The speech of which something believable was heard.

    Raises:
        ManifestError: A source cannot be read, or nothing is left of it.
    """
    files = [found for source in sources for found in speech_files(source)]
    written, checked = (_Transcripts(each, cache / each.sha256[:16] / "replay.jsonl") for each in (start, teacher))
    train: list[Example] = []
    held_out: list[Example] = []
    for file in files:
        step(len(files))
        try:
            digest = sha256_of(file.path)
            kept = is_held_out(file.split, digest, HELD_OUT)
            clips = (checked if kept else written).clips(file.path, digest)
        except (AudioError, OSError) as error:
            report(f"{file.path}: left out ({error})")
            continue
        if kept:
            by_hand = (_by_hand(clip, file.text if clip is clips[0] else "") for clip in clips)
            held_out += _examples(file.path, digest, by_hand)
        else:
            train += _examples(file.path, digest, clips)
    if files and not (train and held_out):
        raise ManifestError(f"{', '.join(map(str, sources))}: too little speech to replay; name more")
    return Replay(tuple(train), tuple(held_out))


def _by_hand(clip: Passage, text: str) -> Passage:
    """Write a clip's text as the convention asks."""
    return Passage(clip.start, clip.end, clip.seconds, " ".join(transcript_words(text or clip.text)))


def _examples(path: Path, digest: str, clips: Iterable[Passage]) -> Iterator[Example]:
    for clip in clips:
        if clip.text and MIN_SECONDS <= clip.seconds <= MAX_SECONDS:
            name = f"{digest[:16]}-{clip.start}-{clip.end}"
            yield Example(name, path, clip.seconds, clip.text, part=(clip.start, clip.end))


class _Transcripts:
    """What a teacher heard, one line of JSON for each recording, added to as it goes."""

    def __init__(self, teacher: Release, path: Path) -> None:
        self._teacher = teacher
        self._path = path
        self._recognizer: Recognizer | None = None
        lines = text_lines(path) if path.is_file() else iter(())
        found = [json.loads(text) for _, text in lines if text.endswith("}")]  # the last line may have broken off
        self._known = {line["sha256"]: [Passage(**clip) for clip in line["clips"]] for line in found}

    def clips(self, path: Path, digest: str) -> list[Passage]:
        """Give a recording, whole first, and some parts of it; without text where what was heard is not believed."""
        if digest not in self._known:
            self._known[digest] = self._heard(path, digest)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                clips = [asdict(clip) for clip in self._known[digest]]
                file.write(json.dumps({"sha256": digest, "clips": clips}) + "\n")
        return self._known[digest]

    def _heard(self, path: Path, digest: str) -> list[Passage]:
        if self._recognizer is None:
            self._recognizer = Recognizer(self._teacher, RecognizerSettings.load())
        samples = read_clip(path)
        recording = Recording(path, digest, find_cuts(samples))
        chance = np.random.default_rng(int(digest[:8], 16))
        parts = [Part(recording, 0, len(samples)), *choose_parts(recording, PARTS, chance)]
        clips = [condition(samples[part.start : part.end]).samples for part in parts]
        return [
            Passage(part.start, part.end, round(len(clip) / SAMPLE_RATE, 3), _believed(hypotheses))
            for part, clip, (hypotheses, _) in zip(parts, clips, self._recognizer.decode_all(clips), strict=True)
        ]


def _believed(hypotheses: Sequence[Hypothesis]) -> str:
    if not hypotheses or hypotheses[0].log_prob < MIN_LOG_PROB or is_loop(hypotheses[0].text):
        return ""
    return " ".join(hypotheses[0].text.split())
