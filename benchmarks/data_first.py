"""The data of the shipped experiment: which clips, and which labels, do most under the same budget?

From the training part of `benchmarks.tuning_data` four hundred clips are drawn three times over:

- `targeted.jsonl`: clips of which the model in use misheard something;
- `random.jsonl`: any clips;
- `mixed.jsonl`: the same clips as `random.jsonl`, but their labels as three people without a convention write them: as
  the convention asks; as a sentence with figures and a full stop; as a heading with "&".

The catalogue and its mapping are copied beside the parts: all arms are taught to write its names as it does.

    python -m benchmarks.data_first DATA [--clips 400]
    voicesearch asr sweep examples/films/experiment.toml --data DATA --out runs/data-first

The last line is JSON.
"""

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from benchmarks.tuning_data import FILMS, QUERIES
from data.clips import read_clip
from data.manifest import clip_path, read_lock, read_manifest, write_lock, write_manifest
from data.records import Utterance
from data.settings import HomeSettings
from labeling.normalization import normalize


def main() -> None:
    """Write the three manifests."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder that benchmarks.tuning_data wrote")
    parser.add_argument("--clips", type=int, default=400, help="clips in each manifest")
    chosen = parser.parse_args()

    source = chosen.data / "train" / QUERIES
    pool = read_manifest(source)
    lock = read_lock(source)
    convention = lock.convention if lock else None
    order = [pool[place] for place in np.random.default_rng(0).permutation(len(pool))]
    anything = order[: chosen.clips]
    found = {
        "targeted": misheard(source, order, chosen.clips),
        "random": anything,
        "mixed": [replace(each, text=habit(each.text, place % 3)) for place, each in enumerate(anything)],
    }
    for name, utterances in found.items():
        path = source.with_name(f"{name}.jsonl")
        write_manifest(path, utterances)
        write_lock(path, None if name == "mixed" else convention)
    for name in ("catalogue.csv", "mapping.toml"):
        shutil.copy(FILMS / name, chosen.data / name)
    print(json.dumps({name: len(utterances) for name, utterances in found.items()}))


def misheard(manifest: Path, utterances: Sequence[Utterance], wanted: int) -> list[Utterance]:
    """Find clips of which the model in use gets a word wrong.

    Args:
        manifest: Where they are.
        utterances: In the order in which they are tried.
        wanted: How many to find.

    Returns:
        The first of them.
    """
    release = prepare_release(RecognizerSettings.load().model, HomeSettings.load().models, print)
    recognizer = Recognizer(release, RecognizerSettings.load())
    found: list[Utterance] = []
    for utterance in track(utterances, "listening", console=Console(stderr=True)):
        hypotheses, _ = recognizer.decode(read_clip(clip_path(manifest, utterance)))
        if normalize(hypotheses[0].text if hypotheses else "") != normalize(utterance.text):
            found.append(utterance)
        if len(found) == wanted:
            break
    return found


def habit(text: str, person: int) -> str:
    """Write a text as one of three people would who have no convention.

    Args:
        text: As the convention asks.
        person: Which, from 0 to 2.

    Returns:
        The same words, written otherwise.
    """
    match person:
        case 0:
            return text
        case 1:
            return normalize(text).capitalize() + "."
        case _:
            return text.title().replace(" And ", " & ")


if __name__ == "__main__":
    main()
