"""The recogniser's processes and the queue before them: bounded, with a deadline for all, nobody waits for company.

Each process works on one thread. What waits when a process becomes free is heard together, since clips of like lengths
heard at once cost less than one after the other; a lone recording is heard at once. A process that hangs or dies is
replaced; of the recordings that it had, only the one that does so again, alone, is refused.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from time import perf_counter

from data.errors import DeadlineError, OverloadedError, RecognitionFailedError, VoiceSearchError
from serve.hearing import Heard, Outcome
from serve.metrics import ServiceMetrics
from serve.process import Opener, ProcessLostError, WorkerProcess

logger = logging.getLogger("voicesearch")

Contents = tuple[bytes, ...]

TOGETHER = 8
"""Most recordings heard at once; more gain little and make the first wait."""

RETRY_START_S = 1.0
"""Seconds until a process that did not start is started again."""


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """How many processes there are, how many recordings may wait for one, and seconds until one is given up."""

    workers: int
    max_waiting: int
    deadline_s: float


@dataclass(eq=False, slots=True)
class _Waiting:
    """A recording that waits; `suspect` where a process was lost over it and others, so that it is tried alone."""

    content: bytes
    outcome: "asyncio.Future[Heard]"
    deadline: float
    arrived: float
    suspect: bool = False


class RecognizerPool:
    """Hears recordings in processes of its own."""

    def __init__(
        self, opener: "Opener[Contents, tuple[int, Outcome]]", limits: PoolLimits, metrics: ServiceMetrics
    ) -> None:
        self._limits = limits
        self._metrics = metrics
        self._waiting: deque[_Waiting] = deque()
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
        if not self._idle and len(self._waiting) >= self._limits.max_waiting:
            raise OverloadedError("too many queries are waiting; try again in a moment")
        loop = asyncio.get_running_loop()
        mine = _Waiting(content, loop.create_future(), loop.time() + self._limits.deadline_s, perf_counter())
        self._waiting.append(mine)
        if self._idle:
            self._idle.popleft().set_result(None)
        try:
            async with asyncio.timeout_at(mine.deadline):
                return await mine.outcome
        except TimeoutError as error:
            raise DeadlineError(f"no answer within {self._limits.deadline_s:g} s; try again in a moment") from error
        finally:
            if mine in self._waiting:
                self._waiting.remove(mine)

    async def close(self) -> None:
        """End every process; what still waits is cancelled."""
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        for each in self._waiting:
            each.outcome.cancel()
        self._ready = 0
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in self._processes))
        self._threads.shutdown()

    async def _run(self, process: "WorkerProcess[Contents, tuple[int, Outcome]]") -> None:
        while True:
            while not self._waiting:
                called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                self._idle.append(called)
                await called
            batch = take(self._waiting, len(self._processes))
            try:
                await self._in_thread(lambda batch=batch: self._exchange(process, batch))  # type: ignore[misc]
            except ProcessLostError as error:
                logger.error("%s over %d recordings; it is started again", error, len(batch))
                self._blame([each for each in batch if not each.outcome.done()])
                await self._restart(process)

    def _exchange(self, process: "WorkerProcess[Contents, tuple[int, Outcome]]", batch: Sequence[_Waiting]) -> None:
        """Have a batch heard; runs in a thread, since a large recording takes a while to hand over."""
        loop = batch[0].outcome.get_loop()
        begun = perf_counter()
        left_s = min(each.deadline for each in batch) - loop.time()
        patience_s = left_s if len(batch) == 1 else left_s / 2  # what is left is for hearing them one by one
        for place, outcome in process.ask(tuple(each.content for each in batch), max(patience_s, 0.0)):
            each = batch[place]
            if isinstance(outcome, Heard):
                waited = {"wait": round(1000.0 * (begun - each.arrived), 3)}
                outcome = replace(outcome, timings_ms={**waited, **outcome.timings_ms})
            loop.call_soon_threadsafe(_settle, each.outcome, outcome)

    def _blame(self, lost: Sequence[_Waiting]) -> None:
        """Refuse the recording that a process was lost over, or find out which of several it was."""
        if len(lost) == 1:
            _settle(lost[0].outcome, RecognitionFailedError("the recogniser did not survive this recording"))
            return
        for each in reversed(lost):
            each.suspect = True
            self._waiting.appendleft(each)

    async def _restart(self, process: "WorkerProcess[Contents, tuple[int, Outcome]]") -> None:
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


def take(waiting: "deque[_Waiting]", workers: int) -> list[_Waiting]:
    """Take from the queue what one process should hear next.

    Args:
        waiting: At least one recording; those taken are gone from it.
        workers: Among how many processes it is to be shared out.

    Returns:
        A fair share of those in front, at most `TOGETHER`; a suspect alone.
    """
    share = min(-(-len(waiting) // workers), TOGETHER)
    taken = [waiting.popleft()]
    while len(taken) < share and not (taken[0].suspect or waiting[0].suspect):
        taken.append(waiting.popleft())
    return taken


def _settle(future: "asyncio.Future[Heard]", outcome: Outcome) -> None:
    if future.done():  # nobody waits for it any more
        return
    if isinstance(outcome, Heard):
        future.set_result(outcome)
    else:
        future.set_exception(outcome)
