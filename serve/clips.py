"""The sound of a clip under review, from a corpus on disk or from the recordings that speakers agreed to have kept.

Everything is decoded and written anew as 16 kHz WAV: people hear what the recogniser hears, in every browser, and a
file that is no audio never leaves the machine, whatever a queue may say.
"""

import io
from pathlib import Path

from sqlalchemy import select

from data.audio import AudioLimits, decode
from data.errors import AudioTooLargeError, NotFoundError
from data.records import SAMPLE_RATE
from data.store import Store, utterances
from labeling.review import ReviewTask

LIMITS = AudioLimits(max_bytes=64 * 1024 * 1024, max_seconds=300.0)
"""More than a query may have: people also judge what the service refuses."""


def clip_as_wav(task: ReviewTask, store: Store) -> bytes:
    """Give the sound of a clip.

    Args:
        task: The clip. Its path, if it has one, comes from the queue and never from a request.
        store: Where recordings of queries are.

    Returns:
        A WAV file, 16 kHz, mono, 16 bits.

    Raises:
        NotFoundError: The clip is gone, or its path is not one that a queue is filled with.
        AudioError: It is not audio, or more than can be listened to.
    """
    import soundfile

    content = _recording(task.clip, store) if task.audio is None else _file(task.clip, Path(task.audio))
    written = io.BytesIO()
    soundfile.write(written, decode(content, LIMITS).samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    return written.getvalue()


def _recording(clip: str, store: Store) -> bytes:
    with store.begin() as connection:
        content = connection.execute(select(utterances.c.audio).where(utterances.c.query_id == clip)).scalar()
    if content is None:
        raise NotFoundError(f"the recording of {clip!r} is not kept, or was erased; skip this clip")
    return bytes(content)


def _file(clip: str, path: Path) -> bytes:
    """Read a clip. The queue holds real paths: one that is relative, climbs or leads over a link is not of its making.

    No message tells the path.
    """
    if path.resolve() != path or not path.is_file():
        raise NotFoundError(f"the audio of {clip!r} is not where the queue has it; skip this clip")
    if path.stat().st_size > LIMITS.max_bytes:
        raise AudioTooLargeError(f"the audio of {clip!r} is larger than {LIMITS.max_bytes} bytes; skip this clip")
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"the audio of {clip!r} cannot be read ({error.strerror}); skip this clip") from error
