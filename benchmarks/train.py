"""How many clips a second training hears: `asr train` at the clips' own length, next to the usual recipe at 30 s.

Both tune all weights of tiny.en with all its tokens on the same clips, one epoch, batches of up to eight, in the
precision that `asr train` chooses. The usual recipe is transformers' `Seq2SeqTrainer` with `WhisperFeatureExtractor`,
which pads every clip to 30 s. Effects and replay are off on both sides; what is timed is reading clips, features,
forward, backward and optimiser.

    OMP_NUM_THREADS=1 python -m benchmarks.train [MANIFEST] [--clips 40] [--rounds 1]

Without a manifest the recordings of `examples/` are used, over and over. The last line is JSON.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.checkpoint import to_transformers
from asr.features import CONTEXT_SAMPLES
from asr.script import Script
from asr.training.batches import Epoch
from asr.training.examples import Example, read_test
from asr.training.history import Judgement
from asr.training.judge import Judge
from asr.training.options import Method, TrainingOptions
from asr.training.run import TrainingRun, Watch
from asr.training.tuning import precision
from asr.weights import prepare_published, prepare_release
from data.records import Release
from data.settings import HomeSettings

if TYPE_CHECKING:
    import torch

EXAMPLES = Path(__file__).parent.parent / "examples"
BATCH = 8


def main() -> None:
    """Time both in turn."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("manifest", nargs="?", type=Path, help="spoken queries with transcripts")
    parser.add_argument("--clips", type=int, default=40, help="clips of an epoch")
    parser.add_argument("--rounds", type=int, default=1, help="epochs of each, in turn")
    chosen = parser.parse_args()

    shipped = (EXAMPLES / "films" / "queries" / "manifest.jsonl", EXAMPLES / "speech" / "manifest.jsonl")
    manifests = [chosen.manifest] if chosen.manifest else shipped
    found = [example for manifest in manifests for example in read_test(manifest) if example.text]
    clips = [replace(found[n % len(found)], id=f"clip-{n}") for n in range(chosen.clips)]
    models = HomeSettings.load().models
    release, published = prepare_release("tiny.en-short", models, print), prepare_published("tiny.en", models, print)
    rates: dict[str, list[float]] = {"ours": [], "usual": []}
    for _ in range(chosen.rounds):
        for name, seconds in (("ours", ours(release, clips)), ("usual", usual(published, clips))):
            rates[name].append(len(clips) / seconds)
            print(f"{name}: {rates[name][-1]:.2f} clips a second", flush=True)
    ours_rate, usual_rate = (statistics.median(rates[name]) for name in ("ours", "usual"))
    figures = {
        "clips": len(clips),
        "mean_seconds": round(statistics.mean(clip.seconds for clip in clips), 2),
        "samples_per_second": round(ours_rate, 3),
        "samples_per_second_usual": round(usual_rate, 3),
        "samples_per_second_ratio": round(ours_rate / usual_rate, 2),
    }
    print(json.dumps(figures))


def ours(release: Release, clips: Sequence[Example]) -> float:
    """Train one epoch as `asr train` does.

    Args:
        release: The start.
        clips: To train on.

    Returns:
        Seconds from the first batch to the last step.
    """
    from accelerate import Accelerator

    moments: list[float] = []

    def judged(judgement: Judgement) -> None:
        if judgement.step == 0:
            moments.append(time.perf_counter())

    options = TrainingOptions(
        method=Method.FULL, epochs=1.0, max_clips=BATCH, batch_seconds=1e9, augmented=0.0, masked=0.0,
        evaluations=1, save_every=10**9,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)
        epoch = Epoch(clips, (), release, options, print)
        watch = Watch(lambda step, total: moments.append(time.perf_counter()), judged, print)
        run = TrainingRun(release, epoch, options, out, Accelerator(mixed_precision=precision()), watch)
        run.train(Judge(release, clips[:1], (), out / "judged", print))
    return moments[-1] - moments[0]


def usual(release: Release, clips: Sequence[Example]) -> float:
    """Train one epoch with transformers' trainer, every clip padded to 30 s.

    Args:
        release: The published weights.
        clips: To train on.

    Returns:
        Seconds that the trainer took.
    """
    from transformers import Seq2SeqTrainer, Seq2SeqTrainingArguments, WhisperFeatureExtractor

    model = to_transformers(Path(release.directory))
    script = Script(release)
    model.config.decoder_start_token_id, model.config.pad_token_id = script.prompt[0], script.end
    extract = WhisperFeatureExtractor(feature_size=model.config.num_mel_bins)  # type: ignore[no-untyped-call]  # theirs

    def collate(batch: Sequence[Example]) -> "dict[str, torch.Tensor]":
        import torch
        from torch.nn.utils.rnn import pad_sequence

        audio = [clip.samples()[:CONTEXT_SAMPLES] for clip in batch]
        features = extract(audio, sampling_rate=16_000, return_tensors="pt").input_features
        labels = [torch.tensor([*script.prompt[1:], *script.ids(clip.text), script.end]) for clip in batch]
        return {"input_features": features, "labels": pad_sequence(labels, batch_first=True, padding_value=-100)}

    with tempfile.TemporaryDirectory() as scratch:
        arguments = Seq2SeqTrainingArguments(
            output_dir=scratch,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH,
            learning_rate=3e-5,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
            remove_unused_columns=False,
            use_cpu=model.device.type == "cpu",
            bf16=precision() == "bf16",
            fp16=precision() == "fp16",
        )
        trainer: Any = Seq2SeqTrainer(model=model, args=arguments, train_dataset=list(clips), data_collator=collate)
        return float(trainer.train().metrics["train_runtime"])


if __name__ == "__main__":
    main()
