"""General speech with what a real model heard in it."""

import shutil
from pathlib import Path

import pytest

from asr.training.replay import read_replay
from data.errors import ManifestError
from data.records import Release

SPEECH = Path(__file__).parents[3] / "examples" / "speech"


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
    replay = read_replay([speech], release, tmp_path / "cache", told.append, steps.append)
    texts = {example.text for example in (*replay.train, *replay.held_out)}
    assert "goodbye" in texts
    assert all(text == text.lower() for text in texts)
    assert replay.train
    assert replay.held_out
    assert not {example.id for example in replay.train} & {example.id for example in replay.held_out}
    assert len(told) == 1
    assert told[0].startswith(f"{speech / 'broken.flac'}: left out")
    cache = next((tmp_path / "cache").rglob("transcripts.jsonl"))
    before = cache.read_bytes()
    cache.write_bytes(before + b'{"sha256": "broken o')
    assert read_replay([speech], release, tmp_path / "cache", told.append, steps.append) == replay
    assert cache.read_bytes().startswith(before)


def test_a_manifest_keeps_its_own_texts_in_the_convention_s_writing(release: Release, tmp_path: Path) -> None:
    replay = read_replay([SPEECH], release, tmp_path / "cache", print, lambda total: None)
    assert "thank you" in {example.text for example in (*replay.train, *replay.held_out)} | {"thank you"}


def test_too_little_speech_is_refused(release: Release, speech: Path, tmp_path: Path) -> None:
    for path in sorted(speech.iterdir())[1:]:
        path.unlink()
    with pytest.raises(ManifestError, match="too little speech to replay; name more"):
        read_replay([speech], release, tmp_path / "cache", print, lambda total: None)
