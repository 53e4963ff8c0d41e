"""The process that listens to streams: each by itself, and what its loss costs."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.clips import to_pcm
from data.endpointing import EndpointOptions, EndReason, Turn
from data.errors import OverloadedError, RecognitionFailedError, UnsupportedAudioError
from data.records import Samples
from serve.listener import TOGETHER, TOGETHER_BYTES, Listener, Waiting, take
from serve.listening import Begin, Encoding, Listened, Listening, Sound, open_listening
from serve.metrics import ServiceMetrics


def with_listener(work: Callable[[Listener], Awaitable[None]]) -> None:
    """Runs a real process around the work."""

    async def run() -> None:
        listener = Listener(partial(open_listening, EndpointOptions()), 3, ServiceMetrics())
        await listener.start()
        try:
            await work(listener)
        finally:
            await listener.close()

    asyncio.run(run())


@pytest.fixture(scope="session")
def spoken(clip: Callable[[str], Samples]) -> bytes:
    """A query with a second of silence after it, as 16-bit samples."""
    samples = np.concatenate([clip("jurassic-park"), np.zeros(16_000, np.float32)])
    return to_pcm(samples).tobytes()


def test_streams_that_mix_are_heard_as_each_alone(spoken: bytes) -> None:
    parts = [spoken[at : at + 5_000] for at in range(0, len(spoken), 5_000)]

    async def work(listener: Listener) -> None:
        async def one(stream: str) -> list[Turn]:
            await listener.begin(stream, "pcm16", 16_000)
            return [(await listener.listen(stream, part)).turn for part in parts]

        alone = await one("alone")
        assert alone[-1].end is EndReason.SILENCE
        for turns in await asyncio.gather(one("a"), one("b"), one("c")):
            assert turns == alone

    with_listener(work)


def test_sound_at_16_khz_stays_as_it_is(spoken: bytes) -> None:
    listening = Listening(EndpointOptions())
    replies = dict(listening.answer([Begin("a", "pcm16", 16_000), Sound("a", spoken[:1001]), Sound("a", spoken[:800])]))
    assert isinstance(replies[1], UnsupportedAudioError)  # half a sample
    assert isinstance(replies[2], Listened)
    assert replies[2].pcm == spoken[:800]


def test_a_bad_message_of_one_stream_is_nothing_to_another(spoken: bytes) -> None:
    async def work(listener: Listener) -> None:
        await listener.begin("good", "pcm16", 16_000)
        await listener.begin("bad", "opus", 48_000)
        good, bad = await asyncio.gather(
            listener.listen("good", spoken), listener.listen("bad", b"\xff" * 60), return_exceptions=True
        )
        assert isinstance(bad, UnsupportedAudioError)
        assert isinstance(good, Listened)
        assert good.turn.speech_start is not None

    with_listener(work)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_process_costs_its_streams_and_is_soon_back(spoken: bytes, how: signal.Signals) -> None:
    async def work(listener: Listener) -> None:
        assert listener.pid is not None
        for stream in ("one", "other"):
            await listener.begin(stream, "pcm16", 16_000)
        os.kill(listener.pid, how)
        with pytest.raises(RecognitionFailedError, match="did not survive"):
            await listener.listen("one", spoken)
        with pytest.raises(OverloadedError, match="being started"):
            await listener.begin("new", "pcm16", 16_000)
        await until_begun(listener, "new")
        assert (await listener.listen("new", spoken)).turn.end is EndReason.SILENCE
        with pytest.raises(RecognitionFailedError, match="begin anew"):
            await listener.listen("other", spoken)

    with_listener(work)


@given(
    messages=st.lists(st.binary(max_size=200), max_size=6),
    encoding=st.sampled_from(["opus", "pcm16"]),
    rate=st.integers(8_000, 48_000),
)
def test_whatever_is_sent_is_heard_or_refused(messages: list[bytes], encoding: Encoding, rate: int) -> None:
    listening = Listening(EndpointOptions())
    for _, reply in listening.answer([Begin("a", encoding, rate), *(Sound("a", content) for content in messages)]):
        assert isinstance(reply, Listened | UnsupportedAudioError)
        if isinstance(reply, Listened):
            assert len(reply.pcm) <= 2 * 2 * 16_000  # a packet is 120 ms at most, 100 samples at 8 kHz less


@given(st.lists(st.integers(0, 64 * 1024), min_size=1, max_size=100))
def test_no_flood_of_large_messages_is_handed_over_at_once(sizes: list[int]) -> None:
    requests = [Waiting(Sound("a", bytes(size))) for size in sizes]
    waiting: asyncio.Queue[Waiting] = asyncio.Queue()
    for request in requests[1:]:
        waiting.put_nowait(request)
    taken = take(requests[0], waiting)
    assert taken == requests[: len(taken)]
    assert len(taken) + waiting.qsize() == len(requests)
    assert len(taken) <= TOGETHER
    assert sum(sizes[: len(taken) - 1]) < TOGETHER_BYTES
    assert waiting.empty() or len(taken) == TOGETHER or sum(sizes[: len(taken)]) >= TOGETHER_BYTES


async def until_begun(listener: Listener, stream: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            await listener.begin(stream, "pcm16", 16_000)
            return
        except OverloadedError:
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


def test_there_is_room_for_so_many_streams() -> None:
    listener = Listener(partial(open_listening, EndpointOptions()), 1, ServiceMetrics())
    with listener.place("one"), pytest.raises(OverloadedError, match="too many streams"), listener.place("other"):
        pass
    with listener.place("other"):
        pass
