"""When speech begins and ends, frame by frame: the same speech as in the whole clip, and an end for every turn."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from data.endpointing import EndpointOptions, EndReason, Turn, advance, frames_of
from data.records import Samples
from data.voice import FRAME, VoiceDetector, speech_frames, voice_probabilities

PATIENT = EndpointOptions(min_speech_ms=1, trailing_silence_ms=1e9, max_speech_ms=1e9, no_speech_ms=1e9)
PROBABILITIES = st.lists(st.sampled_from((0.0, 0.1, 0.15, 0.3, 0.49, 0.5, 0.9)), max_size=60)


def turns(probabilities: list[float], options: EndpointOptions) -> list[Turn]:
    """The turn after each frame, up to its end."""
    known = [Turn()]
    for probability in probabilities:
        if known[-1].end is not None:
            break
        known.append(advance(known[-1], probability, options))
    return known


@pytest.mark.parametrize("name", ["jurassic-park", "vm-goodbye"])
@pytest.mark.parametrize("step", [1, 160, 512, 4096, 100_000])
def test_a_frame_sounds_the_same_alone_as_in_the_whole_clip(
    clip: Callable[[str], Samples], name: str, step: int
) -> None:
    samples = clip(name)[: 512 * 20 if step == 1 else None]
    detector = VoiceDetector()
    parts = [detector.push(samples[at : at + step]) for at in range(0, len(samples), step)]
    assert np.array_equal(np.concatenate(parts), voice_probabilities(samples)[: len(samples) // FRAME])


@given(probabilities=PROBABILITIES)
@example(probabilities=[0.3, 0.5, 0.3, 0.0, 0.3, 0.0])
def test_speech_begins_and_ends_where_the_whole_clip_has_it(probabilities: list[float]) -> None:
    turn = turns(probabilities, PATIENT)[-1]
    speech = np.flatnonzero(speech_frames(np.array(probabilities, np.float32), PATIENT.voice))
    assert turn.end is None
    assert turn.speech_frames == len(speech)
    if len(speech):
        assert (turn.speech_start, turn.speech_end) == (speech[0], speech[-1] + 1)
    else:
        assert (turn.speech_start, turn.speech_end) == (None, None)


@given(probabilities=PROBABILITIES, silence_ms=st.floats(1, 600), least_ms=st.floats(1, 200))
def test_silence_ends_a_turn_neither_early_nor_late(
    probabilities: list[float], silence_ms: float, least_ms: float
) -> None:
    options = replace(PATIENT, trailing_silence_ms=silence_ms, min_speech_ms=least_ms)
    known = turns(probabilities, options)
    for turn in known:
        enough = turn.speech_start is not None and turn.silence >= frames_of(silence_ms)
        assert (turn.end is EndReason.SILENCE) == enough


@given(probabilities=PROBABILITIES, longest_ms=st.floats(1, 900), wait_ms=st.floats(1, 900))
def test_every_turn_ends_in_time(probabilities: list[float], longest_ms: float, wait_ms: float) -> None:
    options = replace(PATIENT, max_speech_ms=longest_ms, no_speech_ms=wait_ms)
    last = turns(probabilities, options)[-1]
    assume(last.end is not None)
    if last.end is EndReason.NO_SPEECH:
        assert last.frames == frames_of(wait_ms)
        assert last.speech_start is None
    else:
        assert last.end is EndReason.LENGTH
        assert last.speech_start is not None
        assert last.frames - last.speech_start >= frames_of(longest_ms)


def test_without_speech_nobody_is_waited_for_longer_than_agreed() -> None:
    last = turns([0.1] * 1000, EndpointOptions())[-1]
    assert last.end is EndReason.NO_SPEECH
    assert last.frames == frames_of(10_000)


def test_clicks_far_apart_do_not_add_up_to_speech() -> None:
    click = [0.9] + [0.0] * 20
    options = replace(PATIENT, min_speech_ms=100, trailing_silence_ms=500)
    assert turns(click * 20, options)[-1].speech_start is None
    assert turns([0.9] * 4, options)[-1].speech_start == 0


def test_a_breath_after_the_last_word_does_not_keep_the_turn_open() -> None:
    last = turns([0.9] * 10 + [0.0] + [0.3] * 40, EndpointOptions())[-1]
    assert (last.end, last.speech_end) == (EndReason.SILENCE, 10)
