"""The queue before the recogniser: who is heard together, who is refused, what survives a lost process."""

import asyncio
import io
import os
import signal
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import closing
from functools import partial

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from data.audio import AudioLimits
from data.errors import DeadlineError, OverloadedError, RecognitionFailedError, UnsupportedAudioError
from data.records import SAMPLE_RATE, Release, Samples
from serve.hearing import Hearing, open_answering
from serve.metrics import ServiceMetrics
from serve.pool import TOGETHER, PoolLimits, RecognizerPool, Waiting, take
from tests.conftest import QUERIES, SPEECH

CLIPS = [path.read_bytes() for path in (*sorted(QUERIES.glob("*.flac"))[:4], *sorted(SPEECH.glob("*.flac"))[:4])]
JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()


def with_pool(
    release: Release, work: Callable[[RecognizerPool], Awaitable[None]], workers: int = 1, **limits: float
) -> None:
    """Runs a pool of real processes around the work."""
    chosen = PoolLimits(workers, int(limits.get("max_waiting", 32)), limits.get("deadline_s", 30.0))
    opener = partial(open_answering, release, RecognizerSettings.load(), AudioLimits())

    async def run() -> None:
        pool = RecognizerPool(opener, chosen, ServiceMetrics())
        await pool.start()
        try:
            await work(pool)
        finally:
            await pool.close()

    asyncio.run(run())


@given(waiting=st.lists(st.booleans(), min_size=1, max_size=40), workers=st.integers(1, 8))
def test_a_process_takes_a_fair_share_in_order_and_suspects_alone(waiting: list[bool], workers: int) -> None:
    queue = queue_of([(float(place), suspect) for place, suspect in enumerate(waiting)])
    before = list(queue)
    taken = take(queue, deque(), workers, may_be_long=True)
    assert [*taken, *queue] == before
    assert 1 <= len(taken) <= min(TOGETHER, -(-len(before) // workers))
    assert len(taken) == 1 or not any(each.suspect for each in taken)


@pytest.mark.parametrize(
    ("short", "long", "may_be_long", "taken"),
    [([2.0], [1.0], True, 1.0), ([1.0], [2.0], True, 1.0), ([2.0], [1.0], False, 2.0), ([], [1.0], True, 1.0)],
)
def test_whoever_came_first_is_heard_first_unless_it_is_too_long_now(
    short: list[float], long: list[float], may_be_long: bool, taken: float
) -> None:
    waiting, postponed = (queue_of([(at, False) for at in arrivals]) for arrivals in (short, long))
    assert [each.arrived for each in take(waiting, postponed, 2, may_be_long)] == [taken]


def test_nothing_is_taken_where_only_long_ones_wait_and_none_may_be_heard() -> None:
    assert take(deque(), queue_of([(1.0, False)]), workers=2, may_be_long=False) == []


def queue_of(waiting: list[tuple[float, bool]]) -> deque[Waiting]:
    """Makes recordings that arrived at these times, suspects or not."""
    with closing(asyncio.new_event_loop()) as loop:
        return deque(Waiting(b"", loop.create_future(), 0.0, at, suspect) for at, suspect in waiting)


def test_a_short_recording_does_not_wait_behind_long_ones(release: Release, clip: Callable[[str], Samples]) -> None:
    long = wav_of(np.tile(clip("auth-thankyou"), 40)[: 29 * SAMPLE_RATE])

    async def work(pool: RecognizerPool) -> None:
        done: list[str] = []

        async def hear(name: str, content: bytes) -> None:
            await pool.hear(content)
            done.append(name)

        long_ones = [asyncio.create_task(hear("long", long)) for _ in range(3)]
        await asyncio.sleep(0.2)
        await asyncio.gather(hear("short", JURASSIC), *long_ones)
        assert done[0] == "short"
        assert done.count("long") == 3

    with_pool(release, work, workers=2)


def wav_of(samples: Samples) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="WAV")
    return buffer.getvalue()


def test_heard_together_is_heard_alone(release: Release, recognizer: Recognizer) -> None:
    alone = [Hearing(recognizer, AudioLimits()).hear(content) for content in CLIPS]

    async def work(pool: RecognizerPool) -> None:
        together = await asyncio.gather(*map(pool.hear, CLIPS))
        assert [each.transcript for each in together] == [each.transcript for each in alone]
        assert [each.conditioning for each in together] == [each.conditioning for each in alone]
        assert set(together[0].timings_ms) == {"wait", "decode", "condition", "recognise"}

    with_pool(release, work)


def test_a_bad_recording_among_good_ones_is_refused_alone(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        first, bad, last = await asyncio.gather(
            pool.hear(JURASSIC), pool.hear(b"not audio at all"), pool.hear(JURASSIC), return_exceptions=True
        )
        assert isinstance(bad, UnsupportedAudioError)
        assert not isinstance(first, BaseException)
        assert not isinstance(last, BaseException)
        assert first.transcript.text == last.transcript.text == "Jurassic Park"

    with_pool(release, work)


def test_a_full_queue_refuses_and_a_caller_who_leaves_makes_room(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        held = [asyncio.create_task(pool.hear(JURASSIC))]
        await asyncio.sleep(0.1)  # it is worked on, the others wait
        held += [asyncio.create_task(pool.hear(JURASSIC)) for _ in range(2)]
        await asyncio.sleep(0.1)
        with pytest.raises(OverloadedError) as refused:
            await pool.hear(JURASSIC)
        assert refused.value.retry_after_s == 1
        held[2].cancel()
        await asyncio.sleep(0.1)
        held[2] = asyncio.create_task(pool.hear(JURASSIC))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGCONT)
        assert {heard.transcript.text for heard in await asyncio.gather(*held)} == {"Jurassic Park"}

    with_pool(release, work, max_waiting=2)


def test_a_process_that_hangs_is_replaced_at_the_deadline(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        with pytest.raises(DeadlineError, match="within 2 s"):
            await pool.hear(JURASSIC)
        await until(lambda: pool.ready == 1 and pool.pids not in ((), (pid,)))
        assert (await pool.hear(JURASSIC)).transcript.text == "Jurassic Park"

    with_pool(release, work, deadline_s=2.0)


def test_the_one_recording_of_a_process_that_dies_is_refused(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        lost = asyncio.create_task(pool.hear(JURASSIC))
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(RecognitionFailedError):
            await lost
        assert (await pool.hear(JURASSIC)).transcript.text == "Jurassic Park"

    with_pool(release, work)


def test_a_process_that_dies_with_nothing_to_do_costs_no_recording(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.1)
        assert (await pool.hear(JURASSIC)).transcript.text == "Jurassic Park"
        assert pool.pids != (pid,)

    with_pool(release, work)


def test_of_several_in_a_process_that_dies_all_are_heard_after_all(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        (pid,) = pool.pids
        os.kill(pid, signal.SIGSTOP)
        first = asyncio.create_task(pool.hear(JURASSIC))
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(pool.hear(JURASSIC)) for _ in range(3)]
        await asyncio.sleep(0.1)
        os.kill(pid, signal.SIGKILL)  # over the first alone
        with pytest.raises(RecognitionFailedError):
            await first
        await until(lambda: pool.pids not in ((), (pid,)))
        os.kill(pool.pids[0], signal.SIGKILL)  # over the others, or before it had them
        assert {heard.transcript.text for heard in await asyncio.gather(*others)} == {"Jurassic Park"}

    with_pool(release, work)


def test_spare_work_never_takes_the_last_free_process(release: Release) -> None:
    async def work(pool: RecognizerPool) -> None:
        await until(lambda: len(pool.pids) == 2)
        assert (await pool.hear(JURASSIC, spare=True)).transcript.text == "Jurassic Park"
        busy = asyncio.create_task(pool.hear(JURASSIC))
        await asyncio.sleep(0)
        with pytest.raises(OverloadedError):
            await pool.hear(JURASSIC, spare=True)
        await busy

    with_pool(release, work, workers=2)


async def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
