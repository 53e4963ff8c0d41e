"""The recogniser's processes and the queue before them: bounded, with a deadline for all, nobody waits for company.

Each process works on one thread. What waits when a process becomes free is heard together, since clips of like lengths
heard at once cost less than one after the other; a lone recording is heard at once. Long recordings are never heard by
all processes at the same time, so that a short one does not wait behind them. A process that hangs or dies is replaced;
of the recordings that it had, only the one that does so again, alone, is refused.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

from data.errors import DeadlineError, OverloadedError, RecognitionFailedError, VoiceSearchError
from serve.hearing import Heard, HearingJob, Outcome, Postponed
from serve.metrics import ServiceMetrics
from serve.process import RETRY_START_S, Opener, ProcessLostError, WorkerProcess

logger = logging.getLogger("voicesearch")

Recogniser = WorkerProcess[HearingJob, tuple[int, Outcome]]

TOGETHER = 8
"""Most recordings heard at once; more gain little and make the first wait."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many processes there are, how many recordings may wait for one, and seconds until one is given up."""

    workers: int
    max_waiting: int
    deadline_s: float


@dataclass(eq=False, slots=True)
class Waiting:
    """A recording that waits; `suspect` where a process was lost over it and others, so that it is tried alone."""

    content: bytes
    outcome: "asyncio.Future[Heard]"
    deadline: float
    arrived: float
    suspect: bool = False


class RecognizerPool:
    """Hears recordings in processes of its own."""

    def __init__(
        self, opener: "Opener[HearingJob, tuple[int, Outcome]]", limits: PoolLimits, metrics: ServiceMetrics
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._waiting: deque[Waiting] = deque()
        self._long: deque[Waiting] = deque()
        self._hearing_long = 0
        self._idle: deque[asyncio.Future[None]] = deque()
        self._runners: list[asyncio.Task[None]] = []
        self._processes = [WorkerProcess(f"recogniser {place + 1}", opener) for place in range(limits.workers)]
        self._threads = ThreadPoolExecutor(limits.workers, thread_name_prefix="recogniser")
        self._ready = 0

    @property
    def ready(self) -> int:
        """How many processes can be given recordings."""
        return self._ready

    @property
    def pids(self) -> tuple[int, ...]:
        """The numbers of the processes that there are."""
        return tuple(process.pid for process in self._processes if process.pid is not None)

    async def start(self) -> None:
        """Start every process.

        Raises:
            VoiceSearchError: The release cannot be opened.
        """
        try:
            await asyncio.gather(*(self._in_thread(process.start) for process in self._processes))
        except ProcessLostError as error:
            await self.close()
            raise VoiceSearchError(f"the recogniser could not be started ({error})") from error
        except VoiceSearchError:
            await self.close()
            raise
        self._ready = len(self._processes)
        self._runners = [asyncio.create_task(self._run(process)) for process in self._processes]
        await asyncio.sleep(0)  # until they wait for work

    async def hear(self, content: bytes, *, spare: bool = False) -> Heard:
        """Hear a recording.

        When the awaiting task is cancelled the recording leaves the queue; one that is being heard is heard to its end.

        Args:
            content: An audio file's bytes.
            spare: Only where a process has nothing else to do, and one more is left for what may come.

        Returns:
            What was heard.

        Raises:
            AudioError: The recording cannot be used.
            OverloadedError: Too many wait, or no process is spare.
            DeadlineError: It was not done in time.
            RecognitionFailedError: The process died over it.
        """
        if spare and len(self._idle) < min(2, len(self._processes)):
            raise OverloadedError("no recogniser is spare")
        if not self._idle and len(self._waiting) + len(self._long) >= self._limits.max_waiting:
            raise OverloadedError("too many queries are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        mine = Waiting(content, loop.create_future(), loop.time() + self._limits.deadline_s, perf_counter())
        self._waiting.append(mine)
        if self._idle:
            self._idle.popleft().set_result(None)
        try:
            async with asyncio.timeout_at(mine.deadline):
                return await mine.outcome
        except TimeoutError as error:
            raise DeadlineError(f"no answer within {self._limits.deadline_s:g} s; try again in a moment") from error
        finally:
            for queue in (self._waiting, self._long):
                if mine in queue:
                    queue.remove(mine)

    async def close(self) -> None:
        """End every process; what still waits is cancelled."""
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        for each in (*self._waiting, *self._long):
            each.outcome.cancel()
        self._ready = 0
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self._processes))
        self._threads.shutdown()

    async def _run(self, process: Recogniser) -> None:
        while True:
            batch = take(self._waiting, self._long, len(self._processes), self._may_be_long)
            if not batch:
                called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(called)
                await called
                continue
            if not process.is_waiting:  # it died with nothing to do, which is nobody's fault
                self._waiting.extendleft(reversed(batch))
                await self._restart(process)
                continue
            try:
                await self._hear(process, batch)
            except ProcessLostError as error:
                logger.error("%s over %d recordings; it is started again", error, len(batch))
                self._blame([each for each in batch if not each.outcome.done()])
                await self._restart(process)

    async def _hear(self, process: Recogniser, batch: Sequence[Waiting]) -> None:
        may_be_long = self._may_be_long
        self._hearing_long += may_be_long
        try:
            await self._in_thread(partial(self._exchange, process, batch, may_be_long))
        finally:
            self._hearing_long -= may_be_long

    @property
    def _may_be_long(self) -> bool:
        return self._hearing_long < max(len(self._processes) - 1, 1)

    def _exchange(self, process: Recogniser, batch: Sequence[Waiting], may_be_long: bool) -> None:
        """Have a batch heard; runs in a thread, since a large recording takes a while to hand over."""
        loop = batch[0].outcome.get_loop()
        begun = perf_counter()
        left_s = min(each.deadline for each in batch) - loop.time()
        patience_s = left_s if len(batch) == 1 else left_s / 2  # what is left is for hearing them one by one
        job = HearingJob(tuple(each.content for each in batch), may_be_long)
        for place, outcome in process.ask(job, max(patience_s, 0.0)):
            each = batch[place]
            if isinstance(outcome, Postponed):
                loop.call_soon_threadsafe(self._postpone, each)
                continue
            if isinstance(outcome, Heard):
                waited = {"wait": round(1000.0 * (begun - each.arrived), 3)}
                outcome = replace(outcome, timings_ms={**waited, **outcome.timings_ms})
            loop.call_soon_threadsafe(_settle, each.outcome, outcome)

    def _postpone(self, each: Waiting) -> None:
        if not each.outcome.done():
            self._long.append(each)

    def _blame(self, lost: Sequence[Waiting]) -> None:
        """Refuse the recording that a process was lost over, or find out which of several it was."""
        if len(lost) == 1:
            _settle(lost[0].outcome, RecognitionFailedError("the recogniser did not survive this recording"))
            return
        for each in reversed(lost):
            each.suspect = True
            self._waiting.appendleft(each)

    async def _restart(self, process: Recogniser) -> None:
        self._ready -= 1
        self._metrics.count_restart()
        while True:
            try:
                await self._in_thread(process.start)
            except (ProcessLostError, VoiceSearchError) as error:
                logger.error("%s did not start: %s", process.name, error)
                await asyncio.sleep(RETRY_START_S)
            else:
                self._ready += 1
                return

    async def _in_thread(self, work: Callable[[], None]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, work)


def take(waiting: deque[Waiting], long: deque[Waiting], workers: int, may_be_long: bool) -> list[Waiting]:
    """Take from the queues what one process should hear next.

    Args:
        waiting: Recordings in order of arrival; those taken are gone from it.
        long: Those known to be long, likewise.
        workers: Among how many processes they are to be shared out.
        may_be_long: Whether a long one may be heard now.

    Returns:
        Whoever came first: a long one alone, or a fair share of those in front, at most `TOGETHER`, a suspect alone.
        Nothing where none may be heard now.
    """
    if long and may_be_long and (not waiting or long[0].arrived < waiting[0].arrived):
        return [long.popleft()]
    if not waiting:
        return []
    share = min(-(-len(waiting) // workers), TOGETHER)
    taken = [waiting.popleft()]
    while len(taken) < share and not (taken[0].suspect or waiting[0].suspect):
        taken.append(waiting.popleft())
    return taken


def _settle(future: "asyncio.Future[Heard]", outcome: Heard | VoiceSearchError) -> None:
    if future.done():  # nobody waits for it any more
        return
    if isinstance(outcome, Heard):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
