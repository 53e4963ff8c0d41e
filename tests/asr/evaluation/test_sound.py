"""Sound of a report: Opus within a budget, as recorded where the recordings are there."""

import base64
import io
from pathlib import Path

import numpy as np
import soundfile

from asr.evaluation.sound import embed, opus
from data.manifest import read_manifest
from data.records import Step, Utterance
from tests.conftest import QUERIES

MANIFEST = QUERIES / "manifest.jsonl"


def quietly(done: int, of: int) -> None:
    """Report nothing."""


def test_a_clip_comes_back_from_opus_at_its_length_and_level() -> None:
    samples, _ = soundfile.read(QUERIES / "jurassic-park.flac", dtype="float32")
    packed = opus(samples)
    back, rate = soundfile.read(io.BytesIO(packed), dtype="float32")
    assert rate in (16_000, 48_000)
    assert abs(len(back) / rate - len(samples) / 16_000) < 0.03
    assert abs(20 * np.log10(back.std() / samples.std())) < 1.0
    assert len(packed) < 4_000 * len(samples) / 16_000 + 1_000


def test_as_many_of_the_first_clips_are_embedded_as_fit() -> None:
    utterances = read_manifest(MANIFEST)
    everything = embed(utterances, MANIFEST, recordings=None, budget=10**7, processes=1, progress=quietly)
    assert list(everything) == [utterance.id for utterance in utterances]
    budget = sum(len(sound.data) for sound in list(everything.values())[:3])
    some = embed(utterances, MANIFEST, recordings=None, budget=budget, processes=1, progress=quietly)
    assert list(some) == list(everything)[:3]


def test_the_source_recording_is_heard_where_it_is_there(tmp_path: Path) -> None:
    samples, _ = soundfile.read(QUERIES / "jurassic-park.flac", dtype="float32")
    silence = np.zeros(16_000, np.float32)
    soundfile.write(tmp_path / "raw.wav", np.concatenate([silence, samples * np.float32(0.1), silence]), 16_000)
    lineage = (
        Step("record", "1", {"path": "raw.wav"}),
        Step("decode", "1", {"container": "wav"}),
        Step("condition", "1"),
    )
    clip = Utterance("jurassic-park", "jurassic-park.flac", 1.1, lineage=lineage)
    found = embed([clip], MANIFEST, recordings=tmp_path, budget=10**6, processes=1, progress=quietly)["jurassic-park"]
    assert found.recording
    assert found.cut_before > 0.5
    assert found.gain_db > 10
    assert len(base64.b64decode(found.data)) > 1_000
    outside = Utterance(
        "x", "jurassic-park.flac", 1.1, lineage=(Step("record", "1", {"path": "../raw.wav"}), *lineage[1:])
    )
    inner = tmp_path / "inner"
    inner.mkdir()
    assert not embed([outside], MANIFEST, recordings=inner, budget=10**6, processes=1, progress=quietly)["x"].recording


def test_a_clip_that_is_missing_has_no_sound() -> None:
    missing = Utterance("gone", "gone.flac", 1.0)
    assert embed([missing], MANIFEST, recordings=None, budget=10**6, processes=1, progress=quietly) == {}
