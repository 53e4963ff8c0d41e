"""Batches: everything that is drawn can be drawn again."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from asr.script import Script
from asr.training.batches import Epoch, mask
from asr.training.examples import read_material
from asr.training.options import TrainingOptions
from data.records import Release

OPTIONS = TrainingOptions(max_clips=2, augmented=0.8, masked=0.8, replayed=0.0)


def epoch_of(base: Release, manifest: Path, options: TrainingOptions = OPTIONS) -> Epoch:
    return Epoch(read_material([manifest], "voice-search-en/1").train, (), base, options, print)


def test_an_epoch_is_the_same_when_it_is_drawn_again_and_another_is_different(base: Release, manifest: Path) -> None:
    first, again = epoch_of(base, manifest), epoch_of(base, manifest)
    other = epoch_of(base, manifest)
    other.number = 1
    assert len(first) == len(again)
    for place in range(len(first)):
        assert first[place].features.equal(again[place].features)
        assert first[place].wanted.equal(again[place].wanted)
    assert any(
        first[0].features.shape != other[place].features.shape or not first[0].features.equal(other[place].features)
        for place in range(len(other))
    )


def test_a_batch_reads_the_prompt_and_the_text_and_wants_the_text_and_the_end(base: Release, manifest: Path) -> None:
    script = Script(base)
    epoch = epoch_of(base, manifest, replace(OPTIONS, max_clips=1))
    examples = {example.text for example in read_material([manifest], "voice-search-en/1").train}
    heard = set()
    for place in range(len(epoch)):
        tokens, wanted = epoch[place].tokens[0].tolist(), epoch[place].wanted[0].tolist()
        assert tokens[:2] == list(script.prompt)
        assert wanted[-1] == script.end
        assert wanted[1:-1] == tokens[2:]
        heard.add(script.tokenizer.decode(wanted[1:-1]).strip())
    assert heard == examples


def test_general_speech_is_the_share_of_an_epoch_that_is_wanted(base: Release, manifest: Path) -> None:
    material = read_material([manifest], "voice-search-en/1")
    general = [replace(example, id=f"general-{place}") for place, example in enumerate(material.train * 3)]
    epoch = Epoch(material.train, general, base, replace(OPTIONS, replayed=0.5, max_clips=1), print)
    assert len(epoch) == 2 * len(material.train)
    assert sum(bool(epoch[place].general[0]) for place in range(len(epoch))) == len(material.train)


def test_a_little_general_speech_is_heard_more_than_once_in_an_epoch(base: Release, manifest: Path) -> None:
    material = read_material([manifest], "voice-search-en/1")
    general = [replace(material.train[0], id="general")]
    epoch = Epoch(material.train, general, base, replace(OPTIONS, replayed=0.5, max_clips=1), print)
    assert len(epoch) == 2 * len(material.train)


def test_masks_hide_bands_and_moments_and_leave_the_rest_alone() -> None:
    mel = np.random.default_rng(0).normal(size=(80, 300)).astype(np.float32)
    masked = mask(mel, 7)
    assert (masked == mask(mel, 7)).all()
    changed = masked != mel
    assert 0.02 < changed.mean() < 0.6
    rows, columns = changed.all(axis=1), changed.all(axis=0)
    assert (changed == (rows[:, None] | columns[None, :])).mean() > 0.999


def test_a_clip_without_words_is_taught_to_be_no_speech(base: Release, manifest: Path) -> None:
    silent = replace(read_material([manifest], "voice-search-en/1").train[0], text="")
    batch = Epoch([silent], (), base, OPTIONS, print)[0]
    assert batch.wanted[0].tolist() == [Script(base).silent()[1][0], 0]


def test_sentence_marks_are_not_taught_since_serving_never_writes_them(base: Release, manifest: Path) -> None:
    script = Script(base)
    example = replace(read_material([manifest], "voice-search-en/1").train[0], text="thank, you.")
    batch = Epoch([example], (), base, OPTIONS, print)[0]
    assert script.tokenizer.decode([token for token in batch.wanted[0].tolist() if token >= 0]).strip() == "thank you"
    assert set(script.ids(example.text)) & set(script.unwritten)
