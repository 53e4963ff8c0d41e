"""How many spoken queries a second the service holds, next to the servers one writes in an afternoon.

    python -m benchmarks.load [--full]

Ours is the real server with its search; the peers are FastAPI around faster-whisper, plain and batched, with the same
weights and no search (`benchmarks.peer_server`). Each is stepped up, first by clients that wait for each answer
(closed loop), then by queries that come whether or not those before were answered (open loop, Poisson), until the 95th
percentile passes 500 ms; a peer that cannot hold that with a single client is given 1,500 ms. The recordings are
Asterisk prompts: 60% up to 2 s, 35% of 2 to 5 s, 5% of 5 to 10 s. Senders and servers share the machine. Memory is
that of all processes, shared pages counted once. Then lone queries of about 3 s, in turn, and queries by length. The
last line is JSON.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import httpx2
from rich.console import Console
from rich.table import Table

from asr.settings import RecognizerSettings
from asr.weights import prepare_published
from benchmarks.endpoints import speech_end
from benchmarks.server import BenchmarkServer, benchmark_server, free_port, running_server
from benchmarks.streaming import median_of, run
from benchmarks.traffic import MOST_P95_MS, Load, Recordings, Target, ask, closed_loop, open_loop
from data.audio import AudioLimits, decode
from data.settings import HomeSettings
from serve.preparation import prepare

RELAXED_P95_MS = 1500.0
"""What a peer is held at that cannot answer within `MOST_P95_MS` even alone."""

FIRST_SHARE, GROWTH = 0.4, 1.25
"""The first rate of the open loop, as a share of what the closed one held; from one step to the next."""

MOST_CLIENTS = 64
STREAMS = 20
SECONDS, JOINED_SECONDS = (0.5, 1, 2, 3, 5, 8), (15, 30)
"""Lengths of the queries whose times are told; there are no prompts of the longer ones, so several are joined."""

STEP_S = 10.0
"""Seconds that a step of the open loop lasts; of the closed loop about as long."""


@dataclass(frozen=True, slots=True)
class Held:
    """What one server holds: the limit it was held at, and its best step of either loop."""

    name: str
    limit_ms: float
    closed: Load
    open: Load
    steps: tuple[tuple[str, Load], ...]

    @property
    def per_second(self) -> float:
        """Queries a second that it sustained in either loop."""
        return max(self.closed.per_second, self.open.per_second)


def climb(name: str, target: Target, recordings: Recordings, scale: float) -> Held:
    """Step a server up until it does not hold any more."""
    lone = asyncio.run(closed_loop(target, recordings.draw(round(40 * scale), 1), 1))
    limit_ms = MOST_P95_MS if lone.p95_ms <= MOST_P95_MS else RELAXED_P95_MS
    steps = [("closed", lone)]
    closed, clients = lone, 2
    while clients <= MOST_CLIENTS:
        count = max(round(closed.per_second * STEP_S * scale), 20)
        step = asyncio.run(closed_loop(target, recordings.draw(count, clients), clients))
        steps.append(("closed", step))
        if not step.holds(limit_ms):
            break
        closed, clients = max(closed, step, key=lambda each: each.per_second), clients * 2
    rate = closed.per_second * FIRST_SHARE
    best = Load(rate, 0.0, 0.0, 0.0, 0)
    while True:
        step = asyncio.run(open_loop(target, recordings.draw(max(round(rate * STEP_S * scale), 20), 7), rate))
        steps.append(("open", step))
        if not step.holds(limit_ms):
            break
        best, rate = step, rate * GROWTH
    return Held(name, limit_ms, closed, best, tuple(steps))


def lone_times(targets: Sequence[Target], contents: Sequence[bytes]) -> list[list[float]]:
    """Ask several servers about the same recordings in turn, one query at a time, in milliseconds."""

    async def run() -> list[list[float]]:
        times: list[list[float]] = [[] for _ in targets]
        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            for place, content in enumerate((contents[0], *contents)):
                for target, found in zip(targets, times, strict=True):
                    took = await ask(client, target, content)
                    if place and took is not None:  # the first is not counted
                        found.append(took)
        return times

    return asyncio.run(run())


@contextmanager
def peer_server(model: str, *options: str) -> Iterator[BenchmarkServer]:
    """Run one of the peers."""
    with (
        free_port() as port,
        running_server(["-m", "benchmarks.peer_server", str(port), model, *options], port) as server,
    ):
        yield server


def show(held: Sequence[Held]) -> None:
    """Print every step."""
    table = Table("server", "loop", "offered", "answered/s", "p50 ms", "p95 ms", "failed", title="Load")
    for each in held:
        for loop, step in each.steps:
            figures = (step.offered, step.per_second, step.p50_ms, step.p95_ms, step.failed)
            table.add_row(each.name, loop, *map(str, figures))
    Console(width=100).print(table)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="four times as many queries")
    scale = 4.0 if parser.parse_args().full else 1.0
    prepare(None, print)
    home = HomeSettings.load()
    published = prepare_published(RecognizerSettings.load().model, home.models, print).directory
    recordings = Recordings()
    figures: dict[str, object] = {}
    with benchmark_server() as ours:
        held = [climb("ours", Target(f"{ours.url}/v1/search", "audio"), recordings, scale)]
        figures |= {"ready_s": round(ours.ready_s, 2), "rss_mb": round(ours.resident_mb())}
        spoken = [decode(content, AudioLimits()).samples for content in recordings.around(2.5, STREAMS)]
        streamed = run(ours, [clip for clip in spoken if speech_end(clip)], "streams", paced=True)
        figures["stream_final_p50_ms"] = median_of(streamed, lambda each: each.final_ms)
    for name, options in (("faster-whisper", ()), ("faster-whisper, batched", ("--batched",))):
        with peer_server(published, *options) as peer:
            held.append(climb(name, Target(f"{peer.url}/transcribe", "file"), recordings, scale))
    with benchmark_server() as ours, peer_server(published) as peer:
        targets = [Target(f"{ours.url}/v1/search", "audio"), Target(f"{peer.url}/transcribe", "file")]
        lone, theirs = lone_times(targets, recordings.around(3.0, 30))
        of_length = {seconds: recordings.around(seconds, 10) for seconds in SECONDS}
        of_length |= {seconds: recordings.joined(seconds, 10) for seconds in JOINED_SECONDS}
        by_length = {
            str(seconds): round(statistics.median(lone_times(targets[:1], contents)[0]), 1)
            for seconds, contents in of_length.items()
        }
    show(held)
    best = max(each.per_second for each in held[1:])
    figures |= {
        "qps": held[0].per_second,
        "peer_qps": best,
        "qps_ratio": round(held[0].per_second / best, 1),
        "lone_p50_ms": round(statistics.median(lone), 1),
        "peer_lone_p50_ms": round(statistics.median(theirs), 1),
        "lone_p50_ratio": round(statistics.median(lone) / statistics.median(theirs), 3),
        "p50_ms_by_seconds": by_length,
        "held": {
            each.name: {"limit_ms": each.limit_ms, "closed": asdict(each.closed), "open": asdict(each.open)}
            for each in held
        },
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
