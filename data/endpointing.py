"""When a person begins to speak and when they have finished, told frame by frame from the probability of speech.

Pure: a turn and a probability give the next turn. Whose sound it is, and what follows from an end, is not known here.
"""

import math
from dataclasses import dataclass, field, replace
from enum import StrEnum

from data.records import SAMPLE_RATE
from data.voice import FRAME, VoiceOptions

FRAME_MS = 1000.0 * FRAME / SAMPLE_RATE
"""Length of a frame in milliseconds."""


class EndReason(StrEnum):
    """Why a turn is over: silence after speech, the most that is heard at once, or nobody spoke."""

    SILENCE = "silence"
    LENGTH = "length"
    NO_SPEECH = "no_speech"


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """When a turn begins and ends, in milliseconds.

    Speech counts once `min_speech_ms` of it were heard; `trailing_silence_ms` without speech end the turn; no turn goes
    on for longer than `max_speech_ms` after speech began, nor waits longer than `no_speech_ms` for it. Which frames are
    speech, `voice` says, as for whole clips.
    """

    min_speech_ms: float = 100.0
    trailing_silence_ms: float = 500.0
    max_speech_ms: float = 29_000.0
    no_speech_ms: float = 10_000.0
    voice: VoiceOptions = field(default_factory=VoiceOptions)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is known of a turn after so many `frames`.

    `run_start` is the frame at which frames that may be speech began, None in silence; `run_is_speech` says that they
    are. `speech_frames` were speech so far. `speech_start` and `speech_end` are the first frame of speech and the one
    after the last, None before speech counts; `first_start` is where it would have begun.
    """

    frames: int = 0
    run_start: int | None = None
    run_is_speech: bool = False
    speech_frames: int = 0
    first_start: int | None = None
    last_end: int = 0
    speech_start: int | None = None
    end: EndReason | None = None

    @property
    def speech_end(self) -> int | None:
        """The frame after the last of speech, None before speech counts."""
        return None if self.speech_start is None else self.last_end

    @property
    def silence(self) -> int:
        """How many frames came after the last of speech."""
        return self.frames - self.last_end


def advance(turn: Turn, probability: float, options: EndpointOptions) -> Turn:
    """Take in one more frame.

    Args:
        turn: What was known before; not over yet.
        probability: Of speech in the frame, in [0, 1].
        options: When a turn begins and ends.

    Returns:
        What is known now.
    """
    turn = _heard(turn, probability, options)
    if turn.speech_start is None and turn.speech_frames:
        if turn.speech_frames >= frames_of(options.min_speech_ms):
            turn = replace(turn, speech_start=turn.first_start)
        elif turn.silence >= frames_of(options.trailing_silence_ms):  # a click, long past
            turn = replace(turn, speech_frames=0, first_start=None)
    return replace(turn, end=_end_of(turn, options))


def frames_of(milliseconds: float) -> int:
    """Give the least number of frames that last so long, at least one."""
    return max(math.ceil(milliseconds / FRAME_MS), 1)


def _heard(turn: Turn, probability: float, options: EndpointOptions) -> Turn:
    """Lengthen, begin or end the run of frames that may be speech, as `speech_frames` does of a whole clip."""
    frame = turn.frames
    if probability < options.voice.soft_threshold:
        return replace(turn, frames=frame + 1, run_start=None, run_is_speech=False)
    start = frame if turn.run_start is None else turn.run_start
    if not turn.run_is_speech and probability < options.voice.threshold:
        return replace(turn, frames=frame + 1, run_start=start)
    new = 1 if turn.run_is_speech else frame + 1 - start
    return replace(
        turn,
        frames=frame + 1,
        run_start=start,
        run_is_speech=True,
        speech_frames=turn.speech_frames + new,
        first_start=start if turn.first_start is None else turn.first_start,
        last_end=frame + 1,
    )


def _end_of(turn: Turn, options: EndpointOptions) -> EndReason | None:
    if turn.speech_start is None:
        return EndReason.NO_SPEECH if turn.frames >= frames_of(options.no_speech_ms) else None
    if turn.silence >= frames_of(options.trailing_silence_ms):
        return EndReason.SILENCE
    if turn.frames - turn.speech_start >= frames_of(options.max_speech_ms):
        return EndReason.LENGTH
    return None
