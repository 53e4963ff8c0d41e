"""One source recording, as its corpus describes it, and the corpus that it is part of."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.errors import ManifestError
from data.records import Step


@dataclass(frozen=True, slots=True)
class Recording:
    """A file of audio and what the corpus says of it; nothing of it has been checked but that it exists.

    `path` is relative to the corpus' root. `seconds` is the length that the corpus claims, None where it claims none.
    `container` names the format of files without a header. `split` and `lineage` come from a manifest of this project.
    """

    id: str
    path: PurePosixPath
    text: str
    speaker: str | None = None
    recorded_at: str | None = None
    seconds: float | None = None
    container: str | None = None
    tags: tuple[str, ...] = ()
    split: str | None = None
    lineage: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """Recordings under one root folder; `source` names the corpus and its version where it has one."""

    source: str
    root: Path
    recordings: tuple[Recording, ...]


def recording_id(path: PurePosixPath) -> str:
    """Name a recording after its place: `digits/7.g722` is `digits-7`.

    Args:
        path: Relative to the corpus' root.

    Returns:
        The path without its suffix, its parts joined by hyphens.
    """
    return "-".join(path.with_suffix("").parts)


def path_within(root: Path, name: str, where: str) -> PurePosixPath:
    """Take a path that a corpus names, where it stays in the corpus' folder and leads to a file.

    Args:
        root: The folder.
        name: The path as written: relative to the folder, or absolute and inside it.
        where: File and line, for the message.

    Returns:
        The path relative to the folder.

    Raises:
        ManifestError: It leads elsewhere, or to nothing.
    """
    path = PurePosixPath(name)
    if path.is_absolute() and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ManifestError(
            f"{where}: {name!r} points outside {root}; name the folder that holds all audio with --root"
        )
    if not (root / path).is_file():
        raise ManifestError(f"{where}: there is no file {root / path}; fetch it or remove the line")
    return path


def corpus_of(source: str, root: Path, recordings: Iterable[Recording], *, listed: Path | None = None) -> Corpus:
    """Put recordings together to a corpus.

    Args:
        source: The corpus' name.
        root: Its folder.
        recordings: Any number, in the order wanted.
        listed: The file that lists them, where it is one, for messages.

    Returns:
        The corpus.

    Raises:
        ManifestError: There is no recording, or two have one id.
    """
    seen: dict[str, Recording] = {}
    for recording in recordings:
        if (other := seen.get(recording.id)) is not None:
            raise ManifestError(
                f"{listed or root}: {other.path} and {recording.path} would both be called {recording.id!r}; rename one"
            )
        seen[recording.id] = recording
    if not seen:
        raise ManifestError(
            f"{listed or root}: the corpus is empty; it needs at least one recording with its transcript"
        )
    return Corpus(source, root, tuple(seen.values()))
