"""General speech that a tuned model must not unlearn, with what a teacher heard in it where nobody wrote it down."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asr.crops import speech_files
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
from data.records import SAMPLE_RATE, Release, Samples
from data.spoken import transcript_words

HELD_OUT = 0.2
"""Share of the recordings, chosen by their content, that only measure what is forgotten."""

MIN_SECONDS, MAX_SECONDS = 0.4, 30.0


@dataclass(frozen=True, slots=True)
class Replay:
    """General speech to train on, and to measure what is forgotten with."""

    train: tuple[Example, ...] = ()
    held_out: tuple[Example, ...] = ()


def read_replay(
    sources: Sequence[Path], teacher: Release, cache: Path, report: Callable[[str], None], step: Callable[[int], None]
) -> Replay:
    """Find general speech and its texts, written as the convention asks: lower case, no punctuation.

    Args:
        sources: Folders and manifests of speech; a manifest's texts are kept.
        teacher: Transcribes what has no text.
        cache: Folder in which its transcripts are kept.
        report: Called with a line for each clip that is left out.
        step: Called with the number of clips after each.

    Returns:
        The speech of which something believable was heard.

    Raises:
        ManifestError: A source cannot be read, or nothing is left of it.
    """
    files = [found for source in sources for found in speech_files(source)]
    heard = _Transcripts(teacher, cache / teacher.sha256[:16] / "transcripts.jsonl")
    parts: tuple[list[Example], list[Example]] = ([], [])
    for path, text in files:
        step(len(files))
        try:
            digest = sha256_of(path)
            example = heard.example(path, digest, text)
        except (AudioError, OSError) as error:
            report(f"{path}: left out ({error})")
            continue
        if example is not None:
            parts[int(digest[:8], 16) / 2**32 < HELD_OUT].append(example)
    if files and not (parts[0] and parts[1]):
        raise ManifestError(f"{', '.join(map(str, sources))}: too little speech to replay; name more")
    return Replay(tuple(parts[0]), tuple(parts[1]))


class _Transcripts:
    """What a teacher heard, one line of JSON for each recording, added to as it goes."""

    def __init__(self, teacher: Release, path: Path) -> None:
        self._teacher = teacher
        self._path = path
        self._recognizer: Recognizer | None = None
        lines = text_lines(path) if path.is_file() else iter(())
        found = [json.loads(text) for _, text in lines if text.endswith("}")]  # the last line may have broken off
        self._known = {line["sha256"]: line for line in found}

    def example(self, path: Path, digest: str, text: str) -> Example | None:
        """Give a recording with its text, None where it is too short, too long or nothing believable was heard."""
        if digest not in self._known:
            self._known[digest] = self._line(path, digest)
        line = self._known[digest]
        if not MIN_SECONDS <= line["seconds"] <= MAX_SECONDS:
            return None
        words = " ".join(transcript_words(text or line["text"]))
        return Example(digest[:16], path, line["seconds"], words) if words else None

    def _line(self, path: Path, digest: str) -> dict[str, Any]:
        samples = condition(read_clip(path)).samples
        seconds = round(len(samples) / SAMPLE_RATE, 3)
        heard = self._heard(samples) if MIN_SECONDS <= seconds <= MAX_SECONDS else ""
        line = {"sha256": digest, "seconds": seconds, "text": heard}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return line

    def _heard(self, samples: Samples) -> str:
        if self._recognizer is None:
            self._recognizer = Recognizer(self._teacher, RecognizerSettings.load())
        hypotheses, _ = self._recognizer.decode(samples)
        if not hypotheses or hypotheses[0].log_prob < MIN_LOG_PROB or is_loop(hypotheses[0].text):
            return ""
        return hypotheses[0].text
