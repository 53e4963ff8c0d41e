"""The records that flow between packages: frozen dataclasses, never dicts.

An `Utterance` becomes a `Conditioned` clip, then a `Transcript`, then `SearchHit`s; what happened is an `Event`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = NDArray[np.float32]
"""Mono audio, shape `(n_samples,)`, full scale is ±1."""

SAMPLE_RATE = 16_000
"""Samples per second of all audio inside the system."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing done to a clip: a name, the version of the code, its parameters."""

    name: str
    version: str
    parameters: Mapping[str, str | int | float | bool | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip and what is known of it; a line of a manifest.

    `duration` is in seconds; `lineage` is every step from the source recording to this clip, oldest first.
    `pred_text`, `confidence` and `nbest` are set when a recogniser has been over it.
    """

    id: str
    audio_filepath: str
    duration: float
    text: str = ""
    speaker: str | None = None
    source: str | None = None
    split: str | None = None
    tags: tuple[str, ...] = ()
    lineage: tuple[Step, ...] = ()
    recorded_at: str | None = None
    pred_text: str | None = None
    confidence: float | None = None
    nbest: tuple["Hypothesis", ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """What an audio file held: 16 kHz mono samples, and what it was before.

    `seconds` is the length that was decoded; `truncated` says that the data broke off before its end.
    """

    samples: Samples
    container: str
    sample_rate: int
    channels: int
    seconds: float
    truncated: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Conditioned:
    """A clip ready for the recogniser, and what conditioning did to it.

    Loudness is in LUFS (ITU-R BS.1770), `-inf` for digital silence; `peak_db` is the true peak after gain, in dBTP;
    `clipped_share` is the share of source samples at full scale, in [0, 1]; `snr_db` is an estimate, None where no
    noise or no speech was found; `speech_seconds` is how much of the clip the voice detector took for speech.
    """

    samples: Samples
    gain_db: float
    loudness_before: float
    loudness_after: float
    cut_before_ms: float
    cut_after_ms: float
    peak_db: float
    clipped_share: float
    snr_db: float | None
    speech_found: bool
    speech_seconds: float

    @property
    def seconds(self) -> float:
        """Length of the conditioned clip in seconds."""
        return len(self.samples) / SAMPLE_RATE


class NullReason(StrEnum):
    """Why a transcript is empty."""

    SILENCE = "silence"
    TOO_SHORT = "too_short"
    NO_SPEECH = "no_speech"
    LOW_CONFIDENCE = "low_confidence"
    HALLUCINATION = "hallucination"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One reading of a clip: its text and its mean log probability per token (natural logarithm, at most 0)."""

    text: str
    log_prob: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the recogniser heard.

    `text` is empty exactly when `null_reason` is set; `nbest` is the recogniser's list, best first, kept
    also with `low_confidence`, so that a person may choose.
    `confidence` and `no_speech_prob` are in [0, 1]; confidence is the mean probability of the best hypothesis' tokens,
    or, where the release is calibrated, the probability that every word is right; `compression_ratio` is that of the
    best hypothesis' UTF-8 text under zlib, high for repetition.
    """

    text: str
    nbest: tuple[Hypothesis, ...]
    confidence: float
    no_speech_prob: float
    compression_ratio: float
    null_reason: NullReason | None = None


MatchKind: TypeAlias = Literal["exact", "fuzzy", "phonetic"]


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One item found: its id, title and fields to show, its score, and what brought it.

    `hypothesis` is the rank of the n-best hypothesis (0 is the best, and typed text); `matched` are the words of the
    item that matched.
    """

    id: str
    title: str
    score: float
    match: MatchKind
    hypothesis: int = 0
    matched: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Calibration:
    """How sure a recogniser may be, as fitted on so many `clips`.

    A text of mean log probability x has every word right with the probability 1 / (1 + exp(-(slope x + intercept))).
    """

    slope: float
    intercept: float
    clips: int


Context: TypeAlias = Literal["padded", "own"]
"""What weights were trained to see: features padded to 30 s, or of the clip's own length."""


@dataclass(frozen=True, slots=True)
class Release:
    """A recogniser that can be served: a model folder, its hash, where it came from and how good it was.

    `sha256` is that of `model.bin`, `files` are those of the other files by name, where they are known.
    """

    name: str
    directory: str
    sha256: str
    context: Context = "padded"
    multilingual: bool = False
    lineage: Mapping[str, str] = field(default_factory=dict)
    evaluation: Mapping[str, float] = field(default_factory=dict)
    calibration: Calibration | None = None
    files: Mapping[str, str] = field(default_factory=dict)


class EventKind(StrEnum):
    """What can happen."""

    QUERY = "query"
    TYPED_QUERY = "typed_query"
    TRANSCRIPTION = "transcription"
    CLICK = "click"
    CORRECTION = "correction"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; append-only, ids and figures, never words or audio."""

    id: str
    kind: EventKind
    at: datetime
    query_id: str
    session_id: str | None = None
    release: str | None = None
    status: int | None = None
    null_reason: str | None = None
    figures: "QueryFigures | FeedbackFigures | None" = None


@dataclass(frozen=True, slots=True)
class QueryFigures:
    """What was measured of one query; None where it did not get that far.

    `stage_ms` maps each stage to milliseconds; `result_ids` and `result_scores` are the page that was returned.
    """

    audio_format: str | None = None
    device: str | None = None
    bytes: int | None = None
    seconds: float | None = None
    loudness: float | None = None
    snr_db: float | None = None
    cut_before_ms: float | None = None
    cut_after_ms: float | None = None
    clipped_share: float | None = None
    truncated: bool | None = None
    confidence: float | None = None
    no_speech_prob: float | None = None
    compression_ratio: float | None = None
    text_length: int | None = None
    error: str | None = None
    result_ids: tuple[str, ...] = ()
    result_scores: tuple[float, ...] = ()
    stage_ms: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FeedbackFigures:
    """What a person did with the results: the item clicked and its place on the page (1 is the top)."""

    item_id: str | None = None
    rank: int | None = None
    text_length: int | None = None
