"""A few real recordings with checked transcripts, split into train and dev."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from asr.release import write_release
from data.clips import read_clip, store_clip
from data.manifest import write_lock, write_manifest
from data.records import Release, Utterance
from labeling.rulebook import convention_for

SPEECH = Path(__file__).parents[3] / "examples" / "speech"
SAID = {
    "auth-thankyou": "thank you",
    "digits-7": "seven",
    "agent-loginok": "agent logged in",
    "vm-goodbye": "goodbye",
    "conf-getpin": "please enter your pin",
    "agent-alreadyon": "already on",
}


@pytest.fixture
def base(make_checkpoint: Callable[..., Release]) -> Release:
    """A small random model that hears clips at their own length."""
    release = replace(make_checkpoint("small"), context="own")
    folder = Path(release.directory)
    write_release(release, folder)
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    vocabulary = tokenizer["model"]["vocab"]
    vocabulary[" "] = vocabulary.pop("~")  # labels are words with spaces between them
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    return release


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Four clips to train on and two to stop by, checked against the convention."""
    folder = tmp_path / "corpus"
    utterances = []
    for place, (name, text) in enumerate(SAID.items()):
        samples = read_clip(SPEECH / f"{name}.flac")[:24_000]
        clip = store_clip(folder, samples)
        split = "dev" if place >= 4 else "train"
        utterances.append(Utterance(name, clip, soundfile.info(folder / clip).duration, text, split=split))
    path = folder / "manifest.jsonl"
    write_manifest(path, utterances)
    write_lock(path, convention_for(None, None).identifier)
    return path
