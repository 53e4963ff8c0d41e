"""Augmented copies: the same every time, tied to their parents, on their parents' side of the split."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from data.augmentation import AugmentOptions, augment, draw_recipe
from data.balance import find_leaks
from data.batch import Batch
from data.choices import Effect, SplitBy
from data.clips import audio_digest, read_clip
from data.errors import InvalidRequestError
from data.lineage import chain_of
from data.manifest import clip_path, read_lock, read_manifest, write_lock, write_manifest
from data.records import SAMPLE_RATE, Samples
from data.sounds import sounds_at
from data.split import SplitOptions, split

SPEECH = Path(__file__).parents[2] / "examples" / "speech"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three shipped clips with splits and a lock."""
    shipped = read_manifest(SPEECH / "manifest.jsonl")[:3]
    kept = [replace(u, split=name) for u, name in zip(shipped, ("train", "dev", "test"), strict=True)]
    for utterance in kept:
        shutil.copyfile(SPEECH / utterance.audio_filepath, tmp_path / utterance.audio_filepath)
    write_manifest(tmp_path / "train.jsonl", kept)
    write_lock(tmp_path / "train.jsonl", convention="voice-search-en/1")
    return tmp_path / "train.jsonl"


def augmented(source: Path, **options: object) -> Batch:
    chosen = AugmentOptions(**options)  # type: ignore[arg-type]  # any field, for brevity
    return augment(source, source.with_name("more.jsonl"), chosen, processes=1, progress=lambda done, total: None)


def test_the_manifest_has_the_parents_and_their_copies(source: Path) -> None:
    batch = augmented(source, copies=2)
    utterances = read_manifest(batch.manifest)
    assert [u.id for u in utterances[:3]] == [u.id for u in read_manifest(source)]
    assert len(utterances) == 9
    assert all("augmented" in u.tags for u in utterances[3:])


def test_a_copy_keeps_text_speaker_split_and_parent(source: Path) -> None:
    parents = {u.id: u for u in read_manifest(source)}
    for copy in augmented(source).utterances:
        parent = parents[chain_of([copy], copy.id).parents[-1]]
        assert (copy.text, copy.speaker, copy.split) == (parent.text, parent.speaker, parent.split)


def test_copies_stay_on_their_parents_side(source: Path) -> None:
    utterances = read_manifest(augmented(source, copies=3).manifest)
    digests = {u.id: audio_digest(clip_path(source, u)) for u in utterances}
    assert find_leaks(utterances, digests, SplitBy.TEXT, text_disjoint=False) == ()
    anew = split([replace(u, split=None) for u in utterances], digests, SplitOptions(by=SplitBy.TEXT))
    assert find_leaks(anew.utterances, digests, SplitBy.TEXT, text_disjoint=False) == ()


def test_a_copy_is_the_same_on_every_run(source: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for path in source.parent.iterdir():
        shutil.copyfile(path, elsewhere / path.name)
    assert augmented(source, copies=2).utterances == augmented(elsewhere / "train.jsonl", copies=2).utterances


def test_a_second_run_does_nothing(source: Path) -> None:
    first = augmented(source)
    assert augmented(source).reused == len(first.utterances)


def test_the_convention_of_the_source_is_kept_in_the_lock(source: Path) -> None:
    lock = read_lock(augmented(source).manifest)
    assert lock is not None
    assert lock.convention == "voice-search-en/1"


def test_copies_are_conditioned_again(source: Path) -> None:
    for copy in augmented(source, effects=(Effect.GAIN,)).utterances:
        assert copy.lineage[-1].name == "condition"


@pytest.mark.parametrize("effect", Effect)
def test_each_effect_alone_changes_the_clip_and_is_in_its_lineage(source: Path, effect: Effect) -> None:
    parent = read_clip(source.with_name("auth-thankyou.flac"))
    copy = next(u for u in augmented(source, effects=(effect,)).utterances if u.id == "auth-thankyou-augmented-1")
    assert [step.name for step in copy.lineage] == [str(effect), "condition"]
    assert f"augmented:{effect}" in copy.tags
    samples = read_clip(clip_path(source, copy))
    assert len(samples) != len(parent) or np.abs(samples - parent).max() > 1e-4


def test_recorded_noise_is_named_with_its_hash(source: Path, clip: Callable[[str], Samples]) -> None:
    soundfile.write(source.with_name("kitchen.wav"), clip("tt-monkeysintro"), SAMPLE_RATE)
    (noise,) = sounds_at(source.with_name("kitchen.wav"))
    step = augmented(source, effects=(Effect.NOISE,), noises=(noise,)).utterances[0].lineage[0]
    assert (step.parameters["file"], step.parameters["sha256"]) == ("kitchen.wav", noise.sha256)


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="neither an audio file nor a folder"):
        sounds_at(tmp_path)


def test_a_manifest_elsewhere_is_refused(source: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="must be another file beside"):
        augment(source, tmp_path / "other" / "more.jsonl", AugmentOptions(), processes=1, progress=lambda *_: None)


@given(st.text(min_size=1, max_size=20), st.integers(0, 5), st.sets(st.sampled_from(Effect), min_size=1))
def test_a_recipe_has_at_least_one_effect_and_only_those_asked_for(name: str, copy: int, effects: set[Effect]) -> None:
    options = AugmentOptions(effects=tuple(effects))
    recipe = draw_recipe(name, copy, options)
    assert recipe == draw_recipe(name, copy, options)
    assert recipe
    names = [Effect(step.name) for step in recipe]
    assert set(names) <= effects
    assert names == sorted(names, key=list(Effect).index)
    assert recipe[0].parameters["parent"] == name


def test_a_noise_and_a_response_of_one_name_are_kept_apart(source: Path, tmp_path: Path) -> None:
    click = np.zeros(800, np.float32)
    click[0] = 1.0
    for folder, content in (("noises", np.full(800, 0.5, np.float32)), ("rooms", click)):
        (tmp_path / folder).mkdir()
        soundfile.write(tmp_path / folder / "one.wav", content, SAMPLE_RATE)
    rooms = sounds_at(tmp_path / "rooms")
    alone = augmented(source, effects=(Effect.ROOM,), responses=rooms)
    both = augmented(source, effects=(Effect.ROOM,), responses=rooms, noises=sounds_at(tmp_path / "noises"))
    assert [u.audio_filepath for u in both.utterances] == [u.audio_filepath for u in alone.utterances]


@pytest.mark.parametrize(("content", "said"), [(None, "not audio"), (0.0, "is silent"), (0.1, "longer than 300 s")])
def test_a_noise_that_cannot_be_used_is_named_before_any_work(
    source: Path, tmp_path: Path, content: float | None, said: str
) -> None:
    if content is None:
        (tmp_path / "hum.wav").write_bytes(b"no audio at all")
    else:
        soundfile.write(tmp_path / "hum.wav", np.full((301 if content else 1) * SAMPLE_RATE, content), SAMPLE_RATE)
    with pytest.raises(InvalidRequestError, match=rf"hum\.wav: .*{said}"):
        augmented(source, noises=sounds_at(tmp_path / "hum.wav"))
    assert not source.with_name("more.jsonl").exists()


def test_copies_are_not_copied_again(source: Path) -> None:
    batch = augmented(source, effects=(Effect.GAIN,))
    with pytest.raises(InvalidRequestError, match="augmented-1 is a copy already; augment the manifest"):
        augment(
            batch.manifest, source.with_name("again.jsonl"), AugmentOptions(), processes=1, progress=lambda *_: None
        )
    assert not source.with_name("again.jsonl").exists()
