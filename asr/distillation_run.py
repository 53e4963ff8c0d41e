"""One run of distillation at short context: steps and checkpoints; a killed run goes on as it was."""

import json
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import numpy as np

from asr.adapter import difference, read_adapter
from asr.checkpoint import to_transformers
from asr.crops import Batch, plan_batches
from asr.recognizer import choose_device
from asr.student import loss_of, make_student, trained_parameters
from asr.teacher import Lesson
from data.errors import TrainingError
from data.files import atomic_path, atomic_writer
from data.records import SAMPLE_RATE, Release

if TYPE_CHECKING:
    import torch

CHECKPOINT_FILE = "checkpoint.pt"

WARM_UP_STEPS = 30

MAX_TAIL = round(1.5 * SAMPLE_RATE)
"""Most samples after a clip's end in training."""


@dataclass(frozen=True, slots=True)
class DistillationOptions:
    """How long and how training goes; it ends when `steps` or `minutes` are reached, whichever is first.

    `rank` 0 trains whole matrices; `learning_rate` None takes 7e-5 for those and 7e-4 for factors. `begin` is an
    adapter of the same base to go on from, for whole matrices only. `batch_seconds` is the most audio in a batch,
    `evaluate_every` and `save_every` are in steps.
    """

    steps: int | None = None
    minutes: float | None = 30.0
    rank: int = 0
    begin: Path | None = None
    learning_rate: float | None = None
    batch_seconds: float = 24.0
    max_clips: int = 8
    evaluate_every: int = 100
    save_every: int = 25
    seed: int = 0

    @property
    def peak_rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.learning_rate or (7e-4 if self.rank else 7e-5)


def rate_factor(step: int, done: float) -> float:
    """Give the learning rate as a share of its peak: a linear warm-up, then half a cosine to zero.

    Args:
        step: Steps done.
        done: Share of the work done, in [0, 1].

    Returns:
        In [0, 1]. Source: I. Loshchilov and F. Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2017.
    """
    return min((step + 1) / WARM_UP_STEPS, 1.0) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


class DistillationRun:
    """The state of a run: model, optimiser, step and time; saved whole, so that a killed run goes on as it was."""

    def __init__(self, base: Release, lessons: Sequence[Lesson], options: DistillationOptions, out: Path) -> None:
        import torch

        self.out = out
        self.step = 0
        self.seconds = 0.0
        self._lessons = lessons
        self._options = options
        self._device = torch.device(choose_device("auto"))
        torch.manual_seed(options.seed)
        self.model = to_transformers(Path(base.directory))
        self.model.to(self._device)  # type: ignore[arg-type]  # transformers' decorator hides the method's signature
        make_student(self.model, options.rank)
        self._trained = trained_parameters(self.model)
        self.start = {name: value.detach().clone() for name, value in self._trained.items()}
        began = self._begin(base)
        self._optimizer = torch.optim.AdamW(self._trained.values(), lr=options.peak_rate, weight_decay=0.0)
        self._precision = self._half_precision()
        self._scaler = torch.amp.GradScaler(self._device.type, enabled=self._precision is torch.float16)
        self._identity = {**asdict(options), "begin": began, "base": base.sha256, "clips": len(lessons)}
        del self._identity["steps"], self._identity["minutes"]  # a run may be given more time

    def done(self) -> float:
        """Give the share of the work that is done, in [0, 1]."""
        shares = [0.0]
        if self._options.steps is not None:
            shares.append(self.step / max(self._options.steps, 1))
        if self._options.minutes is not None:
            shares.append(self.seconds / max(60.0 * self._options.minutes, 1e-9))
        return min(max(shares), 1.0)

    def batches(self) -> Iterator[Batch]:
        """Yield batches for ever, epoch by epoch, from the step on at which the run is."""
        lengths = [len(lesson.samples) for lesson in self._lessons]
        before, epoch = self.step, 0
        while True:
            chance = np.random.default_rng([self._options.seed, epoch])
            planned = plan_batches(lengths, self._options.batch_seconds, self._options.max_clips, MAX_TAIL, chance)
            yield from planned[before:]
            before, epoch = max(before - len(planned), 0), epoch + 1

    def learn(self, batch: Batch) -> float:
        """Do one step.

        Args:
            batch: Which lessons, and the length in samples that each is filled to.

        Returns:
            The loss.

        Raises:
            TrainingError: The loss is no number; the last checkpoint is kept.
        """
        import torch

        started = time.monotonic()
        for group in self._optimizer.param_groups:
            group["lr"] = self._options.peak_rate * rate_factor(self.step, self.done())
        chance = np.random.default_rng([self._options.seed, 1, self.step])
        members = [self._lessons[member] for member in batch.members]
        with torch.autocast(self._device.type, self._precision, enabled=self._precision is not None):
            loss = loss_of(self.model, members, batch.n_samples, chance)
        if not torch.isfinite(loss):
            raise TrainingError(
                f"step {self.step + 1}: the loss is {loss.item()}; lower the learning rate; {self.out} keeps the last "
                "checkpoint"
            )
        torch.autograd.backward(self._scaler.scale(loss))
        self._scaler.unscale_(self._optimizer)
        torch.nn.utils.clip_grad_norm_(list(self._trained.values()), 1.0)
        self._scaler.step(self._optimizer)
        self._scaler.update()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self.seconds += time.monotonic() - started
        return float(loss.item())

    def save(self) -> None:
        """Save the run, whole or not at all.

        Raises:
            TrainingError: The disk does not take it; the checkpoint before is kept.
        """
        import torch

        state = {
            "identity": self._identity,
            "step": self.step,
            "seconds": self.seconds,
            "trained": dict(self._trained),
            "optimizer": self._optimizer.state_dict(),
            "scaler": self._scaler.state_dict(),
        }
        try:
            with atomic_path(self.out / CHECKPOINT_FILE) as partial:
                torch.save(state, partial)
        except (OSError, RuntimeError) as error:
            raise TrainingError(
                f"{self.out / CHECKPOINT_FILE} cannot be written ({error}); free some space and start again: the "
                "checkpoint before is kept"
            ) from error

    def resume(self) -> None:
        """Go on from the checkpoint in the run's folder, if there is one.

        Raises:
            TrainingError: It is of another run or cannot be read.
        """
        import torch

        path = self.out / CHECKPOINT_FILE
        if not path.is_file():
            with atomic_writer(self.out / "parameters.json") as file:
                json.dump(self._identity, file, indent=2)
            return
        try:
            state = torch.load(path, map_location=self._device, weights_only=True)
        except (OSError, RuntimeError, ValueError, LookupError, EOFError, UnpicklingError) as error:
            raise TrainingError(f"{path}: cannot be read ({error}); remove it to start anew") from error
        differing = sorted(key for key, value in self._identity.items() if state["identity"].get(key) != value)
        if differing:
            raise TrainingError(f"{self.out} holds a run with another {', '.join(differing)}; choose another folder")
        with torch.no_grad():
            for name, parameter in self._trained.items():
                parameter.copy_(state["trained"][name])
        self._optimizer.load_state_dict(state["optimizer"])
        self._scaler.load_state_dict(state["scaler"])
        self.step, self.seconds = state["step"], state["seconds"]

    def _begin(self, base: Release) -> str:
        """Start from an earlier adapter, if that is wanted; gives the SHA-256 of what it makes, or nothing."""
        import torch

        if self._options.begin is None:
            return ""
        card, arrays = read_adapter(self._options.begin)
        if self._options.rank or card.base_sha256 != base.sha256:
            raise TrainingError(
                f"{self._options.begin}: only an adapter of {base.name} itself can be gone on from, with --rank 0"
            )
        changed = {name.rsplit(".", 1)[0] for name in arrays}
        with torch.no_grad():
            for name in changed & self._trained.keys():
                self._trained[name].add_(torch.from_numpy(difference(name, arrays)).to(self._trained[name]))
        return card.merged_sha256

    def lineage(self) -> dict[str, str]:
        """Say what was trained, and how."""
        kept = ("rank", "begin", "batch_seconds", "max_clips", "seed", "clips")
        return {
            "method": "short-context distillation",
            "learning_rate": f"{self._options.peak_rate:g}",
            "steps": str(self.step),
            **{key: str(self._identity[key]) for key in kept},
        }

    def _half_precision(self) -> "torch.dtype | None":
        """Choose the precision of the device: a processor computes in float32."""
        import torch

        if self._device.type != "cuda":
            return None
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
