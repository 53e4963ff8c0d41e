"""Recordings of noise and impulse responses of rooms, told apart by their hashes."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from data.clips import read_clip
from data.errors import AudioError, InvalidRequestError
from data.files import sha256_of
from data.records import Samples


@dataclass(frozen=True, slots=True)
class Sound:
    """A recording of noise, or an impulse response, and its hash."""

    path: Path
    sha256: str


def sounds_at(path: Path | None) -> tuple[Sound, ...]:
    """Find recordings of noise or impulse responses.

    Args:
        path: A file, a folder of WAV and FLAC files, or None.

    Returns:
        Them all with their hashes, by name.

    Raises:
        InvalidRequestError: There is none, or two have one name.
    """
    if path is None:
        return ()
    found = [path] if path.is_file() else sorted(p for suffix in ("wav", "flac") for p in path.rglob(f"*.{suffix}"))
    if not found:
        raise InvalidRequestError(f"{path}: neither an audio file nor a folder with WAV or FLAC files; check the path")
    if len({one.name for one in found}) < len(found):
        raise InvalidRequestError(f"{path}: two files have one name; rename one, so that a lineage can name it")
    return tuple(Sound(one, sha256_of(one)) for one in found)


@cache
def read_sound(path: Path) -> Samples:
    """Read a sound, once in each process.

    Args:
        path: The recording.

    Returns:
        16 kHz mono, shape `(n_samples,)`.

    Raises:
        InvalidRequestError: It cannot be decoded, or is silent.
    """
    try:
        samples = read_clip(path)
    except AudioError as error:
        raise InvalidRequestError(f"{path}: {error}") from error
    if not samples.any():
        raise InvalidRequestError(f"{path}: is silent; name another recording")
    return samples
