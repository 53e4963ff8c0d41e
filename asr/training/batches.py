"""The batches of an epoch: clips of like lengths, some with effects or masks, as arrays.

Everything that is drawn follows from the seed, the epoch and the batch, so that a run that goes on draws what it would
have drawn.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from asr.checkpoint import mel_bands
from asr.crops import Batch, plan_batches
from asr.features import CONTEXT_SAMPLES, MIN_OWN_SAMPLES, log_mel, padded_log_mel
from asr.script import Ids, Script
from asr.student import with_tail
from asr.training.examples import Example
from asr.training.options import TrainingOptions
from data.augmentation import AugmentOptions, apply_step, draw_recipe
from data.condition import condition
from data.errors import AudioError, TrainingError
from data.records import SAMPLE_RATE, Release, Samples

if TYPE_CHECKING:
    import torch

MAX_TAIL = round(0.5 * SAMPLE_RATE)
"""Most samples after a clip's end in training."""

TIME_MASKS, TIME_SHARE = 2, 0.1
MEL_MASKS, MEL_BANDS = 2, 12
"""How many stretches of time and of mel bands are masked, and how much each takes at most. Source: D. Park and others,
"SpecAugment", 2019."""

MAX_TOKENS = 448
"""What Whisper's decoder has positions for."""


class TrainingBatch(NamedTuple):
    """What the model sees; a tuple, so that accelerate moves it to the device.

    `features` has shape `(n_clips, n_mels, n_frames)`; `tokens`, which the decoder reads, and what is `wanted` after
    each, -1 where nothing is, have shape `(n_clips, n_tokens)`; `general`, of shape `(n_clips,)`, is true for general
    speech.
    """

    features: "torch.Tensor"
    tokens: "torch.Tensor"
    wanted: "torch.Tensor"
    general: "torch.Tensor"


class Epoch:
    """The batches of one epoch at a time, as a torch data set of whole batches; `number` chooses which epoch."""

    def __init__(
        self,
        domain: Sequence[Example],
        general: Sequence[Example],
        release: Release,
        options: TrainingOptions,
        report: Callable[[str], None],
    ) -> None:
        self.number = 0
        self._script = Script(release)
        self._unwritten = frozenset(self._script.unwritten)
        self._padded = release.context == "padded"
        self._options = options
        self._report = report
        self._broken: set[Path] = set()
        self._general = general
        self._domain = domain
        self._n_mels = mel_bands(Path(release.directory))
        self._general_ids = {example.id for example in general}
        self._labels = {example.id: self._label(example) for example in (*domain, *general)}
        self._plans = cache(self._planned)

    def __len__(self) -> int:
        return len(self._plans(self.number)[1])

    def __getitem__(self, place: int) -> TrainingBatch:
        """Make a batch; where none of its clips can be read, the next that can takes its place.

        Raises:
            TrainingError: No clip of the epoch can be read.
        """
        examples, batches = self._plans(self.number)
        chance = np.random.default_rng([self._options.seed, 1, self.number, place])
        for batch in (*batches[place:], *batches[:place]):
            members = [examples[member] for member in batch.members]
            if (made := self._made(members, batch.n_samples, chance, plain=False)) is not None:
                return made
        raise TrainingError("no clip of the epoch can be read any more; bring the clips back and start again")

    def by_heart(self, clips: int) -> TrainingBatch:
        """Give a batch of a few clips with words as they are, drawn by the seed."""
        spoken = [example for example in self._domain if example.text] or list(self._domain)
        drawn = np.random.default_rng([self._options.seed, 2]).permutation(len(spoken))[:clips]
        chosen = [spoken[place] for place in drawn]
        longest = max(round(example.seconds * SAMPLE_RATE) for example in chosen)
        chance = np.random.default_rng([self._options.seed, 3])
        made = self._made(chosen, max(longest, MIN_OWN_SAMPLES), chance, plain=True)
        if made is None:
            raise TrainingError(f"{chosen[0].path} and {len(chosen) - 1} more cannot be read; mend the manifest")
        return made

    def _made(
        self, examples: Sequence[Example], n_samples: int, chance: np.random.Generator, *, plain: bool
    ) -> TrainingBatch | None:
        """Fill clips to one length, `plain` without effects and masks; None where none can be read."""
        made = [
            (
                self._mel(samples, n_samples, chance, plain=plain),
                *self._labels[example.id],
                example.id in self._general_ids,
            )
            for example in examples
            if (samples := self._heard(example, chance, plain=plain)) is not None
        ]
        return _stacked(made) if made else None

    def _planned(self, number: int) -> tuple[list[Example], list[Batch]]:
        options = self._options
        chance = np.random.default_rng([options.seed, 0, number])
        examples = list(self._domain)
        if self._general and options.replayed:
            wanted = round(len(examples) * options.replayed / (1.0 - min(options.replayed, 0.9)))
            rounds = -(-wanted // len(self._general))
            drawn = np.concatenate([chance.permutation(len(self._general)) for _ in range(rounds)])[:wanted]
            examples += [self._general[place] for place in drawn]
        lengths = [round(example.seconds * SAMPLE_RATE) for example in examples]
        return examples, plan_batches(lengths, options.batch_seconds, options.max_clips, MAX_TAIL, chance)

    def _label(self, example: Example) -> tuple[Ids, Ids]:
        if not example.text:
            return self._script.silent()
        ids = self._script.ids(example.text)
        written = self._script.tokenizer.decode(ids).strip()
        if written != example.text:
            raise TrainingError(
                f"{example.id}: the model's vocabulary writes {written!r} for {example.text!r}; it is another model's "
                "vocabulary, or the text breaks the convention"
            )
        if len(ids) + len(self._script.prompt) >= MAX_TOKENS:
            raise TrainingError(f"{example.id}: a text of {len(ids)} tokens; the decoder has room for {MAX_TOKENS}")
        return self._script.spoken([token for token in ids if token not in self._unwritten])

    def _heard(self, example: Example, chance: np.random.Generator, *, plain: bool) -> Samples | None:
        changed = not plain and chance.random() < self._options.augmented
        copy = int(chance.integers(1 << 16))
        try:
            samples = example.samples()
        except (AudioError, OSError) as error:
            if example.path not in self._broken:
                self._report(f"{example.path}: left out ({error})")
            self._broken.add(example.path)
            return None
        if not changed:
            return samples
        for step in draw_recipe(example.id, copy, AugmentOptions(seed=self._options.seed)):
            samples = apply_step(samples, step, {})
        return condition(samples).samples[:CONTEXT_SAMPLES]

    def _mel(
        self, samples: Samples, n_samples: int, chance: np.random.Generator, *, plain: bool
    ) -> NDArray[np.float32]:
        tail = with_tail(samples, n_samples, chance)
        mel = padded_log_mel(samples, self._n_mels) if self._padded else log_mel(tail, self._n_mels)
        masked = chance.random() < self._options.masked
        return mel if plain or not masked else mask(mel, int(chance.integers(1 << 31)))


def mask(mel: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Mask stretches of time and bands of pitch with the mean.

    Args:
        mel: Shape `(n_mels, n_frames)`.
        seed: Same seed, same masks.

    Returns:
        A copy of the same shape.
    """
    import torch
    from torchaudio.transforms import SpecAugment

    augment = SpecAugment(
        TIME_MASKS, round(TIME_SHARE * mel.shape[1]), MEL_MASKS, MEL_BANDS, iid_masks=False, zero_masking=False
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        masked: NDArray[np.float32] = augment(torch.from_numpy(mel)[None])[0].numpy()
    return masked


def _stacked(made: Sequence[tuple[NDArray[np.float32], Ids, Ids, bool]]) -> TrainingBatch:
    import torch

    longest = max(len(tokens) for _, tokens, *_ in made)

    def filled(values: Ids, value: int) -> NDArray[np.int64]:
        return np.pad(values, (0, longest - len(values)), constant_values=value).astype(np.int64)

    return TrainingBatch(
        torch.from_numpy(np.stack([mel for mel, *_ in made])),
        torch.from_numpy(np.stack([filled(tokens, 0) for _, tokens, *_ in made])),
        torch.from_numpy(np.stack([filled(wanted, -1) for _, _, wanted, _ in made])),
        torch.tensor([general for *_, general in made]),
    )
