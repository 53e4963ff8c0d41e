"""General speech with what a real model heard in it."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.training.replay import read_replay
from data.clips import read_clip
from data.errors import ManifestError
from data.manifest import clip_path, read_manifest, write_manifest
from data.records import SAMPLE_RATE, Release, Utterance
from data.spoken import transcript_words

SPEECH = Path(__file__).parents[3] / "examples" / "speech"
MANIFEST = SPEECH / "manifest.jsonl"


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Recordings without transcripts."""
    folder = tmp_path / "speech"
    folder.mkdir()
    for path in SPEECH.glob("*.flac"):
        shutil.copy(path, folder)
    return folder


def test_untranscribed_speech_gets_the_texts_that_the_teacher_hears_once(
    release: Release, speech: Path, tmp_path: Path
) -> None:
    (speech / "broken.flac").write_bytes(b"no audio")
    told: list[str] = []
    steps: list[int] = []
    replay = read_replay([speech], release, release, tmp_path / "cache", told.append, steps.append)
    assert "goodbye" in {example.text.lower() for example in (*replay.train, *replay.held_out)}
    assert any(example.text != example.text.lower() for example in replay.train)
    assert all(example.text == example.text.lower() for example in replay.held_out)
    assert replay.train
    assert replay.held_out
    assert not {example.id for example in replay.train} & {example.id for example in replay.held_out}
    assert len(told) == 1
    assert told[0].startswith(f"{speech / 'broken.flac'}: left out")
    cache = next((tmp_path / "cache").rglob("replay.jsonl"))
    before = cache.read_bytes()
    cache.write_bytes(before + b'{"sha256": "broken o')
    assert read_replay([speech], release, release, tmp_path / "cache", told.append, steps.append) == replay
    assert cache.read_bytes().startswith(before)


def test_what_is_held_out_keeps_the_texts_of_its_manifest_in_the_convention_s_writing(
    release: Release, tmp_path: Path
) -> None:
    replay = read_replay([SPEECH], release, release, tmp_path / "cache", print, lambda total: None)
    by_hand = {clip_path(MANIFEST, each): " ".join(transcript_words(each.text)) for each in read_manifest(MANIFEST)}
    whole = [example for example in replay.held_out if example.part and example.part[0] == 0]
    assert whole
    assert all(example.text == by_hand[example.path] for example in whole if example.seconds < 2.0)


def test_short_parts_of_long_recordings_are_replayed_beside_them(release: Release, tmp_path: Path) -> None:
    speech = tmp_path / "speech"
    speech.mkdir()
    clips = [read_clip(path) for path in sorted(SPEECH.glob("*.flac"))]
    pause = np.zeros(SAMPLE_RATE // 2, np.float32)
    for place in range(8):
        joined = np.concatenate([part for clip in clips[place : place + 3] for part in (clip, pause)])
        soundfile.write(speech / f"{place}.flac", joined, SAMPLE_RATE)
    replay = read_replay([speech], release, release, tmp_path / "cache", print, lambda total: None)
    examples = (*replay.train, *replay.held_out)
    for path in speech.iterdir():
        lengths = sorted(len(each.samples()) for each in examples if each.path == path)
        assert lengths[0] < lengths[-1]
    for each in examples:
        assert len(each.samples()) / SAMPLE_RATE == pytest.approx(each.seconds, abs=1e-3)


def test_too_little_speech_is_refused(release: Release, speech: Path, tmp_path: Path) -> None:
    for path in sorted(speech.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ManifestError, match="too little speech to replay; name more"):
        read_replay([speech], release, release, tmp_path / "cache", print, lambda total: None)


@pytest.mark.parametrize("names", [("train", "dev", "test"), ("train",)])
def test_only_the_split_train_is_trained_on_and_a_manifest_may_have_no_other(
    release: Release, speech: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    splits = {path.name: names[place % len(names)] for place, path in enumerate(sorted(speech.glob("*.flac")))}
    manifest = speech / "manifest.jsonl"
    write_manifest(manifest, [Utterance(name[:-5], name, 1.0, split=split) for name, split in splits.items()])
    replay = read_replay([manifest], release, release, tmp_path / "cache", print, lambda total: None)
    assert replay.held_out
    assert {splits[example.path.name] for example in replay.train} == {"train"}
