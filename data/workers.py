"""The same function over many items, in as many processes as there are cores.

Processes are spawned, never forked: libraries that run threads do not survive a fork. They end with their parent,
however it ends.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import islice
from multiprocessing import connection, get_context, parent_process
from typing import TypeVar

from data.errors import VoiceSearchError

Item = TypeVar("Item")
Result = TypeVar("Result")

CHUNK = 16
"""Items that a process takes at a time."""

_SINGLE_THREADED = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def core_count() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_chunks(
    function: Callable[[Sequence[Item]], Result], items: Sequence[Item], *, processes: int, chunk: int = CHUNK
) -> Iterator[tuple[Sequence[Item], Result]]:
    """Apply a function to chunks of items, in processes.

    Args:
        function: Takes a chunk; to be picklable, it is a module's function or a `functools.partial` of one.
        items: All items.
        processes: How many processes; where one chunk holds everything, or with 1, the work is done in this process.
        chunk: Most items of a chunk.

    Yields:
        Each chunk with its result, as they are done.

    Raises:
        VoiceSearchError: A process died, or whatever the function raised.
    """
    chunks = [items[start : start + chunk] for start in range(0, len(items), chunk)]
    if min(processes, len(chunks)) <= 1:
        for one in chunks:
            yield one, function(one)
        return
    with _single_threaded(), _pool(min(processes, len(chunks))) as pool:
        waiting = iter(chunks)
        running: dict[Future[Result], Sequence[Item]] = {}
        try:
            while True:
                for one in islice(waiting, 2 * processes - len(running)):
                    running[pool.submit(function, one)] = one
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool as error:
            raise VoiceSearchError(
                "a working process died, perhaps for want of memory; run the command again, it goes on where it stopped"
            ) from error


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=_begin)
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def _single_threaded() -> Iterator[None]:
    """Keep the linear algebra of each process to one thread; it reads these variables when it is loaded."""
    before = {name: os.environ.get(name) for name in _SINGLE_THREADED}
    os.environ.update(dict.fromkeys(_SINGLE_THREADED, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _begin() -> None:
    """Leave Ctrl-C to the parent, and end when the parent does: a killed parent cannot tell its children."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
