"""What has happened in a training run: its steps, and how good it was found."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Step:
    """A step done: the mean loss over its clips, the share of tokens it would have chosen wrongly, the rate."""

    step: int
    loss: float
    wrong: float
    rate: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """The word error rate of the development part at a step."""

    step: int
    dev: float


@dataclass(slots=True)
class History:
    """What has happened in a run; `stopped` says why it ended early."""

    steps: list[Step] = field(default_factory=list)
    judgements: list[Judgement] = field(default_factory=list)
    stopped: str = ""

    @property
    def best(self) -> Judgement:
        """The judgement with the fewest errors, the first of equals."""
        return min(self.judgements, key=lambda judgement: judgement.dev)

    @property
    def stale(self) -> int:
        """Judgements since the best."""
        return len(self.judgements) - 1 - self.judgements.index(self.best)
