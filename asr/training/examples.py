"""What a model is tuned on: clips with checked transcripts, and general speech that it must not unlearn."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from asr.features import CONTEXT_SAMPLES
from asr.training.writing import Writing
from data.clips import read_clip
from data.condition import condition
from data.errors import ManifestError
from data.files import sha256_of
from data.manifest import clip_path, read_manifest
from data.records import SAMPLE_RATE, Samples, Utterance
from labeling.gate import require_convention

NOISE = "[noise]"
"""Tag of a sound; alone it is a clip without speech."""

CONDITIONED = "condition"
"""Name of the lineage step after which a clip is as serving would make it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A clip and what is said in it.

    `seconds` is its length; `text` is empty where nobody speaks; `raw` says that it must be conditioned first; `part`
    are the samples of the file that it is, all where there is none.
    """

    id: str
    path: Path
    seconds: float
    text: str
    raw: bool = True
    part: tuple[int, int] | None = None

    def samples(self) -> Samples:
        """Read the clip as serving would hear it.

        Returns:
            16 kHz mono, shape `(n_samples,)`, at most 30 s.

        Raises:
            AudioError: It is empty or cannot be decoded.
            OSError: It cannot be read.
        """
        samples = read_clip(self.path)[slice(*(self.part or (0, None)))]
        return (condition(samples).samples if self.raw else samples)[:CONTEXT_SAMPLES]


@dataclass(frozen=True, slots=True)
class LabelledManifest:
    """A manifest that is trained on: its content's hash, and the convention that its texts have passed."""

    path: str
    sha256: str
    convention: str | None


@dataclass(frozen=True, slots=True)
class Material:
    """Everything that a run learns from: `dev` decides when to stop; clips of other splits are not read."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    manifests: tuple[LabelledManifest, ...]
    left_out: int

    def written(self, writing: Writing) -> "Material":
        """Give the same with what is taught in the model's own writing."""
        return replace(self, train=tuple(replace(each, text=writing.written(each.text)) for each in self.train))


def read_material(manifests: Sequence[Path], convention: str, *, anyway: bool = False) -> Material:
    """Read the manifests to train on.

    Args:
        manifests: With `split` on their lines, as `data split` writes them.
        convention: That their texts must have passed.
        anyway: Take them whatever they have passed.

    Returns:
        The clips of the splits `train` and `dev`. Longer than 30 s, or with words that nobody could make out, they
        are left out.

    Raises:
        LabelError: A manifest has not passed the convention.
        ManifestError: A manifest cannot be read, or there is nothing to train on or to stop by.
    """
    parts: dict[str, list[Example]] = {"train": [], "dev": []}
    read, left_out = [], 0
    for path in manifests:
        found = require_convention(path, convention, anyway=anyway)
        for utterance in read_manifest(path):
            if utterance.split in parts:
                example = _example(path, utterance)
                left_out += example is None
                parts[utterance.split] += [example] if example else []
        read.append(LabelledManifest(str(path), sha256_of(path), found))
    for name, examples in parts.items():
        if not examples:
            named = ", ".join(map(str, manifests))
            raise ManifestError(
                f"{named}: no clip of the split {name!r}; split with 'voicesearch data split' and name both parts"
            )
    return Material(tuple(parts["train"]), tuple(parts["dev"]), tuple(read), left_out)


def read_test(manifest: Path) -> tuple[Example, ...]:
    """Read a manifest to test with, whatever splits it names.

    Args:
        manifest: With transcripts.

    Returns:
        Its clips, without those whose words nobody could make out.

    Raises:
        ManifestError: It cannot be read.
    """
    found = (_example(manifest, utterance) for utterance in read_manifest(manifest))
    return tuple(example for example in found if example is not None)


def _example(manifest: Path, utterance: Utterance) -> Example | None:
    text = " ".join(utterance.text.replace(NOISE, " ").split())
    if "[" in text or utterance.duration > CONTEXT_SAMPLES / SAMPLE_RATE:
        return None
    raw = all(step.name != CONDITIONED for step in utterance.lineage)
    return Example(utterance.id, clip_path(manifest, utterance), utterance.duration, text, raw)
