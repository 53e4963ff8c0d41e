"""The picture of a run: loss and learning rate by step, word errors of the development part."""

from pathlib import Path

import numpy as np

from asr.training.history import History
from data.files import atomic_path

SMOOTHED = 15
"""Most steps over which the loss is averaged for the line."""


def draw_curves(history: History, path: Path) -> None:
    """Draw the curves of a run.

    Args:
        history: Of the run.
        path: A `.png` file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.0, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps = [step.step for step in history.steps]
    losses = np.array([step.loss for step in history.steps])
    if steps:
        left.plot(steps, losses, color="0.8", linewidth=0.8, label="each step")
        width = max(min(SMOOTHED, len(losses) // 4), 1)
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        left.plot(steps[width - 1 :], smooth, color="C0", label=f"mean of {width} steps")
        rates = left.twinx()
        rates.plot(steps, [step.rate for step in history.steps], color="C1", linestyle=":", label="learning rate")
        rates.set_ylabel("learning rate")
        rates.set_ylim(bottom=0.0)
        handles = [*left.get_lines(), *rates.get_lines()]
        rates.legend(handles=handles, loc="upper right")
    left.set_xlabel("step")
    left.set_ylabel("cross-entropy (nats per token)")
    judged = [judgement.step for judgement in history.judgements]
    right.plot(judged, [100.0 * judgement.dev for judgement in history.judgements], marker="o", color="C0")
    if history.judgements:
        best = history.best
        right.annotate(f"{100.0 * best.dev:.1f}%", (best.step, 100.0 * best.dev), (6, -14), textcoords="offset points")
    right.set_xlabel("step")
    right.set_ylabel("word error rate, development part (%)")
    right.set_ylim(bottom=0.0)
    with atomic_path(path) as partial:
        FigureCanvasAgg(figure).print_png(str(partial))  # type: ignore[no-untyped-call]  # theirs
