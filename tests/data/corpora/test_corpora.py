"""Corpora in their true layouts: what is read from each, and what each refuses."""

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from data.corpora.asterisk import fetch_asterisk, is_asterisk
from data.corpora.layout import read_corpus
from data.corpora.recording import Corpus
from data.errors import InvalidRequestError, ManifestError, ToolMissingError

SPEECH = Path(__file__).parents[3] / "examples" / "speech"


def place(name: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SPEECH / f"{name}.flac", target)


def write(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path


def texts(corpus: Corpus) -> dict[str, str]:
    return {recording.id: recording.text for recording in corpus.recordings}


# Asterisk


@pytest.fixture
def asterisk(tmp_path: Path) -> Path:
    (tmp_path / "sounds" / "digits").mkdir(parents=True)
    for name in ("auth-thankyou", "beep", "digits/7"):
        (tmp_path / "sounds" / f"{name}.g722").write_bytes(b"\0" * 800)
    listed = [
        "; Core Sounds",
        "",
        "auth-thankyou: Thank you.",
        "beep: [this is a simple beep tone]",
        "digits/7: seven",
        "x: Gone",
    ]
    (tmp_path / "core-sounds-en.txt.gz").write_bytes(gzip.compress("\n".join(listed).encode()))
    (tmp_path / "VERSION").write_text("1.6.1\n")
    return tmp_path


def test_asterisk_prompts_are_named_after_their_place_and_read_as_g722(asterisk: Path) -> None:
    corpus = read_corpus(asterisk)
    assert corpus.source == "asterisk-core-sounds-en 1.6.1"
    assert texts(corpus) == {"auth-thankyou": "Thank you.", "beep": "[this is a simple beep tone]", "digits-7": "seven"}
    assert {recording.container for recording in corpus.recordings} == {"g722"}
    assert {recording.speaker for recording in corpus.recordings} == {"allison"}


def test_a_prompt_without_words_is_tagged(asterisk: Path) -> None:
    assert {r.id: r.tags for r in read_corpus(asterisk).recordings}["beep"] == ("non-speech",)


def test_fetched_prompts_are_not_fetched_again(asterisk: Path) -> None:
    assert fetch_asterisk(asterisk) == asterisk


def test_nothing_is_fetched_into_a_folder_with_something_else(tmp_path: Path) -> None:
    write(tmp_path / "thesis.txt", "mine")
    with pytest.raises(InvalidRequestError, match="--out"):
        fetch_asterisk(tmp_path)
    assert (tmp_path / "thesis.txt").is_file()


def test_where_there_is_no_debian_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match=r"apt-get is not installed.*Debian"):
        fetch_asterisk(tmp_path / "asterisk")
    assert not (tmp_path / "asterisk").exists()


@pytest.mark.slow
@pytest.mark.network
def test_the_real_prompts_are_fetched_without_root(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needs_tool: Callable[[str], str]
) -> None:
    needs_tool("apt-get")
    monkeypatch.chdir(tmp_path)
    folder = fetch_asterisk(Path("asterisk"))
    assert is_asterisk(folder)
    assert len(read_corpus(folder).recordings) == 568


# LibriSpeech


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    chapter = tmp_path / "LibriSpeech" / "dev-clean" / "1272" / "128104"
    place("auth-thankyou", chapter / "1272-128104-0000.flac")
    place("conf-getpin", chapter / "1272-128104-0001.flac")
    write(
        chapter / "1272-128104.trans.txt",
        "1272-128104-0000 THANK YOU",
        "1272-128104-0001 PLEASE ENTER THE CONFERENCE PIN NUMBER",
    )
    return tmp_path


def test_librispeech_gives_speakers_and_texts(librispeech: Path) -> None:
    first, second = read_corpus(librispeech).recordings
    assert (first.id, first.text, first.speaker) == ("1272-128104-0000", "THANK YOU", "1272")
    assert second.path == PurePosixPath("LibriSpeech/dev-clean/1272/128104/1272-128104-0001.flac")


def test_a_librispeech_line_without_its_audio_is_named(librispeech: Path) -> None:
    next(librispeech.rglob("*0001.flac")).unlink()
    with pytest.raises(ManifestError, match=r"trans\.txt:2: there is no file .*1272-128104-0001\.flac; fetch it"):
        read_corpus(librispeech)


# NeMo


def nemo_line(**values: object) -> str:
    return json.dumps({"audio_filepath": "wavs/a.flac", "duration": 0.96, "text": "thank you", **values})


def test_a_nemo_manifest_claims_lengths(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "wavs" / "a.flac")
    write(tmp_path / "train_manifest.json", nemo_line(speaker="7"))
    (recording,) = read_corpus(tmp_path / "train_manifest.json").recordings
    assert (recording.id, recording.text, recording.speaker, recording.seconds) == ("wavs-a", "thank you", "7", 0.96)


def test_absolute_paths_are_taken_where_they_stay_in_the_root(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "audio" / "a.flac")
    manifest = write(tmp_path / "lists" / "train.json", nemo_line(audio_filepath=str(tmp_path / "audio" / "a.flac")))
    with pytest.raises(ManifestError, match=r"train\.json:1: .* points outside .*--root"):
        read_corpus(manifest)
    (recording,) = read_corpus(manifest, tmp_path / "audio").recordings
    assert recording.path == PurePosixPath("a.flac")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{audio_filepath: broken", "not JSON"),
        (json.dumps({"audio_filepath": "wavs/a.flac"}), "the key 'duration' is missing"),
        (nemo_line(audio_filepath="../a.flac"), "points outside"),
        (nemo_line(audio_filepath="/etc/passwd"), "points outside"),
        (nemo_line(audio_filepath="wavs/b.flac"), "there is no file"),
        (nemo_line(offset=2.5), "a segment of a longer file"),
    ],
)
def test_a_nemo_line_that_cannot_be_used_is_named_with_its_remedy(tmp_path: Path, line: str, message: str) -> None:
    place("auth-thankyou", tmp_path / "wavs" / "a.flac")
    manifest = write(tmp_path / "manifest.json", nemo_line(), line)
    with pytest.raises(ManifestError, match=rf"manifest\.json:2: .*{message}.*;"):
        read_corpus(manifest)


# A folder with a table


def test_common_voice_is_known_by_its_columns(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "clips" / "common_voice_en_1.mp3")
    place("conf-getpin", tmp_path / "clips" / "common_voice_en_2.mp3")
    write(
        tmp_path / "validated.tsv",
        "client_id\tpath\tsentence_id\tsentence\tup_votes\tdown_votes\tage\tgender\taccents\tlocale",
        'ab12\tcommon_voice_en_1.mp3\t9\t"Thank you," she said.\t2\t0\ttwenties\tfemale_feminine\t\ten',
        "cd34\tcommon_voice_en_2.mp3\t8\tPlease enter the pin.\t2\t0\t\t\t\ten",
    )
    first, second = read_corpus(tmp_path).recordings
    assert (first.text, first.speaker) == ('"Thank you," she said.', "ab12")
    assert first.tags == ("gender:female_feminine", "age:twenties")
    assert second.path == PurePosixPath("clips/common_voice_en_2.mp3")


def test_hugging_face_audiofolder_is_known_by_its_columns(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "train" / "a.flac")
    place("conf-getpin", tmp_path / "test" / "a.flac")
    write(tmp_path / "train" / "metadata.csv", "file_name,transcription", 'a.flac,"Thank you, then."')
    write(tmp_path / "test" / "metadata.jsonl", json.dumps({"file_name": "a.flac", "transcription": "Please."}))
    assert texts(read_corpus(tmp_path)) == {"test-a": "Please.", "train-a": "Thank you, then."}


def test_a_table_of_ones_own_may_name_speaker_time_and_length(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "a.flac")
    table = write(
        tmp_path / "mine.csv", "file;text;speaker;recorded_at;seconds", "a.flac;Thank you;ann;2026-03-01;0.96"
    )
    (recording,) = read_corpus(table).recordings
    assert (recording.speaker, recording.recorded_at, recording.seconds) == ("ann", "2026-03-01", 0.96)


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        ("file,text", "../a.flac,hello", "mine.csv:2: .*points outside"),
        ("file,text", "b.flac,hello", "mine.csv:2: there is no file"),
        ("file,text", ",hello", "mine.csv:2: 'file' is empty"),
        ("file,text,seconds", "a.flac,hello,long", "mine.csv:2: 'long' is not a number"),
        ("file,text,seconds", "a.flac,hello,nan", "mine.csv:2: 'nan' is not a number"),
        ("file,text,seconds", "a.flac,hello,inf", "mine.csv:2: 'inf' is not a number"),
        ("file,words", "a.flac,hello", "mine.csv: no column holds the transcripts"),
        ("sound,text", "a.flac,hello", "mine.csv: no column names the audio files"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_with_its_remedy(
    tmp_path: Path, header: str, row: str, message: str
) -> None:
    place("auth-thankyou", tmp_path / "corpus" / "a.flac")
    place("auth-thankyou", tmp_path / "a.flac")
    with pytest.raises(ManifestError, match=rf"{message}.*;"):
        read_corpus(write(tmp_path / "corpus" / "mine.csv", header, row))


def test_a_table_in_another_encoding_is_refused_at_the_first_such_row(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "a.flac")
    table = write(tmp_path / "mine.csv", "file,text", "a.flac,Amélie", encoding="latin-1")
    with pytest.raises(ManifestError, match=r"mine\.csv:2: 'text' is not UTF-8: save the file as UTF-8"):
        read_corpus(table)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_a_table_in_utf_16_is_named_as_such(tmp_path: Path, encoding: str) -> None:
    place("auth-thankyou", tmp_path / "a.flac")
    table = write(tmp_path / "mine.csv", "file,text", "a.flac,Thank you", encoding=encoding)
    with pytest.raises(ManifestError, match=r"mine\.csv: the file is UTF-16; save it as UTF-8"):
        read_corpus(table)


# Any


def test_an_empty_corpus_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"mine\.csv: the corpus is empty"):
        read_corpus(write(tmp_path / "mine.csv", "file,text"))


def test_a_folder_in_no_known_layout_is_told_what_would_be_known(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "a.flac")
    with pytest.raises(ManifestError, match=r"metadata\.csv.*add one"):
        read_corpus(tmp_path)


def test_a_missing_source_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="there is no such file or folder"):
        read_corpus(tmp_path / "nowhere")


def test_two_recordings_that_would_share_a_name_are_refused(tmp_path: Path) -> None:
    place("auth-thankyou", tmp_path / "a-b.flac")
    place("conf-getpin", tmp_path / "a" / "b.flac")
    table = write(tmp_path / "mine.csv", "file,text", "a-b.flac,one", "a/b.flac,two")
    with pytest.raises(ManifestError, match="'a-b'; rename one"):
        read_corpus(table)
