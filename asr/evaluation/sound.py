"""Clips for the page: Opus in Ogg, small enough to be embedded, with what conditioning does to them."""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data.audio import decode
from data.clips import CLIP_LIMITS, read_clip
from data.condition import condition
from data.errors import AudioError
from data.manifest import clip_path
from data.records import SAMPLE_RATE, Samples, Utterance
from data.workers import map_chunks

BIT_RATE = 24_000
"""Bits a second of Opus: speech at 16 kHz is clear at this rate (RFC 7845, RFC 6716)."""

OVERHEAD = 900
"""Bytes that a file has on top, embedding included."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A clip as it is heard on the page: `data` is Ogg Opus in base64, at its own level and whole length.

    Conditioning would apply `gain_db` and cut `cut_before` and `cut_after` seconds. `recording` says whether this is
    the source recording rather than the clip of the manifest.
    """

    data: str
    seconds: float
    gain_db: float
    cut_before: float
    cut_after: float
    recording: bool


def embed(
    utterances: Sequence[Utterance],
    manifest: Path,
    *,
    recordings: Path | None,
    budget: int,
    processes: int,
    progress: Callable[[int, int], None],
) -> Mapping[str, Sound]:
    """Encode clips until a budget is used up.

    Args:
        utterances: Those that should be heard first, first.
        manifest: Where they are.
        recordings: Folder of the source recordings, to hear them instead of conditioned clips; None for the clips.
        budget: Most bytes of all sounds together, as embedded.
        processes: How many processes.
        progress: Called with how many clips are encoded, and of how many.

    Returns:
        Sounds by id, of as many of the first utterances as fit; clips that cannot be read have none.
    """
    sizes = np.cumsum([each.duration * BIT_RATE / 6 + OVERHEAD for each in utterances])
    chosen = utterances[: int((sizes <= 1.5 * budget).sum())]
    encoded: dict[str, Sound] = {}
    progress(0, len(chosen))
    for done, (_, chunk) in enumerate(
        map_chunks(partial(_encode_all, manifest=manifest, recordings=recordings), chosen, processes=processes), 1
    ):
        encoded.update(chunk)
        progress(min(done * 16, len(chosen)), len(chosen))
    kept, used = {}, 0
    for utterance in chosen:
        if (sound := encoded.get(utterance.id)) is not None:
            used += len(sound.data)
            if used > budget:
                break
            kept[utterance.id] = sound
    return kept


def opus(samples: Samples) -> bytes:
    """Encode samples as Ogg Opus.

    Args:
        samples: 16 kHz mono, shape `(n_samples,)`, at least one.

    Returns:
        The file.
    """
    import av

    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=SAMPLE_RATE, layout="mono")
        stream.bit_rate = BIT_RATE
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return buffer.getvalue()


def _encode_all(utterances: Sequence[Utterance], *, manifest: Path, recordings: Path | None) -> list[tuple[str, Sound]]:
    found = []
    for utterance in utterances:
        try:
            found.append((utterance.id, _encode(utterance, manifest, recordings)))
        except (AudioError, OSError):
            continue  # the browser says that there is no sound
    return found


def _encode(utterance: Utterance, manifest: Path, recordings: Path | None) -> Sound:
    source = _recording(utterance, recordings)
    samples = read_clip(clip_path(manifest, utterance)) if source is None else source
    clip = condition(samples)
    return Sound(
        base64.b64encode(opus(samples)).decode(),
        len(samples) / SAMPLE_RATE,
        clip.gain_db,
        clip.cut_before_ms / 1000.0,
        clip.cut_after_ms / 1000.0,
        source is not None,
    )


def _recording(utterance: Utterance, folder: Path | None) -> Samples | None:
    """Decode the recording that a clip was made of, where the folder has it and nothing was mixed in since."""
    names = [step.name for step in utterance.lineage]
    if folder is None or names[:1] != ["record"] or names.count("condition") > 1:
        return None
    decoding = next((step for step in utterance.lineage if step.name == "decode"), None)
    path = folder / str(utterance.lineage[0].parameters.get("path", ""))
    if not path.is_file() or folder.resolve() not in path.resolve().parents:
        return None
    container = str(decoding.parameters["container"]) if decoding and "container" in decoding.parameters else None
    return decode(path.read_bytes(), CLIP_LIMITS, container=container).samples
