"""Clips on disk: 16 kHz mono 16-bit FLAC, named after what they hold, so that none is ever stored twice."""

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from data.audio import AudioLimits, decode
from data.files import replace_bytes
from data.records import SAMPLE_RATE, Samples

FOLDER = "clips"
"""Folder of the clips beside their manifest."""

CLIP_LIMITS = AudioLimits(max_bytes=100 * 1024 * 1024, max_seconds=300.0)
"""Of one clip or source recording that is read while data is made; serving has its own."""

_FLAC_MD5 = slice(26, 42)
"""Where STREAMINFO, the first block of a FLAC file, has the MD5 of its samples (RFC 9639, 8.2)."""


def to_pcm(samples: Samples) -> NDArray[np.int16]:
    """Round samples to 16 bits.

    Args:
        samples: Shape `(n_samples,)`, full scale ±1; what lies beyond is clipped.

    Returns:
        Shape `(n_samples,)`; what came from 16 bits comes out as it was.
    """
    pcm: NDArray[np.int16] = np.clip(np.rint(samples * np.float32(32_768.0)), -32_768, 32_767).astype(np.int16)
    return pcm


def store_clip(root: Path, samples: Samples) -> str:
    """Store a clip, unless a clip with the same samples is there.

    Args:
        root: The folder of the manifest.
        samples: 16 kHz mono, shape `(n_samples,)`.

    Returns:
        The clip's path relative to the folder: `clips/ab/abcd….flac`, after the SHA-256 of its 16-bit samples.
    """
    import soundfile

    pcm = to_pcm(samples)
    name = hashlib.sha256(pcm.tobytes()).hexdigest()[:32]
    relative = f"{FOLDER}/{name[:2]}/{name}.flac"
    if not is_stored(root, relative):
        buffer = io.BytesIO()
        soundfile.write(buffer, pcm, SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        replace_bytes(root / relative, buffer.getvalue())
    return relative


def is_stored(root: Path, relative: str) -> bool:
    """Say whether a clip is there and not empty, as a loss of power can leave it."""
    path = root / relative
    return path.is_file() and path.stat().st_size > 0


def read_clip(path: Path) -> Samples:
    """Read a clip of a manifest, in whatever container it is.

    Args:
        path: The clip.

    Returns:
        16 kHz mono, shape `(n_samples,)`.

    Raises:
        AudioError: It cannot be decoded.
    """
    return decode(path.read_bytes(), CLIP_LIMITS).samples


def audio_digest(path: Path) -> str:
    """Hash what a clip sounds like: the same samples give the same hash in any lossless container.

    Args:
        path: The clip.

    Returns:
        The MD5 of its 16-bit samples in hexadecimal; FLAC files have it in their header.

    Raises:
        AudioError: It cannot be decoded.
    """
    with path.open("rb") as file:
        head = file.read(_FLAC_MD5.stop)
    if head.startswith(b"fLaC") and len(head) == _FLAC_MD5.stop and any(head[_FLAC_MD5]):
        return head[_FLAC_MD5].hex()
    return hashlib.md5(to_pcm(read_clip(path)).tobytes(), usedforsecurity=False).hexdigest()
