"""Source recordings to conditioned clips: decode, refuse what cannot be used, condition, store.

What is refused is kept as a rejection with its reason; one bad file never ends a run.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import av

from data import condition as conditioning
from data.audio import decode
from data.batch import MANIFEST, Batch, Outcome, Rejection, Task, produce
from data.clips import CLIP_LIMITS, store_clip
from data.condition import DEFAULT_OPTIONS, FULL_SCALE, ConditionOptions, condition
from data.corpora.recording import Corpus, Recording
from data.errors import AudioError, AudioTooLongError
from data.lineage import RECORD
from data.records import Conditioned, Decoded, Step, Utterance

VERSION = "1"
"""Changes whenever the same recording would be treated differently."""

NO_SPEECH = "no-speech"
"""Tag of a clip in which the voice detector found nothing."""


class Reason(StrEnum):
    """Why a recording becomes no clip."""

    UNDECODABLE = "does_not_decode"
    TRUNCATED = "breaks_off"
    SILENT = "silent"
    CLIPPED = "clipped"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    CONTRADICTS = "duration_contradicts"


@dataclass(frozen=True, slots=True)
class PreparationLimits:
    """What a recording must keep to.

    `min_seconds` holds for the conditioned clip, `max_seconds` for the recording; `max_clipped_share` is the share of
    samples at full scale. A recording contradicts its manifest when its length differs by more than
    `duration_tolerance` seconds and more than `duration_tolerance_share` of the length claimed.
    """

    min_seconds: float = 0.2
    max_seconds: float = 30.0
    max_clipped_share: float = 0.01
    duration_tolerance: float = 0.1
    duration_tolerance_share: float = 0.05


def prepare(
    corpus: Corpus,
    out: Path,
    *,
    limits: PreparationLimits,
    processes: int,
    progress: Callable[[int, int], None],
    options: ConditionOptions = DEFAULT_OPTIONS,
) -> Batch:
    """Prepare a corpus: every recording becomes a conditioned clip and a line of the manifest, or a rejection.

    Args:
        corpus: Its recordings.
        out: Folder of the manifest, its lock, the clips and the rejections; where it holds earlier work of the same
            corpus with the same parameters, only the rest is done.
        limits: What is refused.
        processes: How many processes.
        progress: Called with how many recordings are done, and of how many.
        options: How clips are conditioned.

    Returns:
        What came of it.

    Raises:
        ManifestError: No recording gave a clip, or the manifest there has been worked on since.
        StoreError: The folder cannot be written.
    """
    parameters = json.dumps([VERSION, conditioning.VERSION, asdict(limits), asdict(options), corpus.source])
    tasks = [Task(_key(corpus.root, recording, parameters), recording) for recording in corpus.recordings]
    make = partial(_prepare_all, corpus=(corpus.source, corpus.root), out=out, limits=limits, options=options)
    return produce(out / MANIFEST, tasks, make, processes=processes, progress=progress)


def prepare_recording(
    recording: Recording,
    corpus: tuple[str, Path],
    out: Path,
    limits: PreparationLimits,
    options: ConditionOptions = DEFAULT_OPTIONS,
) -> Outcome:
    """Prepare one recording.

    Args:
        recording: Which.
        corpus: Name and root folder of its corpus.
        out: Folder below which the clip is stored.
        limits: What is refused.
        options: How the clip is conditioned.

    Returns:
        The utterance of the stored clip with its lineage, or the rejection.
    """
    source, root = corpus
    refuse = partial(Rejection, recording.id, str(recording.path), recording.text)
    try:
        content = (root / recording.path).read_bytes()
        decoded = decode(content, CLIP_LIMITS, container=recording.container)
    except AudioTooLongError as error:
        return refuse(Reason.TOO_LONG, str(error))
    except (AudioError, OSError) as error:
        return refuse(Reason.UNDECODABLE, str(error))
    if (fault := _fault_of_recording(recording, decoded, limits)) is not None:
        return refuse(*fault)
    clip = condition(decoded.samples, options)
    if (fault := _fault_of_clip(clip, limits)) is not None:
        return refuse(*fault)
    origin = Step(
        RECORD,
        VERSION,
        {"corpus": source, "path": str(recording.path), "sha256": hashlib.sha256(content).hexdigest()},
    )
    return Utterance(
        id=recording.id,
        audio_filepath=store_clip(out, clip.samples),
        duration=round(clip.seconds, 4),
        text=recording.text,
        speaker=recording.speaker,
        source=source,
        split=recording.split,
        tags=recording.tags if clip.speech_found else (*recording.tags, NO_SPEECH),
        lineage=(*recording.lineage, origin, decode_step(decoded), condition_step(clip, options)),
        recorded_at=recording.recorded_at,
    )


def decode_step(decoded: Decoded) -> Step:
    """Describe a decoding for the lineage."""
    return Step(
        "decode",
        f"av {av.__version__}",
        {
            "container": decoded.container,
            "sample_rate": decoded.sample_rate,
            "channels": decoded.channels,
            "seconds": round(decoded.seconds, 4),
        },
    )


def condition_step(clip: Conditioned, options: ConditionOptions) -> Step:
    """Describe a conditioning for the lineage: its parameters, then what it measured and did."""
    chosen = {key: value for key, value in asdict(options).items() if key != "voice"} | asdict(options.voice)
    return Step("condition", conditioning.VERSION, {**chosen, **_measured(clip)})


def count_reasons(rejections: Sequence[Rejection]) -> Mapping[str, int]:
    """Count rejections by reason, most frequent first."""
    return dict(Counter(rejection.reason for rejection in rejections).most_common())


def _prepare_all(
    recordings: Sequence[Recording],
    *,
    corpus: tuple[str, Path],
    out: Path,
    limits: PreparationLimits,
    options: ConditionOptions,
) -> list[Outcome]:
    return [prepare_recording(recording, corpus, out, limits, options) for recording in recordings]


def _measured(clip: Conditioned) -> Mapping[str, float | None]:
    return {
        "gain_db": round(clip.gain_db, 2),
        "loudness_before": round(clip.loudness_before, 2),
        "cut_before_ms": round(clip.cut_before_ms, 1),
        "cut_after_ms": round(clip.cut_after_ms, 1),
        "clipped_share": round(clip.clipped_share, 6),
        "snr_db": None if clip.snr_db is None else round(clip.snr_db, 1),
    }


def _fault_of_recording(recording: Recording, decoded: Decoded, limits: PreparationLimits) -> tuple[Reason, str] | None:
    seconds, claimed = decoded.seconds, recording.seconds
    if decoded.truncated:
        return Reason.TRUNCATED, f"the data breaks off after {seconds:.2f} s"
    if seconds > limits.max_seconds:
        return Reason.TOO_LONG, f"{seconds:.2f} s; at most {limits.max_seconds:g} s are taken"
    if claimed is not None:
        allowed = max(limits.duration_tolerance, limits.duration_tolerance_share * claimed)
        if abs(seconds - claimed) > allowed:
            return Reason.CONTRADICTS, f"{seconds:.2f} s, but its manifest says {claimed:.2f} s"
    return None


def _fault_of_clip(clip: Conditioned, limits: PreparationLimits) -> tuple[Reason, str] | None:
    if clip.loudness_before == float("-inf"):
        return Reason.SILENT, "nothing in it is louder than -70 LUFS"
    if clip.clipped_share > limits.max_clipped_share:
        share, most = 100 * clip.clipped_share, 100 * limits.max_clipped_share
        return (
            Reason.CLIPPED,
            f"{share:.1f}% of the samples are at full scale ({FULL_SCALE:g}); at most {most:g}% may be",
        )
    if clip.seconds < limits.min_seconds:
        return Reason.TOO_SHORT, f"{clip.seconds:.2f} s; at least {limits.min_seconds:g} s are needed"
    return None


def _key(root: Path, recording: Recording, parameters: str) -> str:
    """Name the outcome of a recording: the same file with the same transcript and parameters is not prepared again."""
    status = (root / recording.path).stat()
    identity = json.dumps([asdict(recording), status.st_size, status.st_mtime_ns, parameters], default=str)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
