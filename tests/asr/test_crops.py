"""What short-context training hears: no word cut, nothing of the held-out recordings, like lengths together."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asr.crops import Crop, Part, Recording, choose_parts, find_cuts, find_recordings, plan_batches, plan_crops, render
from asr.features import CONTEXT_SAMPLES, HOP, MIN_OWN_SAMPLES
from data.condition import condition
from data.errors import ManifestError
from data.manifest import read_manifest, write_manifest
from data.records import SAMPLE_RATE, Samples

Clip = Callable[[str], Samples]
SPEECH = Path(__file__).parents[2] / "examples" / "speech"
MANIFEST = "manifest.jsonl"


def test_a_recording_is_cut_between_its_sentences_and_not_in_them(clip: Clip) -> None:
    first, second = clip("agent-loginok"), clip("auth-thankyou")
    silence = np.zeros(SAMPLE_RATE // 2, np.float32)
    cuts = find_cuts(np.concatenate([first, silence, second]))
    assert (cuts[0], cuts[-1]) == (0, len(first) + len(silence) + len(second))
    assert len(cuts) == 3
    assert len(first) - SAMPLE_RATE // 5 < cuts[1] < len(first) + len(silence) + SAMPLE_RATE // 5


@given(st.lists(st.integers(1, 20 * SAMPLE_RATE), min_size=2, max_size=12, unique=True), st.integers(0, 9))
def test_parts_are_between_cuts_differ_and_last_from_a_word_to_a_sentence(places: list[int], wanted: int) -> None:
    recording = Recording(Path("a.flac"), "0" * 64, tuple(sorted([0, *places])))
    parts = choose_parts(recording, wanted, np.random.default_rng(0))
    assert len(set(parts)) == len(parts) <= wanted
    for part in parts:
        assert {part.start, part.end} <= set(recording.cuts)
        assert 0.4 <= (part.end - part.start) / SAMPLE_RATE <= 9.0


@given(
    st.lists(st.integers(1, CONTEXT_SAMPLES), min_size=1, max_size=60),
    st.floats(5.0, 40.0),
    st.integers(1, 8),
    st.integers(0, 3 * SAMPLE_RATE),
    st.integers(0, 99),
)
def test_batches_hold_every_clip_once_and_lengthen_it_by_no_more_than_allowed(
    lengths: list[int], seconds: float, most: int, tail: int, seed: int
) -> None:
    batches = plan_batches(lengths, seconds, most, tail, np.random.default_rng(seed))
    assert sorted(member for batch in batches for member in batch.members) == list(range(len(lengths)))
    for batch in batches:
        group = [lengths[member] for member in batch.members]
        assert len(group) <= most
        assert len(group) == 1 or max(group) * len(group) <= seconds * SAMPLE_RATE
        assert max(group) <= batch.n_samples <= max(min(group) + tail, MIN_OWN_SAMPLES)
        assert MIN_OWN_SAMPLES <= batch.n_samples <= CONTEXT_SAMPLES


def test_no_recording_is_both_trained_on_and_held_out_whatever_its_name() -> None:
    digests = [f"{number:064x}"[::-1] for number in range(2000)]
    recordings = [Recording(Path("a"), digest, (0, SAMPLE_RATE)) for digest in digests]
    assert 0.01 < np.mean([each.held_out for each in recordings]) < 0.1
    assert all(replace(each, path=Path("b")).held_out == each.held_out for each in recordings)


def test_what_a_manifest_keeps_for_testing_is_held_out(tmp_path: Path) -> None:
    shipped = [replace(each, audio_filepath=f"{each.id}.flac") for each in read_manifest(SPEECH / MANIFEST)]
    for each in shipped:
        shutil.copy(SPEECH / each.audio_filepath, tmp_path)
    by_content = {each.path.stem for each in find_recordings([tmp_path], print) if each.held_out}
    splits = {each.id: ("train", "dev", "test")[place % 3] for place, each in enumerate(shipped)}
    write_manifest(tmp_path / MANIFEST, [replace(each, split=splits[each.id]) for each in shipped])
    held_out = {each.path.stem for each in find_recordings([tmp_path], print) if each.held_out}
    assert held_out == by_content | {name for name, split in splits.items() if split != "train"}


def test_the_shipped_recordings_give_the_same_clips_every_time() -> None:
    recordings = find_recordings([SPEECH], print)
    crops = plan_crops(recordings, 0)
    assert plan_crops(recordings, 0) == crops
    assert len({crop.key for crop in crops}) == len(crops)
    assert sum(len(crop.parts) == 1 and crop.noise is None for crop in crops) >= len(recordings)
    assert any(not crop.parts for crop in crops)
    assert recordings[0].text == "Agent logged in."


def test_a_clip_is_conditioned_as_in_serving(clip: Clip) -> None:
    (recording,) = (each for each in find_recordings([SPEECH], print) if each.path.stem == "agent-loginok")
    whole = Crop((Part(recording, 0, recording.cuts[-1]),))
    assert (render(whole) == condition(clip("agent-loginok")).samples).all()
    twice = Crop(whole.parts * 2)
    assert len(render(twice)) > 1.7 * len(render(whole))


def test_a_clip_without_speech_is_made_by_rule_and_never_longer_than_the_context() -> None:
    crop = Crop((), noise="music", seconds=40.0, seed=3)
    assert len(render(crop)) == CONTEXT_SAMPLES
    assert (render(crop) == render(crop)).all()
    assert CONTEXT_SAMPLES % HOP == 0


def test_an_unreadable_file_is_left_out_and_named(tmp_path: Path, clip: Clip) -> None:
    soundfile.write(tmp_path / "good.flac", clip("auth-thankyou"), SAMPLE_RATE)
    (tmp_path / "bad.flac").write_bytes(b"no audio")
    lines: list[str] = []
    assert [each.path.name for each in find_recordings([tmp_path], lines.append)] == ["good.flac"]
    assert len(lines) == 1
    assert "bad.flac: left out" in lines[0]


def test_a_folder_without_speech_and_a_missing_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no audio that can be used"):
        find_recordings([tmp_path], print)
    with pytest.raises(ManifestError, match="neither a folder nor a manifest"):
        find_recordings([tmp_path / "absent"], print)
