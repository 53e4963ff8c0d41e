"""Distillation at short context: a checkpoint learns to hear clips at their own length as it does padded to 30 s.

The student is the checkpoint at a clip's length and a random tail; the teacher is the same checkpoint at 30 s. No
transcripts are needed. Source of the idea: "audio context fine-tuning", futo-org/whisper-acft.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from asr.adapter import AdapterCard, merge, write_adapter
from asr.distillation_run import DistillationOptions, DistillationRun
from asr.recognizer import Recognizer
from asr.rejection import is_loop
from asr.release import write_release
from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.student import changes
from asr.teacher import Lesson
from data.errors import TrainingError
from data.records import Release

ADAPTER_FILE = "adapter.safetensors"
LOG_FILE = "log.jsonl"

LIKELY = 0.5
"""Probability of no speech from which a text does not count."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where training is: `done` is the share of the work in [0, 1], `loss` that of the last step."""

    step: int
    done: float
    loss: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How a student does on held-out clips, in int8 as it is served.

    `disagreement` is the word error rate against what the teacher heard at 30 s, not against what was said; `wer_short`
    and `wer_full` are against transcripts, None where the clips have none. `loops` counts texts that repeat, `invented`
    texts where nobody speaks and the model does not say so.
    """

    step: int
    clips: int
    disagreement: float
    wer_short: float | None
    wer_full: float | None
    loops: int
    invented: int


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told what: each step, each evaluation."""

    step: Callable[[Progress], None]
    evaluation: Callable[[Evaluation], None]


def distil(
    base: Release,
    lessons: Sequence[Lesson],
    held_out: Sequence[Lesson],
    options: DistillationOptions,
    out: Path,
    watch: Watch,
) -> Release:
    """Train a checkpoint for short context, or go on where an interrupted run left off.

    Args:
        base: The checkpoint; its lessons must be its own.
        lessons: To train on.
        held_out: To test with.
        options: How.
        out: Folder of the run: checkpoint, log, adapter, merged model.
        watch: Who is told.

    Returns:
        The merged release, in `out/model`; the adapter is `out/adapter.safetensors`.

    Raises:
        TrainingError: Nothing to train on, the folder holds another run, the loss is no number, or the disk is full.
    """
    if not lessons or not held_out:
        raise TrainingError(f"{len(lessons)} clips to train on and {len(held_out)} held out; name more speech")
    run = DistillationRun(base, lessons, options, out)
    run.resume()
    saved, release = run.step, None
    for batch in run.batches():
        if run.done() >= 1.0:
            break
        loss = run.learn(batch)
        watch.step(Progress(run.step, run.done(), loss, run.seconds))
        if run.step % options.save_every == 0:
            run.save()
            saved = run.step
        due = run.step % options.evaluate_every == 0
        release = _evaluate(run, base, held_out, watch) if due else None
    if saved != run.step:
        run.save()
    return release or _evaluate(run, base, held_out, watch)


def evaluate(release: Release, held_out: Sequence[Lesson], step: int) -> Evaluation:
    """Test a release on held-out clips at their own length.

    Args:
        release: The merged model.
        held_out: Clips with what the teacher heard in them.
        step: At which training is.

    Returns:
        The figures.
    """
    recognizer = Recognizer(release, RecognizerSettings.load())
    heard = [recognizer.decode(lesson.samples) for lesson in held_out]
    texts = [hypotheses[0].text if hypotheses else "" for hypotheses, _ in heard]
    spoken = [(lesson, text) for lesson, text in zip(held_out, texts, strict=True) if lesson.hidden is not None]
    known = [(lesson, text) for lesson, text in spoken if lesson.reference]
    references = [lesson.reference for lesson, _ in known]
    return Evaluation(
        step=step,
        clips=len(held_out),
        disagreement=round(score([lesson.text for lesson, _ in spoken], [text for _, text in spoken]).wer, 4),
        wer_short=round(score(references, [text for _, text in known]).wer, 4) if known else None,
        wer_full=round(score(references, [lesson.text for lesson, _ in known]).wer, 4) if known else None,
        loops=sum(map(is_loop, texts)),
        invented=sum(
            bool(hypotheses) and no_speech_prob < LIKELY
            for lesson, (hypotheses, no_speech_prob) in zip(held_out, heard, strict=True)
            if lesson.hidden is None
        ),
    )


def _evaluate(run: DistillationRun, base: Release, held_out: Sequence[Lesson], watch: Watch) -> Release:
    """Write the adapter, merge it and test what would be served."""
    out = run.out
    card = AdapterCard(f"{base.name}-short", base.sha256, lineage=run.lineage())
    arrays = changes(run.model, run.start)
    release = merge(base, card, arrays, out / "model")
    found = evaluate(release, held_out, run.step)
    figures = {key: float(value) for key, value in asdict(found).items() if value is not None}
    release = replace(release, evaluation=figures)
    write_release(release, out / "model")
    write_adapter(out / ADAPTER_FILE, replace(card, merged_sha256=release.sha256, evaluation=figures), arrays)
    with (out / LOG_FILE).open("a", encoding="utf-8") as log:
        log.write(json.dumps(asdict(found)) + "\n")
    watch.evaluation(found)
    return release
