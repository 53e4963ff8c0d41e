"""Preparing a corpus: what becomes a clip, what is refused and why, and that a run goes on where it stopped."""

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from data.batch import Batch, read_rejections
from data.clips import read_clip
from data.condition import condition
from data.corpora.layout import read_corpus
from data.errors import ManifestError
from data.manifest import clip_path, read_lock, read_manifest, write_lock, write_manifest
from data.preparation import PreparationLimits, prepare
from data.records import SAMPLE_RATE, Samples

ROOT = Path(__file__).parents[2]
SPEECH = ROOT / "examples" / "speech"


def silently(done: int, total: int) -> None:
    """Show no progress."""


LIMITS = PreparationLimits()


def prepare_folder(source: Path, out: Path, limits: PreparationLimits = LIMITS, processes: int = 1) -> Batch:
    return prepare(read_corpus(source), out, limits=limits, processes=processes, progress=silently)


def corpus(folder: Path, **audio: Samples | bytes) -> Path:
    """Write WAV files, or bytes under a WAV file's name, with a table of transcripts."""
    folder.mkdir(exist_ok=True)
    rows = ["file,text,seconds"]
    for name, content in audio.items():
        if isinstance(content, bytes):
            (folder / f"{name}.wav").write_bytes(content)
        else:
            soundfile.write(folder / f"{name}.wav", content, SAMPLE_RATE, subtype="PCM_16")
        rows.append(f"{name}.wav,{name},{9.0 if name == 'contradicts' else ''}")
    (folder / "transcripts.csv").write_text("\n".join(rows))
    return folder


def test_shipped_recordings_become_clips_of_one_loudness(tmp_path: Path) -> None:
    batch = prepare_folder(SPEECH, tmp_path)
    assert [u.id for u in batch.utterances] == [u.id for u in read_manifest(SPEECH / "manifest.jsonl")]
    assert batch.rejections == ()
    for utterance in read_manifest(batch.manifest):
        samples = read_clip(clip_path(batch.manifest, utterance))
        assert len(samples) / SAMPLE_RATE == pytest.approx(utterance.duration, abs=1e-3)
        assert condition(samples).loudness_before == pytest.approx(-23.0, abs=1.0)


def test_the_manifest_is_locked(tmp_path: Path) -> None:
    batch = prepare_folder(SPEECH, tmp_path)
    lock = read_lock(batch.manifest)
    assert lock == batch.lock
    assert lock is not None
    assert lock.utterances == len(batch.utterances)


def test_each_clip_carries_its_steps_from_its_recording_on(tmp_path: Path) -> None:
    utterance = prepare_folder(SPEECH, tmp_path).utterances[0]
    assert [step.name for step in utterance.lineage] == ["record", "decode", "condition"]
    record, decoding, conditioning = (step.parameters for step in utterance.lineage)
    assert (SPEECH / str(record["path"])).is_file()
    assert decoding["container"] == "flac"
    assert conditioning["target_lufs"] == -23.0
    assert "gain_db" in conditioning


def test_what_cannot_be_used_is_refused_with_its_reason_and_the_run_goes_on(
    tmp_path: Path, clip: Callable[[str], Samples]
) -> None:
    speech = clip("conf-getpin")
    source = corpus(
        tmp_path / "corpus",
        does_not_decode=b"RIFF\x24\x00\x00\x00WAVEnonsense" * 9,
        silent=np.zeros(SAMPLE_RATE, np.float32),
        clipped=np.clip(speech * 50, -1, 1),
        too_short=speech[:2_000],
        too_long=np.tile(speech, 20),
        contradicts=speech,
        good=speech,
    )
    batch = prepare_folder(source, tmp_path / "out")
    assert [utterance.id for utterance in batch.utterances] == ["good"]
    assert {rejection.id: rejection.reason for rejection in batch.rejections} == {
        "does_not_decode": "does_not_decode",
        "silent": "silent",
        "clipped": "clipped",
        "too_short": "too_short",
        "too_long": "too_long",
        "contradicts": "duration_contradicts",
    }
    assert read_rejections(tmp_path / "out" / "rejected.jsonl") == batch.rejections


def test_a_recording_that_breaks_off_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "corpus"
    source.mkdir()
    whole = (SPEECH / "tt-monkeysintro.flac").read_bytes()
    (source / "a.flac").write_bytes(whole[: len(whole) // 2])
    shutil.copyfile(SPEECH / "auth-thankyou.flac", source / "b.flac")
    (source / "transcripts.csv").write_text("file,text\na.flac,monkeys\nb.flac,thank you\n")
    (rejection,) = prepare_folder(source, tmp_path / "out").rejections
    assert (rejection.id, rejection.reason) == ("a", "breaks_off")


def test_a_clip_without_speech_is_kept_and_tagged(tmp_path: Path) -> None:
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    source = corpus(tmp_path / "corpus", tone=(0.1 * np.sin(2 * np.pi * 440 * time)).astype(np.float32))
    assert prepare_folder(source, tmp_path / "out").utterances[0].tags == ("no-speech",)


def test_the_same_audio_twice_is_stored_once(tmp_path: Path, clip: Callable[[str], Samples]) -> None:
    source = corpus(tmp_path / "corpus", first=clip("conf-getpin"), second=clip("conf-getpin"))
    batch = prepare_folder(source, tmp_path / "out")
    assert len({utterance.audio_filepath for utterance in batch.utterances}) == 1
    assert len(list((tmp_path / "out" / "clips").rglob("*.flac"))) == 1


def test_a_second_run_does_nothing_and_changes_nothing(tmp_path: Path) -> None:
    first = prepare_folder(SPEECH, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.flac")}
    second = prepare_folder(SPEECH, tmp_path)
    assert second.reused == len(first.utterances)
    assert second.utterances == first.utterances
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.flac")} == before


def test_a_clip_that_was_lost_is_made_again(tmp_path: Path) -> None:
    first = prepare_folder(SPEECH, tmp_path)
    clip_path(first.manifest, first.utterances[0]).unlink()
    assert prepare_folder(SPEECH, tmp_path).reused == len(first.utterances) - 1
    assert read_manifest(first.manifest) == first.utterances


def test_other_parameters_prepare_anew(tmp_path: Path) -> None:
    prepare_folder(SPEECH, tmp_path)
    assert prepare_folder(SPEECH, tmp_path, PreparationLimits(max_seconds=20.0)).reused == 0


def test_processes_give_what_one_process_gives(tmp_path: Path) -> None:
    source = tmp_path / "corpus"
    shutil.copytree(SPEECH, source)
    manifest = read_manifest(source / "manifest.jsonl")
    write_manifest(source / "manifest.jsonl", [replace(u, id=f"{u.id}-{n}") for u in manifest for n in range(2)])
    assert (
        prepare_folder(source, tmp_path / "two", processes=2).utterances
        == prepare_folder(source, tmp_path / "one").utterances
    )


def test_a_manifest_that_somebody_worked_on_is_not_overwritten(tmp_path: Path) -> None:
    batch = prepare_folder(SPEECH, tmp_path)
    corrected = [replace(utterance, text="corrected") for utterance in batch.utterances]
    write_manifest(batch.manifest, corrected)
    with pytest.raises(ManifestError, match="changed since it was made"):
        prepare_folder(SPEECH, tmp_path)
    assert list(read_manifest(batch.manifest)) == corrected


def test_a_lock_that_names_a_convention_outlives_a_run_that_changes_nothing(tmp_path: Path) -> None:
    batch = prepare_folder(SPEECH, tmp_path)
    lock = write_lock(batch.manifest, convention="voice-search-en/1")
    assert prepare_folder(SPEECH, tmp_path).lock == lock


def test_a_corpus_of_which_nothing_can_be_used_says_where_the_reasons_are(tmp_path: Path) -> None:
    source = corpus(tmp_path / "corpus", silence=np.zeros(SAMPLE_RATE, np.float32))
    with pytest.raises(ManifestError, match=r"none of 1 gave a clip.*rejected\.jsonl"):
        prepare_folder(source, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.jsonl").exists()
    assert read_rejections(tmp_path / "out" / "rejected.jsonl")[0].reason == "silent"


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path, clip: Callable[[str], Samples]) -> None:
    speech = clip("conf-getpin")
    source = corpus(tmp_path / "corpus", **{f"clip{n}": speech * np.float32(0.99 - n / 100) for n in range(40)})
    script = tmp_path / "run.py"
    script.write_text(
        "import sys\n"
        "from pathlib import Path\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from data.corpora.layout import read_corpus\n"
        "from data.preparation import PreparationLimits, prepare\n"
        "prepare(read_corpus(Path(sys.argv[2])), Path(sys.argv[3]), limits=PreparationLimits(), processes=1,\n"
        "        progress=lambda done, total: print(done, flush=True))\n"
    )
    out = tmp_path / "out"
    command = [sys.executable, str(script), str(ROOT), str(source), str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while int(process.stdout.readline()) == 0:
            pass
        process.send_signal(signal.SIGKILL)
    assert not (out / "manifest.jsonl").exists()
    with (out / ".manifest.journal.jsonl").open("a") as journal:
        journal.write('{"key": "0123", "utter')  # as a process killed while writing leaves it
    stored = {path: path.stat().st_mtime_ns for path in out.rglob("*.flac")}
    batch = prepare_folder(source, out)
    assert 0 < batch.reused < 40
    assert len(batch.utterances) == 40
    assert {path: path.stat().st_mtime_ns for path in stored} == stored
    assert all(json.loads(line) for line in (out / ".manifest.journal.jsonl").read_text().splitlines())


@pytest.mark.parametrize(
    "line",
    [
        '{"key": "k", "utterance": {"id": "x"}}',
        '{"key": "k", "rejection": {"id": "x", "since": "another version"}}',
        '{"key": "k"}',
        "[1]",
        "\0\0\0",
    ],
)
def test_what_another_version_or_a_loss_of_power_left_in_the_journal_is_done_again(tmp_path: Path, line: str) -> None:
    first = prepare_folder(SPEECH, tmp_path)
    with (tmp_path / ".manifest.journal.jsonl").open("a") as journal:
        journal.write(line + "\n")
    again = prepare_folder(SPEECH, tmp_path)
    assert (again.reused, again.lock) == (len(first.utterances), first.lock)


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    def again(done: int, total: int) -> None:
        prepare_folder(SPEECH, tmp_path)

    with pytest.raises(ManifestError, match="another run is writing it"):
        prepare(read_corpus(SPEECH), tmp_path, limits=LIMITS, processes=1, progress=again)
