"""Recorded queries sent to a server: closed loop (clients that wait for answers) and open loop (clients that do not).

The lengths are those of voice queries: 60% up to 2 s, 35% from 2 to 5 s, 5% from 5 to 10 s.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from io import BytesIO

import httpx2
import numpy as np
import soundfile

from benchmarks.latency import prompts
from data.audio import AudioLimits, decode
from data.records import SAMPLE_RATE, Samples
from data.settings import HomeSettings

SHARES = ((0.60, 0.4, 2.0), (0.35, 2.0, 5.0), (0.05, 5.0, 10.0))
"""Share of the queries, and their least and most seconds."""

MOST_P95_MS = 500.0
"""What a load is held at: the 95th percentile of the time to the answer."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of one step: queries answered a second, percentiles in ms, and how many were refused or failed."""

    offered: float
    per_second: float
    p50_ms: float
    p95_ms: float
    failed: int

    def holds(self, most_p95_ms: float) -> bool:
        """Say whether everybody was answered, and soon enough."""
        return self.failed == 0 and self.p95_ms <= most_p95_ms


@dataclass(frozen=True, slots=True)
class Target:
    """A server to ask: the address and form field that take a recording."""

    url: str
    field: str


class Recordings:
    """WAV files by length, drawn as `SHARES` says; the same draws for every server."""

    def __init__(self) -> None:
        contents = prompts(HomeSettings.load().corpora / "asterisk", 10.0)
        seconds = [decode(content, AudioLimits()).seconds for content, _ in contents]
        self._clips = [
            [content for (content, _), length in zip(contents, seconds, strict=True) if least <= length < most]
            for _, least, most in SHARES
        ]
        self._lengths = [(content, length) for (content, _), length in zip(contents, seconds, strict=True)]

    def draw(self, count: int, seed: int) -> list[bytes]:
        """Draw queries."""
        chance = random.Random(seed)  # noqa: S311  a choice, not a secret
        shares = [share for share, *_ in SHARES]
        return [chance.choice(clips) for clips in chance.choices(self._clips, shares, k=count)]

    def around(self, seconds: float, count: int) -> list[bytes]:
        """Give the recordings whose lengths are nearest to a length."""
        nearest = sorted(self._lengths, key=lambda each: abs(each[1] - seconds))
        return [content for content, _ in nearest[:count]]

    def joined(self, seconds: float, count: int) -> list[bytes]:
        """Give recordings of just this length, longer than there are: several prompts one after the other."""
        chance = random.Random(0)  # noqa: S311  a choice, not a secret
        found = []
        for _ in range(count):
            parts: list[Samples] = []
            while sum(map(len, parts)) < seconds * SAMPLE_RATE:
                parts.append(decode(chance.choice(self._lengths)[0], AudioLimits()).samples)
            wav = BytesIO()
            soundfile.write(wav, np.concatenate(parts)[: int(seconds * SAMPLE_RATE)], SAMPLE_RATE, format="WAV")
            found.append(wav.getvalue())
        return found


async def ask(client: httpx2.AsyncClient, target: Target, content: bytes) -> float | None:
    """Send a recording; gives the milliseconds to the answer, None where there was none."""
    begun = time.perf_counter()
    try:
        answer = await client.post(target.url, files={target.field: ("query.wav", content)}, data={"model": "any"})
    except httpx2.HTTPError:
        return None
    return 1000.0 * (time.perf_counter() - begun) if answer.status_code == 200 else None


async def closed_loop(target: Target, contents: Sequence[bytes], clients: int) -> Load:
    """Have clients each send one query after the other."""
    queue = list(reversed(contents))

    async def one(client: httpx2.AsyncClient, times: list[float | None]) -> None:
        while queue:
            times.append(await ask(client, target, queue.pop()))

    return await _measured(clients, lambda client, times: [one(client, times) for _ in range(clients)])


async def open_loop(target: Target, contents: Sequence[bytes], per_second: float) -> Load:
    """Send queries at random times (Poisson), whether those before were answered or not."""
    gaps = np.random.default_rng(len(contents)).exponential(1.0 / per_second, len(contents))

    async def one(client: httpx2.AsyncClient, times: list[float | None], content: bytes, at: float) -> None:
        await asyncio.sleep(at)
        times.append(await ask(client, target, content))

    return await _measured(
        per_second,
        lambda client, times: [
            one(client, times, content, at) for content, at in zip(contents, np.cumsum(gaps), strict=True)
        ],
    )


async def _measured(
    offered: float, senders: Callable[[httpx2.AsyncClient, list[float | None]], Sequence[Awaitable[None]]]
) -> Load:
    times: list[float | None] = []
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(timeout=60, limits=limits, trust_env=False) as client:
        begun = time.perf_counter()
        await asyncio.gather(*senders(client, times))
        took = time.perf_counter() - begun
    answered = [each for each in times if each is not None] or [float("inf")]
    return Load(
        offered=round(offered, 2),
        per_second=round(sum(each is not None for each in times) / took, 2),
        p50_ms=round(float(np.percentile(answered, 50)), 1),
        p95_ms=round(float(np.percentile(answered, 95)), 1),
        failed=sum(each is None for each in times),
    )
