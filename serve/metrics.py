"""Figures of the running service in Prometheus' text format."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from data.records import EventKind

LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)
"""Upper bounds in seconds; fine around the charter's 200 ms."""


class ServiceMetrics:
    """Counters and histograms of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._stages = Histogram(
            "voicesearch_stage_seconds",
            "Time of each stage of a query",
            ["kind", "stage"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )
        self._requests = Counter(
            "voicesearch_requests_total", "Requests by route and status", ["route", "status"], registry=self.registry
        )
        self._nulls = Counter(
            "voicesearch_null_transcripts_total", "Recordings without text", ["kind", "reason"], registry=self.registry
        )
        self._restarts = Counter(
            "voicesearch_recogniser_restarts_total", "Recogniser processes that were lost", registry=self.registry
        )
        self._dropped = Counter("voicesearch_events_dropped_total", "Events that were lost", registry=self.registry)
        self._waiting = Gauge("voicesearch_events_waiting", "Events that wait for the database", registry=self.registry)

        self._streams = Gauge("voicesearch_streams_open", "Streams that are open", registry=self.registry)
        self._stream_times = Histogram(
            "voicesearch_stream_seconds",
            "Time from the last speech to the end of an utterance, from there to the answer, and of both",
            ["reason", "step"],
            buckets=LATENCY_BUCKETS,
            registry=self.registry,
        )

    def count_streams(self, change: int) -> None:
        """Count a stream that was opened (1) or closed (-1)."""
        self._streams.inc(change)

    def observe_stream(self, reason: str, silent_s: float, final_s: float) -> None:
        """Count the times of an utterance in seconds.

        Args:
            reason: What ended it.
            silent_s: From the arrival of its last speech to its end.
            final_s: From its end to its answer.
        """
        for step, seconds in {"endpoint": silent_s, "final": final_s, "speech_to_final": silent_s + final_s}.items():
            self._stream_times.labels(reason, step).observe(seconds)

    def observe_stages(self, kind: EventKind, timings_ms: Mapping[str, float]) -> None:
        """Count the times of one query's stages, given in milliseconds."""
        for stage, milliseconds in timings_ms.items():
            self._stages.labels(kind, stage).observe(milliseconds / 1000.0)

    def count_request(self, route: str, status: int) -> None:
        """Count a request by its route template and status."""
        self._requests.labels(route, str(status)).inc()

    def count_null(self, kind: EventKind, reason: str) -> None:
        """Count a transcript without text."""
        self._nulls.labels(kind, reason).inc()

    def count_restart(self) -> None:
        """Count a recogniser's process that hung or died."""
        self._restarts.inc()

    def count_dropped_events(self, number: int = 1) -> None:
        """Count events that could not be kept."""
        self._dropped.inc(number)

    def show_waiting_events(self, number: int) -> None:
        """Show how many events wait for the database."""
        self._waiting.set(number)

    def text(self) -> bytes:
        """Give all figures in Prometheus' text format."""
        return generate_latest(self.registry)
