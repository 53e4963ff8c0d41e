"""What hearing recordings together gains, and how many processes of how many threads hear most.

    python -m benchmarks.batching [--queries N]

The service's own pool is given recordings of the lengths of voice queries by 16 callers that wait for each answer, with
at most 1, 2, 4 or 8 heard together, and with fewer processes of more threads. Then one caller alone, who must not wait
longer than without. The last line is JSON.
"""

import argparse
import asyncio
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.table import Table

import serve.pool
from asr.settings import RecognizerSettings
from benchmarks.traffic import Recordings
from data.audio import AudioLimits
from data.records import Release
from data.workers import core_count
from serve.hearing import open_answering
from serve.metrics import ServiceMetrics
from serve.pool import PoolLimits, RecognizerPool
from serve.preparation import prepare

CALLERS = 16
ALONE = 40


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to run the pool."""

    processes: int
    threads: int
    together: int


@dataclass(frozen=True, slots=True)
class Found:
    """Recordings heard a second by many callers, and the median milliseconds of a lone one."""

    per_second: float
    lone_ms: float


def measure(arm: Arm, release: Release, contents: Sequence[bytes]) -> Found:
    """Run the pool in one way."""
    serve.pool.TOGETHER = arm.together
    opener = partial(open_answering, release, RecognizerSettings(threads=arm.threads), AudioLimits())

    async def run() -> Found:
        pool = RecognizerPool(opener, PoolLimits(arm.processes, CALLERS, 60.0), ServiceMetrics())
        await pool.start()
        try:
            await asyncio.gather(*map(pool.hear, contents[:CALLERS]))
            lone = []
            for content in contents[:ALONE]:
                begun = time.perf_counter()
                await pool.hear(content)
                lone.append(1000.0 * (time.perf_counter() - begun))
            queue = list(contents)

            async def caller() -> None:
                while queue:
                    await pool.hear(queue.pop())

            begun = time.perf_counter()
            await asyncio.gather(*(caller() for _ in range(CALLERS)))
            return Found(len(contents) / (time.perf_counter() - begun), statistics.median(lone))
        finally:
            await pool.close()

    return asyncio.run(run())


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--queries", type=int, default=400)
    contents = Recordings().draw(parser.parse_args().queries, 3)
    release = prepare(None, print)
    cores = core_count()
    arms = [Arm(cores, 1, together) for together in (1, 2, 4, 8)] + [Arm(1, cores, 8), Arm(1, 1, 8)]
    table = Table("processes", "threads", "together", "a second", "a lone one, ms", title="Recordings heard")
    found = {}
    for arm in arms:
        found[arm] = measure(arm, release, contents)
        cells = (
            arm.processes,
            arm.threads,
            arm.together,
            round(found[arm].per_second, 1),
            round(found[arm].lone_ms, 1),
        )
        table.add_row(*map(str, cells))
    Console(width=80).print(table)
    alone, together = found[arms[0]], found[arms[3]]
    figures = {
        "throughput_ratio": round(together.per_second / alone.per_second, 2),
        "lone_ms_ratio": round(together.lone_ms / alone.lone_ms, 2),
        "per_second": {
            f"{arm.processes}x{arm.threads}, {arm.together}": round(found[arm].per_second, 1) for arm in arms
        },
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
