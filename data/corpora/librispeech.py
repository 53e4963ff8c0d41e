"""LibriSpeech's layout: `SUBSET/SPEAKER/CHAPTER/`, with one `.trans.txt` for the recordings beside it.

Source: V. Panayotov and others, "LibriSpeech: an ASR corpus based on public domain audio books", 2015.
"""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from data.corpora.recording import Corpus, Recording, corpus_of, path_within
from data.errors import ManifestError

TRANSCRIPTS = "*.trans.txt"
SUFFIXES = (".flac", ".wav", ".opus", ".mp3")
"""LibriSpeech has FLAC; corpora that took over its layout (MLS, Libri-Light) have others."""


def is_librispeech(root: Path) -> bool:
    """Say whether a folder has LibriSpeech's layout."""
    return next(root.rglob(TRANSCRIPTS), None) is not None


def read_librispeech(root: Path) -> Corpus:
    """Read a folder in LibriSpeech's layout.

    Args:
        root: The folder of one or more subsets, speakers or chapters.

    Returns:
        Its recordings; the speaker is the first number of a recording's name.

    Raises:
        ManifestError: naming file, line and remedy.
    """
    transcripts = sorted(root.rglob(TRANSCRIPTS))
    return corpus_of("librispeech", root, (recording for path in transcripts for recording in _read(root, path)))


def _read(root: Path, transcripts: Path) -> Iterator[Recording]:
    folder = PurePosixPath(transcripts.parent.relative_to(root))
    try:
        lines = transcripts.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise ManifestError(f"{transcripts}: not UTF-8; save the file as UTF-8") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, text = line.strip().partition(" ")
        suffix = next((s for s in SUFFIXES if (transcripts.parent / f"{name}{s}").is_file()), SUFFIXES[0])
        path = path_within(root, str(folder / f"{name}{suffix}"), f"{transcripts}:{number}")
        yield Recording(id=name, path=path, text=text.strip(), speaker=name.partition("-")[0])
