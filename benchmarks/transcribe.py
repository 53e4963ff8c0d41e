"""Clips transcribed per second in bulk, next to faster-whisper's batched pipeline with the same published weights.

    python -m benchmarks.transcribe [--full]

Clips are Asterisk prompts under 5 s, stored as WAV files. Ours is `asr transcribe` as the command runs it: processes
started, models loaded, decoding, conditioning, recognition, manifest, lock. The peer is `BatchedInferencePipeline` as
faster-whisper's README shows it, a call for each file, int8, all cores, its model loaded before the clock starts.
The target is three times as many clips a second. The last line is JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.transcription import transcribe_all
from asr.weights import prepare_published, prepare_release
from benchmarks.conditioning import prompts
from data.records import SAMPLE_RATE
from data.settings import HomeSettings
from data.workers import core_count

MAX_SECONDS = 5.0


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="all prompts under 5 s instead of 200")
    most = 10_000 if parser.parse_args().full else 200
    clips = [clip for clip in prompts(10_000) if len(clip[0]) < MAX_SECONDS * SAMPLE_RATE]
    clips = [clips[int(place)] for place in np.linspace(0, len(clips) - 1, min(most, len(clips)))]
    texts = [text for _, text in clips]
    models, model = HomeSettings.load().models, RecognizerSettings.load().model
    release, published = prepare_release(model, models, print), prepare_published(model, models, print)
    with tempfile.TemporaryDirectory() as scratch:
        paths = []
        for number, (samples, _) in enumerate(clips):
            paths.append(Path(scratch, f"{number:04d}.wav"))
            soundfile.write(paths[-1], samples, SAMPLE_RATE)
        begun = time.perf_counter()
        batch = transcribe_all(Path(scratch), Path(scratch, "heard.jsonl"), None, lambda done, total: None)
        ours = len(clips) / (time.perf_counter() - begun)
        peer, peer_texts = timed_peer(published.directory, paths)
    found = {
        "clips_per_s": round(ours, 2),
        "peer_clips_per_s": round(peer, 2),
        "throughput_ratio": round(ours / peer, 2),
        "wer": round(score(texts, [utterance.pred_text or "" for utterance in batch.utterances]).wer, 4),
        "peer_wer": round(score(texts, peer_texts).wer, 4),
        "clips": len(clips),
        "cores": core_count(),
        "release": release.name,
    }
    print(json.dumps(found))


def timed_peer(directory: str, paths: Sequence[Path]) -> tuple[float, list[str]]:
    """Transcribe with faster-whisper; gives clips a second and the texts."""
    from faster_whisper import BatchedInferencePipeline, WhisperModel

    pipeline = BatchedInferencePipeline(WhisperModel(directory, device="auto", compute_type="int8"))
    begun = time.perf_counter()
    texts = []
    for path in paths:
        segments, _ = pipeline.transcribe(str(path), language="en", batch_size=16)
        texts.append(" ".join(segment.text for segment in segments))
    return len(paths) / (time.perf_counter() - begun), texts


if __name__ == "__main__":
    main()
