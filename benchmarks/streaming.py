"""Time from the end of what is said to the answer, when it is streamed; next to the same recordings uploaded.

    python -m benchmarks.streaming [--full] [--fast] [--speech MANIFEST ...]

Prompts of Asterisk are sent to the real server at the pace of speech, in messages of 40 ms, once with the server
finding the end and then with the client saying so 150 and 300 ms after the last speech, as people let go of a button.
`--fast` sends them as fast as the server takes them. Then what partial transcripts cost, whether streaming and upload
agree, and how many real clips are cut off at a pause: prompts, shipped queries and what `--speech` names. The last line
is JSON.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from websockets.sync.client import connect

from benchmarks.endpoints import clips_of, cut_off_shares, speech_end
from benchmarks.latency import ask, prompts
from benchmarks.server import BenchmarkServer, benchmark_server
from data.audio import AudioLimits, decode
from data.clips import to_pcm
from data.records import SAMPLE_RATE, Samples
from data.settings import HomeSettings
from serve.preparation import prepare
from serve.utterance import Span, wav_of

MESSAGE = 640
"""Samples of one message: 40 ms."""

LEAD_S, TAIL_S = 0.3, 1.2
"""Seconds of silence around each clip."""

LET_GO_MS = (150, 300)
"""From the last speech until the client says that the utterance is over; the page waits 150 ms for the last sound."""

TRAILING_MS = 500
"""The default trailing silence."""

QUERIES = Path(__file__).parent.parent / "examples" / "films" / "queries" / "manifest.jsonl"


@dataclass(frozen=True, slots=True)
class Streamed:
    """What came of one clip: the final message, and times in ms.

    `final_ms` is from the endpoint's message, or from sending `end`, to the answer; `voice_ms` from sending the last
    speech to the answer; `partials` is how many came.
    """

    final: dict[str, Any]
    final_ms: float
    voice_ms: float
    partials: int


def stream(url: str, pcm: bytes, voice_end: int, let_go_ms: int | None, *, paced: bool) -> Streamed:
    """Stream one clip as a client would.

    Args:
        url: Of the server.
        pcm: 16-bit samples at 16 kHz.
        voice_end: The sample after the last speech.
        let_go_ms: From the last speech until `end` is sent; None where the server finds the end.
        paced: Whether to send at the pace of speech.

    Returns:
        What came of it.
    """
    let_go = len(pcm) if let_go_ms is None else voice_end + let_go_ms * SAMPLE_RATE // 1000
    with connect(url.replace("http", "ws") + "/v1/stream") as socket:
        socket.send(json.dumps({"type": "start", "endpoint": let_go_ms is None}))
        json.loads(socket.recv())
        begun = time.perf_counter()
        voice_at = decided_at = begun
        partials = 0
        place, ended = 0, False
        while True:
            due = begun + (place + MESSAGE) / SAMPLE_RATE if paced else 0.0
            try:
                message = json.loads(socket.recv(timeout=max(due - time.perf_counter(), 0.0) if not ended else 30.0))
            except TimeoutError:
                part = pcm[2 * place : 2 * (place + MESSAGE)]
                socket.send(part)
                if place < voice_end:
                    voice_at = time.perf_counter()
                place += MESSAGE
                ended = 2 * place >= len(pcm) or place >= let_go
                if ended and let_go_ms is not None:
                    socket.send('{"type": "end"}')
                    decided_at = time.perf_counter()
                continue
            partials += message["type"] == "partial"
            if message["type"] == "endpoint":
                decided_at = time.perf_counter()
                ended = True
            if message["type"] in ("final", "error"):
                now = time.perf_counter()
                return Streamed(message, 1000 * (now - decided_at), 1000 * (now - voice_at), partials)


def processor_s(server: BenchmarkServer) -> float:
    """Give the processor time that the server and all below it have used, in seconds."""
    ticks = 0
    for pid in server.pids():
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def agreement(server: BenchmarkServer, clips: Sequence[Samples], streamed: Sequence[Streamed]) -> tuple[float, float]:
    """Give the share of utterances whose samples give the same answer uploaded, and that of whole clips' same text."""
    same_span, same_clip = [], []
    for clip, each in zip(clips, streamed, strict=True):
        pcm = to_pcm(padded(clip)).tobytes()
        span = Span(round(each.final["start"] * SAMPLE_RATE), round(each.final["end"] * SAMPLE_RATE))
        text = each.final["transcript"]["text"]
        same_span.append(ask(server.url, wav_of(pcm[2 * span.start : 2 * span.end]))[2] == text)
        same_clip.append(ask(server.url, wav_of(pcm))[2] == text)
    return statistics.mean(same_span), statistics.mean(same_clip)


def padded(clip: Samples) -> Samples:
    """Put silence around a clip."""
    return np.pad(clip, (round(LEAD_S * SAMPLE_RATE), round(TAIL_S * SAMPLE_RATE)))


def run(
    server: BenchmarkServer, clips: Sequence[Samples], name: str, let_go_ms: int | None = None, *, paced: bool
) -> list[Streamed]:
    """Stream clips one after the other."""
    streamed = []
    for number, clip in enumerate(clips, 1):
        samples = padded(clip)
        streamed.append(stream(server.url, to_pcm(samples).tobytes(), speech_end(samples), let_go_ms, paced=paced))
        print(f"\033[2K\r{name}: {number}/{len(clips)}", end="", flush=True)
    print("\033[2K\r", end="")
    return streamed


def median_of(streamed: Sequence[Streamed], figure: Callable[[Streamed], float]) -> float:
    """Give the median of a figure."""
    return round(statistics.median(map(figure, streamed)), 1)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="150 prompts instead of 24")
    parser.add_argument("--fast", action="store_true", help="send as fast as the server takes it")
    parser.add_argument("--speech", nargs="*", type=Path, default=[], help="manifests of clips to find the ends of")
    arguments = parser.parse_args()
    release = prepare(None, print)
    contents = [content for content, _ in prompts(HomeSettings.load().corpora / "asterisk")]
    decoded = [decode(content, AudioLimits()).samples for content in contents]
    most = 150 if arguments.full else 24
    clips = [clip for clip in decoded[:: len(decoded) // most] if speech_end(clip)][:most]
    paced = not arguments.fast
    with benchmark_server() as server:
        run(server, clips[:3], "warm-up", paced=False)
        before = processor_s(server)
        streamed = {"the server finds the end": run(server, clips, "the server finds the end", paced=paced)}
        with_partials_s = processor_s(server) - before
        for let_go_ms in LET_GO_MS:
            name = f"let go after {let_go_ms} ms"
            streamed[name] = run(server, clips, name, let_go_ms, paced=paced)
        found, early, late = streamed.values()
        same_span, same_clip = agreement(server, clips, found)
    with benchmark_server(VOICESEARCH_STREAM_PARTIAL_MS="5000") as server:
        run(server, clips[:3], "warm-up", paced=False)
        before = processor_s(server)
        run(server, clips, "without partials", paced=paced)
        without_s = processor_s(server) - before

    corpora = {"prompts": decoded, "queries": clips_of(QUERIES, 1000)}
    corpora |= {manifest.parent.name: clips_of(manifest, 400) for manifest in arguments.speech}
    shares = {name: cut_off_shares(samples) for name, samples in corpora.items()}

    seconds = sum(len(padded(clip)) for clip in clips) / SAMPLE_RATE
    print(f"{len(clips)} clips, release {release.name}, {os.cpu_count()} cores; medians in ms")
    print(f"{'':28}{'to the answer':>16}{'from last speech':>18}{'partials':>10}")
    for name, answered in streamed.items():
        final_ms = median_of(answered, lambda each: each.final_ms)
        voice_ms = median_of(answered, lambda each: each.voice_ms)
        count = statistics.mean(each.partials for each in answered)
        print(f"{name:28}{final_ms:16.1f}{voice_ms:18.1f}{count:10.1f}")
    print(f"the same answer uploaded: its samples {same_span:.1%}, the whole clip {same_clip:.1%}")
    with_s, alone_s = with_partials_s / seconds, without_s / seconds
    print(f"processor time of a second: {with_s:.3f} s, {alone_s:.3f} s without partials")
    print("cut off at a pause, by trailing silence in ms")
    for name, share in shares.items():
        by_silence = "  ".join(f"{silence} {value:.1%}" for silence, value in share.items())
        print(f"  {name:28}{len(corpora[name]):5}  {by_silence}")
    print(
        json.dumps(
            {
                "stream_final_p50_ms": median_of(found, lambda each: each.final_ms),
                "stream_end_final_p50_ms": median_of(late, lambda each: each.final_ms),
                "stream_early_end_final_p50_ms": median_of(early, lambda each: each.final_ms),
                "stream_voice_final_p50_ms": median_of(found, lambda each: each.voice_ms),
                "stream_final_p95_ms": round(float(np.percentile([each.final_ms for each in found], 95)), 1),
                "same_as_upload": round(same_span, 4),
                "same_as_whole_clip": round(same_clip, 4),
                "processor_s_per_s": round(with_s, 3),
                "processor_s_per_s_without_partials": round(alone_s, 3),
                "cut_off": {name: round(share[TRAILING_MS], 4) for name, share in shares.items()},
                "cut_off_clips": {name: len(samples) for name, samples in corpora.items()},
            }
        )
    )


if __name__ == "__main__":
    main()
