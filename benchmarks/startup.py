"""Time from starting the server to readiness, and the memory that it then has.

    python -m benchmarks.startup [--runs N]

The disk is warm (one start is not counted). The targets are 3 s and 500 MB. Next to it: faster-whisper loading the same
weights and hearing one second, in a process of its own. Then every recogniser is killed; the time to the next answer
has to be under 2 s. The last line is JSON.
"""

import argparse
import json
import os
import signal
import statistics
import time
from pathlib import Path
from subprocess import PIPE, Popen
from sys import executable

from asr.settings import RecognizerSettings
from asr.weights import prepare_published
from benchmarks.latency import ask
from benchmarks.server import benchmark_server
from data.settings import HomeSettings
from serve.preparation import prepare

QUERY = Path(__file__).parent.parent / "examples" / "films" / "queries" / "jurassic-park.flac"

PEER = """
import resource, sys, numpy
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8")
list(model.transcribe(numpy.zeros(16000, numpy.float32))[0])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def start_ours() -> tuple[float, float, float]:
    """Start the server; gives seconds to readiness, megabytes then, and seconds from the loss of all recognisers."""
    with benchmark_server() as server:
        resident_mb = server.resident_mb()
        recording = QUERY.read_bytes()
        for pid in server.named("recogniser"):
            os.kill(pid, signal.SIGKILL)
        begun = time.perf_counter()
        time.sleep(0.05)  # until they are dead
        ask(server.url, recording)  # waits in the queue until one is back
        return server.ready_s, resident_mb, time.perf_counter() - begun


def start_peer(model: str) -> tuple[float, float]:
    """Load faster-whisper and hear a second; gives seconds and peak resident megabytes."""
    begun = time.perf_counter()
    peer = Popen([executable, "-c", PEER, model], stdout=PIPE, text=True)
    output, _ = peer.communicate()
    return time.perf_counter() - begun, float(output)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5)
    runs = parser.parse_args().runs
    prepare(None, print)
    published = prepare_published(RecognizerSettings.load().model, HomeSettings.load().models, print).directory
    start_ours(), start_peer(published)
    ours = [start_ours() for _ in range(runs)]
    peer = [start_peer(published) for _ in range(runs)]
    figures = {
        "ready_s": round(statistics.median(seconds for seconds, *_ in ours), 2),
        "rss_mb": round(max(megabytes for _, megabytes, _ in ours)),
        "recognisers_back_s": round(max(back for *_, back in ours), 2),
        "peer_ready_s": round(statistics.median(seconds for seconds, _ in peer), 2),
        "peer_rss_mb": round(max(megabytes for _, megabytes in peer)),
    }
    print(f"median of {runs} starts: ready after {figures['ready_s']} s with {figures['rss_mb']} MB; ", end="")
    print(f"faster-whisper alone: {figures['peer_ready_s']} s, {figures['peer_rss_mb']} MB")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
