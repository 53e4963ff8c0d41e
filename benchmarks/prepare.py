"""Hours of audio prepared per hour and core, next to the same work written with librosa.

    python -m benchmarks.prepare [--full]

Recordings are 48 kHz WAV files of 1 to 5 s, made from the shipped clips with silence around them, each different. Ours
is `data.preparation.prepare` as the command runs it, start of the processes included: decode, refuse, loudness, true
peak, voice detector, trim, FLAC, manifest, lock. The peer is librosa as its users write it: load and resample,
pyloudnorm, `effects.trim`, FLAC, in one process. The target is 150. The last line is JSON.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from data.clips import read_clip
from data.corpora.layout import read_corpus
from data.manifest import clip_path, read_manifest
from data.preparation import PreparationLimits, prepare
from data.records import SAMPLE_RATE, Samples
from data.workers import core_count

EXAMPLES = Path(__file__).parent.parent / "examples"
MANIFESTS = (EXAMPLES / "speech" / "manifest.jsonl", EXAMPLES / "films" / "queries" / "manifest.jsonl")
SOURCE_RATE = 48_000


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="Ten times as many recordings.")
    count = 12_000 if parser.parse_args().full else 1_200
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        seconds = write_recordings(source, count)
        print(f"{count} recordings, {seconds / 3600:.2f} h")
        cores = core_count()
        ours = seconds / (timed_ours(source, Path(scratch, "ours"), cores) * cores)
        peer = seconds / timed_librosa(source, Path(scratch, "peer"))
    print(f"ours    {ours:6.0f} hours per hour and core, on {cores} cores")
    print(f"librosa {peer:6.0f} hours per hour and core")
    print(
        json.dumps({"hours_per_core_hour": round(ours, 1), "peer_hours_per_core_hour": round(peer, 1), "cores": cores})
    )


def write_recordings(folder: Path, count: int) -> float:
    """Write recordings with their table; gives their seconds in all."""
    folder.mkdir()
    random = np.random.default_rng(0)
    clips = list(speech())
    total = 0
    rows = ["file,text"]
    for number in range(count):
        silence = random.integers(SOURCE_RATE // 10, SOURCE_RATE, 2)
        gain = np.float32(10.0 ** (random.uniform(-30, 0) / 20))
        samples = np.pad(clips[number % len(clips)] * gain, (silence[0], silence[1]))
        samples += random.normal(0.0, 1e-4, len(samples)).astype(np.float32)
        samples = samples[: 5 * SOURCE_RATE]
        soundfile.write(folder / f"{number}.wav", samples, SOURCE_RATE, subtype="PCM_16")
        rows.append(f"{number}.wav,text")
        total += len(samples)
    (folder / "transcripts.csv").write_text("\n".join(rows))
    return total / SOURCE_RATE


def speech() -> Iterator[Samples]:
    """Give the shipped clips at 48 kHz."""
    for manifest in MANIFESTS:
        for utterance in read_manifest(manifest):
            yield resample_poly(read_clip(clip_path(manifest, utterance)), SOURCE_RATE // SAMPLE_RATE, 1)


def timed_ours(source: Path, out: Path, processes: int) -> float:
    """Prepare the recordings; gives seconds."""
    corpus = read_corpus(source)
    begun = time.perf_counter()
    batch = prepare(corpus, out, limits=PreparationLimits(), processes=processes, progress=lambda done, total: None)
    seconds = time.perf_counter() - begun
    assert len(batch.utterances) == len(corpus.recordings), batch.rejections[:1]
    return seconds


def timed_librosa(source: Path, out: Path) -> float:
    """Do the same with librosa and pyloudnorm; gives seconds."""
    import librosa
    import pyloudnorm

    out.mkdir()
    meter = pyloudnorm.Meter(SAMPLE_RATE)
    librosa.effects.trim(librosa.load(next(source.glob("*.wav")), sr=SAMPLE_RATE)[0])  # lazy imports, compilation
    begun = time.perf_counter()
    lines = []
    for path in sorted(source.glob("*.wav")):
        samples, _ = librosa.load(path, sr=SAMPLE_RATE)
        gain_db = min(-23.0 - meter.integrated_loudness(samples), 30.0)
        gained = samples * 10.0 ** (gain_db / 20.0)
        trimmed, _ = librosa.effects.trim(gained, top_db=40)
        soundfile.write(out / f"{path.stem}.flac", trimmed, SAMPLE_RATE, subtype="PCM_16")
        lines.append(json.dumps({"audio_filepath": f"{path.stem}.flac", "duration": len(trimmed) / SAMPLE_RATE}))
    (out / "manifest.jsonl").write_text("\n".join(lines))
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
