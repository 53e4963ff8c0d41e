"""Time from the last byte of audio to results, by stage, next to faster-whisper with the same weights.

    python -m benchmarks.latency [--full]

Ours is the real server, asked over loopback by one client. The peer is faster-whisper in this process as its README
shows it (beam 5, int8), followed by the same search. Both hear the same clips in turn, in one run. The clips are
Asterisk prompts of 0.4 to 8 s; WER is against their published texts, after Whisper's normaliser. The last line is JSON.
"""

import argparse
import json
import os
import time
import urllib.request
import uuid
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import numpy as np

from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.weights import prepare_published
from benchmarks.server import benchmark_server
from data.audio import AudioLimits, decode
from data.corpora.asterisk import fetch_asterisk, read_asterisk
from data.errors import AudioError
from data.records import SAMPLE_RATE
from data.settings import HomeSettings
from serve.index import SearchIndex
from serve.preparation import prepare

SILENT = "\033[2K\r"


@dataclass(slots=True)
class Times:
    """Milliseconds of each clip, and what was heard."""

    total: list[float] = field(default_factory=list)
    stages: dict[str, list[float]] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Give a percentile of the totals, in milliseconds."""
        return round(float(np.percentile(self.total, share)), 1)


def prompts(folder: Path, longest_s: float = 8.0) -> list[tuple[bytes, str]]:
    """Give the prompts of 0.4 s to a longest that have words, as WAV files, with their texts."""
    import soundfile

    corpus = read_asterisk(fetch_asterisk(folder))
    clips = []
    for recording in corpus.recordings:
        content = (folder / recording.path).read_bytes()
        try:
            decoded = decode(content, AudioLimits(max_seconds=longest_s), container=recording.container)
        except AudioError:
            continue
        if "non-speech" not in recording.tags and recording.text and decoded.seconds >= 0.4:
            wav = BytesIO()
            soundfile.write(wav, decoded.samples, SAMPLE_RATE, format="WAV")
            clips.append((wav.getvalue(), recording.text))
    return clips


def ask(url: str, content: bytes) -> tuple[float, dict[str, float], str]:
    """Send one recording to the server; gives client time, stage times (ms) and the text."""
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="a"\r\n\r\n'.encode()
    body = head + content + f"\r\n--{boundary}--\r\n".encode()
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    request = urllib.request.Request(f"{url}/v1/search", body, headers)
    start = time.perf_counter()
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    return 1000 * (time.perf_counter() - start), answer["timings_ms"], answer["transcript"]["text"]


def measure(url: str, clips: list[tuple[bytes, str]], model: str, index: SearchIndex) -> tuple[Times, Times]:
    """Ask both, in turn, about every clip."""
    from faster_whisper import WhisperModel

    peer_model = WhisperModel(model, device="cpu", compute_type="int8")
    ours, peer = Times(), Times()
    for content, _ in clips[:3]:
        ask(url, content)
        list(peer_model.transcribe(BytesIO(content), beam_size=5)[0])
    for number, (content, _) in enumerate(clips, 1):
        milliseconds, stages, text = ask(url, content)
        ours.total.append(milliseconds)
        ours.texts.append(text)
        for stage, value in stages.items():
            ours.stages.setdefault(stage, []).append(value)
        start = time.perf_counter()
        segments, _ = peer_model.transcribe(BytesIO(content), beam_size=5, language="en")
        heard = " ".join(segment.text.strip() for segment in segments)
        index.search(heard)
        peer.total.append(1000 * (time.perf_counter() - start))
        peer.texts.append(heard)
        print(f"{SILENT}{number}/{len(clips)}", end="", flush=True)
    print(SILENT, end="")
    return ours, peer


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="all prompts instead of 150")
    arguments = parser.parse_args()
    release = prepare(None, print)
    home = HomeSettings.load()
    clips = prompts(home.corpora / "asterisk")
    clips = clips if arguments.full else clips[:: len(clips) // 150][:150]
    with benchmark_server() as server:
        published = prepare_published(RecognizerSettings.load().model, home.models, print)
        ours, peer = measure(server.url, clips, published.directory, SearchIndex.open(home.indexes))
    references = [text for _, text in clips]
    print(f"{len(clips)} clips, release {release.name}, {os.cpu_count()} cores; milliseconds")
    print(f"{'':16}{'p50':>8}{'p95':>8}{'p99':>8}{'WER':>8}")
    for name, times in (("ours", ours), ("faster-whisper", peer)):
        rates = [times.percentile(share) for share in (50, 95, 99)]
        print(f"{name:16}" + "".join(f"{value:8.1f}" for value in rates) + f"{score(references, times.texts).wer:8.3f}")
    for stage, values in ours.stages.items():
        rates = [float(np.percentile(values, share)) for share in (50, 95, 99)]
        print(f"  {stage:14}" + "".join(f"{value:8.1f}" for value in rates))
    print(
        json.dumps(
            {
                "p50_ms": ours.percentile(50),
                "p95_ms": ours.percentile(95),
                "p99_ms": ours.percentile(99),
                "peer_p50_ms": peer.percentile(50),
                "peer_p95_ms": peer.percentile(95),
                "peer_p99_ms": peer.percentile(99),
                "wer": round(score(references, ours.texts).wer, 4),
                "peer_wer": round(score(references, peer.texts).wer, 4),
                "clips": len(clips),
                "release": release.name,
            }
        )
    )


if __name__ == "__main__":
    main()
