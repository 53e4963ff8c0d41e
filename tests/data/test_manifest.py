"""Manifests: what is written is read back, and what cannot be read says where."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import ManifestError
from data.manifest import clip_path, from_line, lock_path, read_lock, read_manifest, to_line, write_lock, write_manifest
from data.records import Hypothesis, Step, Utterance

SPEECH = Path(__file__).parents[2] / "examples" / "speech" / "manifest.jsonl"

words = st.text(st.characters(codec="utf-8"), max_size=30)
utterances = st.builds(
    Utterance,
    id=words.filter(bool),
    audio_filepath=st.just("clip.flac"),
    duration=st.integers(0, 600_000).map(lambda n: n / 10_000),
    text=words,
    speaker=st.none() | words,
    source=st.none() | words,
    split=st.none() | st.sampled_from(["train", "dev", "test"]),
    tags=st.lists(words, max_size=3).map(tuple),
    lineage=st.lists(
        st.builds(Step, words, words, st.dictionaries(words, st.none() | st.integers() | words, max_size=3)), max_size=3
    ).map(tuple),
    pred_text=st.none() | words,
    confidence=st.none() | st.floats(0, 1),
    nbest=st.lists(st.builds(Hypothesis, words, st.floats(-50, 0)), max_size=3).map(tuple),
)


@given(utterances)
def test_an_utterance_comes_back_as_it_was_written(utterance: Utterance) -> None:
    line = to_line(utterance)
    assert "\n" not in line
    assert from_line(line, "here") == utterance


def test_a_manifest_comes_back_as_it_was_written(tmp_path: Path) -> None:
    written = (Utterance("a", "a.flac", 1.0, "one"), Utterance("b", "b.flac", 2.0, "two"))
    write_manifest(tmp_path / "m.jsonl", written)
    assert read_manifest(tmp_path / "m.jsonl", check_files=False) == written


def test_the_shipped_manifest_names_clips_that_exist() -> None:
    for utterance in read_manifest(SPEECH):
        assert clip_path(SPEECH, utterance).stat().st_size > 1000


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{broken", r"m\.jsonl:2: not JSON"),
        ("[1]", r"m\.jsonl:2: not a JSON object"),
        ('{"audio_filepath": "a.flac"}', r"m\.jsonl:2: the key 'duration' is missing"),
        ('{"duration": 1}', r"m\.jsonl:2: the key 'audio_filepath' is missing"),
        ('{"audio_filepath": "../a.flac", "duration": 1}', r"m\.jsonl:2: \.\./a\.flac points outside"),
        ('{"audio_filepath": "/etc/passwd", "duration": 1}', r"m\.jsonl:2: /etc/passwd points outside"),
        ('{"audio_filepath": "gone.flac", "duration": 1}', r"m\.jsonl:2: there is no clip gone\.flac"),
        ('{"audio_filepath": "a.flac", "duration": "long"}', r"m\.jsonl:2: a value has the wrong type"),
        ('{"audio_filepath": "a.flac", "duration": NaN}', r"m\.jsonl:2: a value has the wrong type"),
        ('{"audio_filepath": "a.flac", "duration": Infinity}', r"m\.jsonl:2: a value has the wrong type"),
        ('{"audio_filepath": "a.flac", "duration": 1, "tags": "noisy"}', r"m\.jsonl:2: .* tags a list of texts"),
        ('{"audio_filepath": "a.flac", "duration": 1, "text": "\\ud800"}', r"m\.jsonl:2: half a character"),
        ('\ufeff{"audio_filepath": "a.flac", "duration": 1}', r"m\.jsonl:2: begins with a byte order mark"),
        ('{"audio_filepath": "a.flac", "duration": 1}', r"m\.jsonl:2: id 'a' is already on line 1"),
    ],
)
def test_a_line_that_cannot_be_used_is_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / "a.flac").touch()
    manifest = tmp_path / "m.jsonl"
    manifest.write_text('{"audio_filepath": "a.flac", "duration": 1}\n' + line + "\n")
    with pytest.raises(ManifestError, match=said):
        read_manifest(manifest)


def test_an_empty_a_missing_and_a_mis_encoded_manifest_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "latin.jsonl").write_bytes('{"audio_filepath": "é"}'.encode("latin-1"))
    for name, said in (("empty", "is empty"), ("latin", "not UTF-8"), ("gone", "no such manifest")):
        with pytest.raises(ManifestError, match=said):
            read_manifest(tmp_path / f"{name}.jsonl")


def test_a_lock_knows_the_manifest_it_was_made_for(tmp_path: Path) -> None:
    manifest = tmp_path / "m.jsonl"
    write_manifest(manifest, [Utterance("a", "a.flac", 1.5)])
    assert read_lock(manifest) is None
    lock = write_lock(manifest, convention="voice-search-en/1")
    assert read_lock(manifest) == lock
    assert (lock.utterances, lock.seconds) == (1, 1.5)
    write_manifest(manifest, [Utterance("a", "a.flac", 2.5)])
    with pytest.raises(ManifestError, match="changed since it was locked"):
        read_lock(manifest)
    assert lock_path(manifest).name == "m.jsonl.lock.json"
