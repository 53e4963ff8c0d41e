"""How long each stage of one query took."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True)
class Stopwatch:
    """Times one query from its arrival, in milliseconds; what was timed stays when a stage fails."""

    timings_ms: dict[str, float] = field(default_factory=dict)
    arrived: float = field(default_factory=time.perf_counter)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block under a name."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings_ms[name] = self._since(start)

    def finished(self) -> Mapping[str, float]:
        """Give the times of all stages, and in `total` the time since the query arrived."""
        return {**self.timings_ms, "total": self._since(self.arrived)}

    @staticmethod
    def _since(start: float) -> float:
        return round(1000.0 * (time.perf_counter() - start), 3)
