"""From checked manifests to a tuned model, its adapter and its record: what `voicesearch asr train` does."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from asr.recognizer import choose_device
from asr.settings import RecognizerSettings
from asr.training.batches import Epoch
from asr.training.examples import Example, Material, read_material
from asr.training.history import Judgement, Step
from asr.training.judge import Judge
from asr.training.options import TrainingOptions
from asr.training.outcome import conclude
from asr.training.record import Outcome, begin_record, finished_outcome, identity_of, write_curves
from asr.training.replay import Replay, read_replay
from asr.training.run import TrainingRun, Watch
from asr.training.writing import writing_of
from asr.weights import prepare_published, prepare_release
from data.errors import InvalidRequestError
from data.files import sha256_of
from data.records import Release
from data.settings import HomeSettings
from labeling.rulebook import convention_for

SCRATCH = ".judged"

LONGEST_WAIT = timedelta(days=1)
"""For the first of several processes, which alone hears clips; torch would lose patience after half an hour."""


@dataclass(frozen=True, slots=True)
class Sources:
    """What a run learns from: manifests with `split`, general speech, and who transcribes that.

    `teacher` is a packaged model or a folder, by default the published weights of the model in use; `convention` is a
    YAML file, by default the shipped one; with `anyway` manifests that passed another convention, or none, are taken.
    `names` is a catalogue, whose names are taught as it writes them.
    """

    manifests: tuple[Path, ...]
    replay: tuple[Path, ...] = ()
    teacher: str | None = None
    convention: Path | None = None
    anyway: bool = False
    names: Path | None = None


def run_training(sources: Sources, options: TrainingOptions, out: Path, tracker: str | None = None) -> Outcome:
    """Tune the model in use to a domain, or go on where an interrupted run left off, and show how it goes.

    Args:
        sources: What is learnt from.
        options: How.
        out: Folder of the run; docs/training.md says what it holds in the end.
        tracker: Name of a tracker that accelerate knows, for example `tensorboard`.

    Returns:
        How it ended.

    Raises:
        VoiceSearchError: The labels, the speech, the model or the run's folder cannot be used.
    """
    import torch
    from accelerate import Accelerator, InitProcessGroupKwargs

    if (found := finished_outcome(out)) is not None:
        return found
    started = time.monotonic()
    _require_tracker(tracker)
    accelerator = Accelerator(
        cpu=not torch.cuda.is_available(),  # else processes without a GPU would not know of each other
        mixed_precision=precision(),
        log_with=tracker,
        project_dir=str(out),
        kwargs_handlers=[InitProcessGroupKwargs(timeout=LONGEST_WAIT)],
    )
    console = Console(stderr=True, quiet=not accelerator.is_main_process)
    say = console.print
    base = prepare_release(RecognizerSettings.load().model, HomeSettings.load().models, say)
    convention = convention_for(sources.convention, None).identifier
    material = read_material(sources.manifests, convention, anyway=sources.anyway).written(writing_of(sources.names))
    if material.left_out:
        say(f"{material.left_out} clips left out: longer than 30 s, or with words that nobody made out")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console) as bar:
        with accelerator.main_process_first():
            replay = _replay(sources, base, bar)
        identity = _identity(sources, options, base, material, replay, accelerator.num_processes)
        if accelerator.is_main_process:
            begin_record(out, identity)
        accelerator.wait_for_everyone()
        if tracker:
            accelerator.init_trackers("voicesearch", {key: str(value) for key, value in identity.items()})
        warn = say if accelerator.is_main_process else Console(stderr=True).print  # each process reads other clips
        epoch = Epoch(material.train, replay.train, base, options, warn)
        run = TrainingRun(base, epoch, options, out, accelerator, _watch(bar))
        judge = Judge(base, material.dev, replay.held_out, out / SCRATCH, say)
        history = run.train(judge)
        if accelerator.is_main_process:
            write_curves(out, history)
            conclude(base, history, judge, identity, out, time.monotonic() - started)
        accelerator.wait_for_everyone()
        for each in accelerator.trackers:
            each.finish()
    done = finished_outcome(out)
    assert done is not None  # noqa: S101  it has just been written
    return done


def leave_processes() -> None:
    """Leave the group of processes that torchrun started, if this is one of several; nothing is trained after that."""
    from torch import distributed

    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()


def _require_tracker(tracker: str | None) -> None:
    """Refuse a tracker that accelerate would pass over in silence."""
    from accelerate.tracking import get_available_trackers

    available = [each.value for each in get_available_trackers()]
    if tracker is not None and tracker not in available:
        raise InvalidRequestError(
            f"--tracker {tracker}: not installed, or not known to accelerate; here are {', '.join(available) or 'none'}"
        )


def _replay(sources: Sources, base: Release, bar: Bar) -> Replay:
    if not sources.replay:
        return Replay()
    home = HomeSettings.load()
    model = sources.teacher or RecognizerSettings.load().model
    teacher = prepare_published(model, home.models, bar.console.print)
    task = bar.add_task("general speech", total=None, note="")
    return read_replay(
        sources.replay,
        base,
        teacher,
        home.home / "teacher",
        bar.console.print,
        lambda total: bar.update(task, total=total, advance=1),
    )


def _identity(
    sources: Sources, options: TrainingOptions, base: Release, material: Material, replay: Replay, processes: int
) -> dict[str, Any]:
    """Say everything that decides where a run ends."""
    return identity_of(
        options,
        model=base.name,
        base_sha256=base.sha256,
        context=base.context,
        precision=precision(),
        processes=processes,
        manifests=[asdict(manifest) for manifest in material.manifests],
        clips=len(material.train),
        dev_clips=len(material.dev),
        names=sha256_of(sources.names) if sources.names else None,
        teacher=sources.teacher,
        replay_clips=len(replay.train),
        replay_sha256=_digest((*replay.train, *replay.held_out)),
    )


def _digest(examples: Sequence[Example]) -> str:
    told = "\n".join(f"{example.id} {example.text}" for example in examples)
    return hashlib.sha256(told.encode()).hexdigest()


def precision() -> str:
    """Choose the precision of the device: a processor computes in bfloat16 where it has instructions for that."""
    import torch

    if choose_device("auto") == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    able = torch.cpu.get_capabilities()
    return "bf16" if able.get("avx512_bf16") or able.get("amx_bf16") else "no"


def _watch(bar: Bar) -> Watch:
    task = bar.add_task("training", total=None, note="")

    def step(done: Step, total: int) -> None:
        bar.update(task, completed=done.step, total=total, note=f"loss {done.loss:.3f}")

    def judgement(found: Judgement) -> None:
        bar.console.print(f"step {found.step}: {100.0 * found.dev:.1f}% word errors on the development part")

    return Watch(step, judgement, bar.console.print)
