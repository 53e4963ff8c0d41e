"""Transcribing many clips: what the service hears, in order, resumed, with reasons for what cannot be heard."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.recognizer import Recognizer
from asr.transcription import hear, heard_path, read_source, transcribe_all
from data.audio import decode
from data.batch import Rejection
from data.clips import CLIP_LIMITS
from data.condition import condition
from data.corpora.layout import read_corpus
from data.errors import InvalidRequestError, ManifestError
from data.manifest import read_lock, read_manifest, write_lock, write_manifest
from data.preparation import PreparationLimits, prepare
from data.records import SAMPLE_RATE, Utterance
from tests.conftest import QUERIES, SPEECH
from voicesearch import main


def ignore(done: int, total: int) -> None:
    """Nobody waits for a test."""


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    folder = tmp_path / "speech"
    shutil.copytree(SPEECH, folder)
    return folder


@pytest.fixture(autouse=True)
def real_model(monkeypatch: pytest.MonkeyPatch, recognizer: Recognizer) -> None:
    monkeypatch.setenv("VOICESEARCH_MODEL", recognizer.release.directory)


def test_clips_heard_together_are_heard_as_if_alone(recognizer: Recognizer) -> None:
    manifest = QUERIES / "manifest.jsonl"
    utterances = read_manifest(manifest)
    together = hear(recognizer, utterances, QUERIES)
    for utterance, outcome in zip(utterances, together, strict=True):
        alone = recognizer.recognize(
            condition(decode((QUERIES / utterance.audio_filepath).read_bytes(), CLIP_LIMITS).samples)
        )
        assert isinstance(outcome, Utterance)
        assert (outcome.id, outcome.pred_text) == (utterance.id, alone.text)
        assert [each.text for each in outcome.nbest] == [each.text for each in alone.nbest]
        assert outcome.confidence == pytest.approx(alone.confidence, abs=1e-3)


def test_hypotheses_keep_the_order_the_labels_and_the_convention_of_their_manifest(speech: Path) -> None:
    manifest = speech / "manifest.jsonl"
    write_lock(manifest, "voice-search-en/1")
    batch = transcribe_all(manifest, heard_path(manifest), 1, ignore)
    before, after = read_manifest(manifest), read_manifest(speech / "heard.jsonl")
    assert after == batch.utterances
    assert [(u.id, u.text, u.duration) for u in after] == [(u.id, u.text, u.duration) for u in before]
    assert all(u.pred_text and u.nbest and u.lineage[-1].name == "transcribe" for u in after)
    lock = read_lock(speech / "heard.jsonl")
    assert lock is not None
    assert lock.convention == "voice-search-en/1"


def test_what_was_heard_is_not_heard_again_until_the_recording_changes(speech: Path) -> None:
    manifest, out = speech / "manifest.jsonl", speech / "heard.jsonl"
    first = transcribe_all(manifest, out, 1, ignore)
    assert transcribe_all(manifest, out, 1, ignore).reused == len(first.utterances)
    shutil.copyfile(speech / "vm-goodbye.flac", speech / "digits-7.flac")
    again = transcribe_all(manifest, out, 1, ignore)
    assert again.reused == len(first.utterances) - 1
    assert {u.id: u.pred_text for u in again.utterances}["digits-7"] == "Goodbye"


def test_hypotheses_may_lie_elsewhere_and_are_resumed_there_too(speech: Path, tmp_path: Path) -> None:
    out = tmp_path / "elsewhere" / "heard.jsonl"
    count = len(transcribe_all(speech, out, 1, ignore).utterances)
    assert transcribe_all(speech, out, 1, ignore).reused == count


def test_a_folder_without_a_manifest_gives_every_recording_its_name_and_length(speech: Path) -> None:
    (speech / "manifest.jsonl").unlink()
    nested = speech / "more"
    nested.mkdir()
    shutil.move(speech / "vm-goodbye.flac", nested / "bye.flac")
    batch = transcribe_all(speech, heard_path(speech), 1, ignore)
    found = {utterance.id: utterance for utterance in batch.utterances}
    assert found["more-bye"].pred_text == "Goodbye"
    assert found["more-bye"].duration == pytest.approx(
        soundfile.info(nested / "bye.flac").frames / SAMPLE_RATE, abs=1e-3
    )


def test_what_cannot_be_heard_is_set_aside_with_the_reason(speech: Path) -> None:
    (speech / "broken.wav").write_bytes(b"RIFF no audio")
    noise = np.random.default_rng(0).normal(0.0, 0.1, 31 * SAMPLE_RATE)
    soundfile.write(speech / "long.wav", noise, SAMPLE_RATE)
    soundfile.write(speech / "endless.flac", np.zeros(301 * SAMPLE_RATE), SAMPLE_RATE)
    manifest = speech / "manifest.jsonl"
    extra = (
        Utterance("broken", "broken.wav", 1.0),
        Utterance("long", "long.wav", 31.0),
        Utterance("endless", "endless.flac", 301.0),
    )
    write_manifest(manifest, (*read_manifest(manifest), *extra))
    batch = transcribe_all(manifest, heard_path(manifest), 1, ignore)
    assert {rejection.id: rejection.reason for rejection in batch.rejections} == {
        "broken": "does_not_decode",
        "long": "too_long",
        "endless": "too_long",
    }
    assert all(isinstance(rejection, Rejection) for rejection in batch.rejections)
    assert len(batch.utterances) == len(read_manifest(manifest)) - len(extra)


def test_silence_is_a_line_without_text(speech: Path) -> None:
    for path in speech.glob("*.flac"):
        path.unlink()
    (speech / "manifest.jsonl").unlink()
    soundfile.write(speech / "silence.wav", np.zeros(SAMPLE_RATE), SAMPLE_RATE)
    batch = transcribe_all(speech, heard_path(speech), 1, ignore)
    assert [(u.pred_text, u.confidence, u.nbest) for u in batch.utterances] == [("", 0.0, ())]


@pytest.mark.parametrize("source", ["nothing-here", "empty"])
def test_a_source_without_recordings_is_one_clear_line(source: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ManifestError, match=source):
        read_source(tmp_path / source)


def test_two_recordings_of_one_name_are_refused_before_any_is_heard(speech: Path) -> None:
    (speech / "manifest.jsonl").unlink()
    shutil.copyfile(speech / "vm-goodbye.flac", speech / "digits-7.wav")
    with pytest.raises(ManifestError, match=r"digits-7\.flac and digits-7\.wav would both be called 'digits-7'"):
        transcribe_all(speech, heard_path(speech), 1, ignore)
    assert not heard_path(speech).exists()


def test_hypotheses_never_replace_what_they_are_of(speech: Path, tmp_path: Path) -> None:
    manifest = prepare(
        read_corpus(speech), tmp_path / "out", limits=PreparationLimits(), processes=1, progress=ignore
    ).manifest
    before = manifest.read_bytes()
    for source in (manifest, manifest.parent):
        with pytest.raises(InvalidRequestError, match="name another file with --out"):
            transcribe_all(source, manifest, 1, ignore)
    assert manifest.read_bytes() == before


def test_the_command_hears_in_processes_and_says_what_it_wrote(
    speech: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["asr", "transcribe", str(speech), "--processes", "2", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["utterances"], shown["without_text"], shown["rejected"]) == (9, 0, {})
    assert len(read_manifest(speech / "heard.jsonl")) == 9
    (speech / "mine.jsonl").write_text("mine")
    assert main(["asr", "transcribe", str(speech), "--out", str(speech / "mine.jsonl")]) == 2
    assert "changed since it was made" in capsys.readouterr().err
