"""One training run on accelerate: steps, checkpoints, judgements; a killed run goes on as it was."""

import json
import math
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from asr.adapter import AdapterCard, write_adapter
from asr.checkpoint import to_transformers
from asr.script import Script
from asr.student import changes, trained_parameters
from asr.training.batches import Epoch, TrainingBatch
from asr.training.history import History, Judgement, Step
from asr.training.judge import Judge
from asr.training.objective import choose_trained, objective_of, steps_to_learn_by_heart
from asr.training.options import TrainingOptions
from data.errors import TrainingError
from data.files import atomic_writer
from data.records import Release

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import WhisperForConditionalGeneration

CHECKPOINT = "checkpoint-"
STATE_FILE = "state.json"
TUNED_FILE = "tuned.safetensors"

HEART_CLIPS, HEART_STEPS = 4, 120
"""Clips that are learnt by heart before the first epoch, and steps after which that has failed."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Who is told what: each step and of how many, each judgement, a line."""

    step: Callable[[Step, int], None]
    judgement: Callable[[Judgement], None]
    say: Callable[[str], None]


class TrainingRun:
    """Model, optimiser, schedule and history of a run, in its folder."""

    def __init__(
        self, base: Release, epoch: Epoch, options: TrainingOptions, out: Path, accelerator: "Accelerator", watch: Watch
    ) -> None:
        import torch
        from torch.utils.data import DataLoader
        from transformers import get_cosine_schedule_with_warmup

        self.history = History()
        self._base = base
        self._out = out
        self._options = options
        self._watch = watch
        self._accelerator = accelerator
        self._epoch = epoch
        self._unwritten = Script(base).unwritten
        torch.manual_seed(options.seed)
        self._model = to_transformers(Path(base.directory))
        choose_trained(self._model, options.method, options.rank)
        self._trained = trained_parameters(self._model)
        self._start = {name: value.detach().clone().cpu() for name, value in self._trained.items()}
        self.total = steps_of(options, len(epoch), accelerator.num_processes)
        optimizer = torch.optim.AdamW(self._trained.values(), lr=options.peak_rate, weight_decay=0.0)
        self._schedule = get_cosine_schedule_with_warmup(optimizer, math.ceil(options.warm_up * self.total), self.total)
        loader: DataLoader[TrainingBatch] = DataLoader(
            epoch,  # type: ignore[arg-type]  # it has both methods of a data set, without loading torch to inherit them
            batch_size=1,
            collate_fn=_only,
        )
        self._objective, self._optimizer, self._loader = accelerator.prepare(
            objective_of(self._model, self._unwritten, self._before(accelerator.device)), optimizer, loader
        )
        accelerator.register_for_checkpointing(self._schedule)
        accelerator.register_save_state_pre_hook(self._keep_trained)

    def train(self, judge: Judge) -> History:
        """Train to the end, or until the development part gets no better.

        Args:
            judge: Hears the development part.

        Returns:
            What happened; the best weights are in `tuned.safetensors`.

        Raises:
            TrainingError: The model cannot learn, the loss is no number, or the disk is full.
        """
        self._resume()
        if not self.history.judgements:
            self._learn_by_heart()
            self._judge(judge, {})
        due = {
            math.ceil(self.total * part / self._options.evaluations) for part in range(1, self._options.evaluations + 1)
        }
        for batch in self._batches():
            if len(self.history.steps) >= self.total or self.history.stopped:
                break
            self._learn(batch)
            step = len(self.history.steps)
            if step in due:
                self._judge(judge, self.arrays())
            if step in due or step % self._options.save_every == 0:
                self._save()
        return self.history

    def arrays(self) -> dict[str, Any]:
        """Give what training changed, as an adapter's arrays."""
        return changes(self._model, self._start)

    def _before(self, device: "torch.device") -> "WhisperForConditionalGeneration":
        """Give the model as it is before training."""
        before = to_transformers(Path(self._base.directory)).requires_grad_(False)
        before.to(device)  # type: ignore[arg-type]  # transformers' decorator hides what it takes
        return before

    def _learn(self, batch: TrainingBatch) -> None:
        import torch

        rate = self._schedule.get_last_lr()[0]
        loss, wrong = self._objective(*batch)
        shown = self._accelerator.gather(loss.detach()[None]).mean().item()
        step = len(self.history.steps) + 1
        if not math.isfinite(shown):
            raise TrainingError(
                f"step {step}: the loss is {shown}; lower the learning rate; {self._out} keeps the last checkpoint"
            )
        self._accelerator.backward(loss)
        self._accelerator.clip_grad_norm_(self._trained.values(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)
        taught = int(torch.count_nonzero(batch.wanted >= 0))
        done = Step(step, round(shown, 5), round(int(wrong) / max(taught, 1), 4), rate)
        self.history.steps.append(done)
        self._watch.step(done, self.total)

    def _learn_by_heart(self) -> None:
        """Refuse to begin where not even four clips can be learnt."""
        batch = self._epoch.by_heart(HEART_CLIPS)
        steps, wrong = steps_to_learn_by_heart(
            self._model, self._unwritten, batch, self._options.peak_rate, HEART_STEPS
        )
        if wrong:
            raise TrainingError(
                f"{len(batch.tokens)} clips cannot be learnt by heart: after {steps} steps {wrong} tokens are still "
                "wrong; look for one recording with two texts, or change the learning rate"
            )
        self._watch.say(f"{len(batch.tokens)} clips learnt by heart in {steps} steps: training can begin")

    def _judge(self, judge: Judge, arrays: dict[str, Any]) -> None:
        """Hear the development part in the main process, and tell the others."""
        from accelerate.utils import broadcast_object_list

        found = [judge.dev_wer(arrays) if self._accelerator.is_main_process else 0.0]
        broadcast_object_list(found)
        judgement = Judgement(len(self.history.steps), found[0])
        self.history.judgements.append(judgement)
        if self._accelerator.is_main_process and arrays and self.history.best is judgement:
            card = AdapterCard("tuned", self._base.sha256, context=self._base.context)
            write_adapter(self._out / TUNED_FILE, card, arrays)
        if self.history.stale >= self._options.patience and judgement.step < self.total:
            self.history.stopped = f"no fewer word errors since step {self.history.best.step}"
        self._accelerator.log({"dev_wer": judgement.dev}, step=judgement.step)
        self._watch.judgement(judgement)

    def _batches(self) -> Iterator[TrainingBatch]:
        """Yield this process's batches for ever, epoch by epoch, from the step on at which the run is."""
        from accelerate import skip_first_batches

        done, number = len(self.history.steps), 0
        while True:
            self._epoch.number = number
            here = len(self._loader)
            if done < here:
                yield from skip_first_batches(self._loader, done) if done else self._loader
            done, number = max(done - here, 0), number + 1

    def _save(self) -> None:
        """Save the run, whole or not at all."""
        step = len(self.history.steps)
        partial, final = self._out / f".{CHECKPOINT}{step}", self._out / f"{CHECKPOINT}{step}"
        try:
            shutil.rmtree(partial, ignore_errors=True)
            self._accelerator.wait_for_everyone()
            self._accelerator.save_state(str(partial))
            self._accelerator.wait_for_everyone()
            if self._accelerator.is_main_process:
                with atomic_writer(partial / STATE_FILE) as file:
                    json.dump(asdict(self.history), file)
                shutil.rmtree(final, ignore_errors=True)
                partial.rename(final)
        except (OSError, RuntimeError, _safetensor_error()) as error:
            shutil.rmtree(partial, ignore_errors=True)
            raise TrainingError(
                f"{final} cannot be written ({error}); free some space and start again: the checkpoint before is kept"
            ) from error
        if self._accelerator.is_main_process:
            for other in self._out.glob(f"*{CHECKPOINT}*"):
                if other != final:
                    shutil.rmtree(other, ignore_errors=True)
        self._accelerator.wait_for_everyone()

    def _resume(self) -> None:
        """Go on from the last checkpoint in the run's folder, if there is one."""
        found = sorted(self._out.glob(f"{CHECKPOINT}*"), key=lambda path: int(path.name.removeprefix(CHECKPOINT)))
        if not found:
            return
        path = found[-1]
        try:
            state = json.loads((path / STATE_FILE).read_text(encoding="utf-8"))
            self._accelerator.load_state(str(path), strict=False)
            self.history = History(
                [Step(**each) for each in state["steps"]],
                [Judgement(**each) for each in state["judgements"]],
                state["stopped"],
            )
        except (
            OSError,
            RuntimeError,
            ValueError,
            LookupError,
            TypeError,
            EOFError,
            UnpicklingError,
            _safetensor_error(),
        ) as error:
            raise TrainingError(f"{path}: cannot be read ({error}); remove it to start anew") from error
        self._watch.say(f"going on from step {len(self.history.steps)}")

    def _keep_trained(self, models: list[Any], weights: list[dict[str, Any]], folder: str) -> None:
        """Leave out of a checkpoint what training does not change."""
        kept = {f"whisper.{name}" for name in self._trained}
        for state in weights:
            for name in [name for name in state if name.removeprefix("module.") not in kept]:
                del state[name]


def steps_of(options: TrainingOptions, batches: int, processes: int) -> int:
    """Give the number of steps of a run.

    Args:
        options: Of the run.
        batches: In its first epoch.
        processes: Among which they are shared.

    Returns:
        At least 1.
    """
    return options.steps or max(math.ceil(options.epochs * batches / processes), 1)


def _only(batches: list[TrainingBatch]) -> TrainingBatch:
    return batches[0]


def _safetensor_error() -> type[Exception]:
    from safetensors import SafetensorError

    return SafetensorError
