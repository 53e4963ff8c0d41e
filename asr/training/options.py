"""How a model is tuned; imports nothing heavy, so that help comes at once."""

from dataclasses import dataclass
from enum import StrEnum


class Method(StrEnum):
    """What of the model is trained."""

    FULL = "full"
    DECODER = "decoder"
    LORA = "lora"


PEAK_RATES = {Method.FULL: 3e-5, Method.DECODER: 5e-5, Method.LORA: 1e-3}
"""The learning rate after the warm-up, where none is given."""


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How training goes.

    It ends after `epochs`, or after `steps` where those are given; `rank` is that of the factors of `lora`. A batch has
    at most `max_clips` clips and `batch_seconds` of audio. `replayed` is the share of general speech in an epoch,
    `augmented` that of the clips to which an effect of `data.effects` happens, `masked` that of the clips with bands
    and moments masked; all in [0, 1]. The learning rate rises over the share `warm_up` of the steps, then falls
    along half a cosine. The development part is heard `evaluations` times, evenly spread; after `patience` of them
    without fewer word errors training stops. `max_regression` is the most by which the word error rate of general
    speech may rise. `save_every` is in steps.
    """

    method: Method = Method.LORA
    rank: int = 32
    learning_rate: float | None = None
    epochs: float = 3.0
    steps: int | None = None
    batch_seconds: float = 48.0
    max_clips: int = 16
    warm_up: float = 0.1
    replayed: float = 0.2
    augmented: float = 0.3
    masked: float = 0.5
    evaluations: int = 5
    patience: int = 2
    max_regression: float = 0.005
    save_every: int = 50
    seed: int = 0

    @property
    def peak_rate(self) -> float:
        """The learning rate after the warm-up."""
        return self.learning_rate or PEAK_RATES[self.method]
