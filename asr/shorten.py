"""From a folder of speech to a model that hears clips at their own length: what `voicesearch asr shorten` does."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from asr.crops import Crop, Recording, find_recordings, plan_crops
from asr.distillation import Evaluation, Progress, Watch, distil
from asr.distillation_run import DistillationOptions
from asr.settings import RecognizerSettings
from asr.teacher import Lesson, Teacher
from asr.weights import prepare_published
from data.errors import TrainingError
from data.records import SAMPLE_RATE, Release
from data.settings import HomeSettings

SHORT, SHORT_SHARE = 3 * SAMPLE_RATE, 0.7
"""Length in samples up to which a clip is short, and the share of short clips: they are learnt last, and cost least."""

MAX_HELD_OUT = 120
"""Most held-out clips; each evaluation hears them all."""


def run_shorten(speech: Sequence[Path], out: Path, options: DistillationOptions, most: int) -> Release:
    """Teach the model in use to hear clips at their own length, and show how it goes.

    Args:
        speech: Folders or manifests.
        out: Folder of the run.
        options: Of the training.
        most: Most clips to train on.

    Returns:
        The trained release.

    Raises:
        VoiceSearchError: The speech, the model or the run's folder cannot be used.
    """
    home = HomeSettings.load()
    console = Console(stderr=True)
    base = prepare_published(RecognizerSettings.load().model, home.models, console.print)
    if base.context != "padded":
        raise TrainingError(f"{base.directory} hears clips at their own length already; start from padded weights")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console) as bar:
        reading = bar.add_task("recordings", total=None, note="")
        recordings = find_recordings(speech, console.print)
        bar.update(reading, total=len(recordings), completed=len(recordings))
        teacher = Teacher(base, home.home / "teacher")
        train, test = chosen_crops(recordings, most, options.seed)
        lessons = _taught(teacher, train, bar, "teacher")
        held_out = _taught(teacher, test, bar, "held-out clips")
        training = bar.add_task("training", total=options.steps, note="")
        return distil(base, lessons, held_out, options, out, _watch(bar, training, console.print))


def chosen_crops(recordings: Sequence[Recording], most: int, seed: int) -> tuple[list[Crop], list[Crop]]:
    """Choose the clips to train on and those to test with.

    Args:
        recordings: All speech.
        most: Most clips to train on.
        seed: Same seed, same clips.

    Returns:
        Both lists; no recording is in both.
    """
    chosen = []
    for held_out, limit in ((False, most), (True, MAX_HELD_OUT)):
        crops = plan_crops([each for each in recordings if each.held_out is held_out], seed + held_out)
        order = [crops[place] for place in np.random.default_rng(seed + 5).permutation(len(crops))]
        short = [crop for crop in order if crop.n_samples <= SHORT][: round(SHORT_SHARE * limit)]
        long = [crop for crop in order if crop.n_samples > SHORT][: limit - len(short)]
        chosen.append(short + long)
    return chosen[0], chosen[1]


def _taught(teacher: Teacher, crops: Sequence[Crop], bar: Bar, name: str) -> list[Lesson]:
    task = bar.add_task(name, total=len(crops), note="")

    def advance(problem: str | None) -> None:
        bar.advance(task)
        if problem:
            bar.console.print(problem)

    return teacher.lessons(crops, advance)


def _watch(bar: Bar, task: TaskID, say: Callable[[str], None]) -> Watch:
    def step(progress: Progress) -> None:
        total = progress.step / progress.done if progress.done else None
        bar.update(task, completed=progress.step, total=total, note=f"loss {progress.loss:.3f}")

    def evaluation(found: Evaluation) -> None:
        known = ""
        if found.wer_short is not None and found.wer_full is not None:
            known = f", WER {100 * found.wer_short:.1f}% (full context {100 * found.wer_full:.1f}%)"
        say(
            f"step {found.step}: disagreement with full context {100 * found.disagreement:.1f}%{known}, "
            f"{found.loops} loops, {found.invented} texts without speech, on {found.clips} held-out clips"
        )

    return Watch(step, evaluation)
