"""Whether the service's memory stays flat while it answers thousands of queries, good and bad.

    python -m benchmarks.soak [--full]

Two clients send spoken queries of all lengths; every tenth query is typed, every twentieth is a recording that is
refused, and some callers hang up. Memory is that of all processes, shared pages counted once, taken every hundredth
query. The curve is drawn to `soak.png` in the current folder. 2,000 queries, with --full 20,000. The last line is JSON.
"""

import argparse
import asyncio
import json
import statistics
import time
from contextlib import suppress
from pathlib import Path

import httpx2
from rich.console import Console
from rich.progress import Progress

from benchmarks.server import BenchmarkServer, benchmark_server
from benchmarks.traffic import Recordings
from serve.preparation import prepare

CLIENTS = 2
EVERY = 100
HANGS_UP_AFTER_S = 0.03


async def soak(server: BenchmarkServer, recordings: Recordings, queries: int) -> list[tuple[int, float]]:
    """Send the queries; gives the memory in megabytes after so many of them."""
    contents = recordings.draw(500, 0)
    curve = [(0, server.resident_mb())]
    numbers = iter(range(1, queries + 1))
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("queries", total=queries)

        async def one(client: httpx2.AsyncClient) -> None:
            for number in numbers:
                await send(client, server.url, contents[number % len(contents)], number)
                bar.update(task, completed=number)
                if number % EVERY == 0:
                    curve.append((number, server.resident_mb()))

        async with httpx2.AsyncClient(timeout=60, trust_env=False) as client:
            await asyncio.gather(*(one(client) for _ in range(CLIENTS)))
    return curve


async def send(client: httpx2.AsyncClient, url: str, content: bytes, number: int) -> None:
    """Send one query; what kind depends on its number."""
    if number % 10 == 1:
        answer = await client.get(f"{url}/v1/search", params={"q": "films by ridley scott"})
    elif number % 50 == 2:
        with suppress(httpx2.TimeoutException):
            await client.post(f"{url}/v1/search", files={"audio": content}, timeout=HANGS_UP_AFTER_S)
        return
    else:
        broken = number % 20 == 3
        answer = await client.post(f"{url}/v1/search", files={"audio": content[::-1] if broken else content})
        if broken:
            assert answer.status_code in (415, 422), answer.text
            return
    assert answer.status_code == 200, answer.text


def draw(curve: list[tuple[int, float]], path: Path) -> None:
    """Draw the memory over the queries."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 3.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(*zip(*curve, strict=True), color="#3457d5")
    axes.set(xlabel="queries", ylabel="resident memory (MB)", ylim=(0, 1.15 * max(memory for _, memory in curve)))
    axes.grid(visible=True, alpha=0.3)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="20,000 queries instead of 2,000")
    parser.add_argument("--plot", type=Path, default=Path("soak.png"))
    chosen = parser.parse_args()
    queries = 20_000 if chosen.full else 2_000
    prepare(None, print)
    begun = time.perf_counter()
    with benchmark_server() as server:
        curve = asyncio.run(soak(server, Recordings(), queries))
    draw(curve, chosen.plot)
    settled = [(number, memory) for number, memory in curve if number >= queries // 2]
    slope = statistics.linear_regression(*zip(*settled, strict=True)).slope
    figures = {
        "queries": queries,
        "seconds": round(time.perf_counter() - begun),
        "start_mb": round(curve[0][1], 1),
        "half_way_mb": round(settled[0][1], 1),
        "end_mb": round(curve[-1][1], 1),
        "most_mb": round(max(memory for _, memory in curve), 1),
        "mb_per_1000_queries_second_half": round(1000 * slope, 2),
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
