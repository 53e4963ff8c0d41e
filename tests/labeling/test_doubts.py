"""Lists of doubtful labels: read from any table, written as JSONL, turned into tasks for the queue."""

from pathlib import Path

import pytest

from data.errors import LabelError
from data.records import Hypothesis, Utterance
from labeling.doubts import Doubt, disagreements_of, doubts_of, read_doubts, review_tasks, unsure_of, write_doubts
from labeling.review import Reason
from labeling.suspects import Evidence, EvidenceKind, Suspect
from labeling.transcriptions import Transcription


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    doubts = (Doubt("a", 'say "hi"', "heard, twice", 0.5), Doubt("b", "", "", 0.0))
    write_doubts(tmp_path / "doubts.jsonl", doubts)
    assert read_doubts(tmp_path / "doubts.jsonl") == doubts


def test_a_csv_of_an_error_report_is_read_and_its_doubts_count_whole(tmp_path: Path) -> None:
    path = tmp_path / "doubtful.csv"
    path.write_text('id,text,note\na,alien,"sounds like ""aliens"""\n', encoding="utf-8")
    assert read_doubts(path) == (Doubt("a", "alien", 'sounds like "aliens"', 1.0),)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("d.xlsx", b"", r"d.xlsx: the name must end in .csv, .tsv, .jsonl"),
        ("d.csv", b"clip,text\na,b\n", r"d.csv:1: there is no column 'id'"),
        ("d.csv", b"id,text\n,b\n", r"d.csv:2: there is no id"),
        ("d.csv", b"id,text,score\na,b,high\n", r"d.csv:2: score is 'high'; write a number from 0 to 1"),
        ("d.csv", b"id,text,score\na,b,nan\n", r"d.csv:2: score is 'nan'; write a number from 0 to 1"),
        ("d.csv", b"id,text,score\na,b,7\n", r"d.csv:2: score is '7'; write a number from 0 to 1"),
        ("d.csv", "id,text\na,\xe4\n".encode("latin-1"), r"d.csv:2: 'text' is not UTF-8"),
        ("d.jsonl", b'{"id": "a", "text": "b"}\noops\n', r"d.jsonl:2: not JSON"),
    ],
)
def test_a_bad_row_is_named_with_its_remedy(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LabelError, match=message):
        read_doubts(tmp_path / name)


def test_where_nothing_is_doubted_the_list_is_empty(tmp_path: Path) -> None:
    write_doubts(tmp_path / "doubts.jsonl", ())
    assert read_doubts(tmp_path / "doubts.jsonl") == ()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="cannot be read"):
        read_doubts(tmp_path / "none.csv")


def test_the_evidence_against_a_suspect_becomes_the_note() -> None:
    evidence = (Evidence(EvidenceKind.HEARD, 0.5, "heard 'x'"), Evidence(EvidenceKind.RATE, 0.1, "too long"))
    assert doubts_of([Suspect(Utterance("a", "a.flac", 1.0, "alien"), 0.55, evidence)]) == (
        Doubt("a", "alien", "heard 'x'; too long", 0.55),
    )


def test_the_less_sure_the_recogniser_the_higher_the_score() -> None:
    sure, unsure = (Utterance(name, f"{name}.flac", 1.0, confidence=c) for name, c in (("a", 0.9), ("b", 0.25)))
    assert unsure_of([sure, unsure, Utterance("c", "c.flac", 1.0)], below=0.5) == (
        Doubt("b", "", "recognised with a confidence of 0.25", 0.75),
    )


def test_only_clips_on_which_people_differ_are_doubted() -> None:
    lines = [Transcription("a", "x", "alien"), Transcription("a", "y", "aliens"), Transcription("b", "x", "alien")]
    assert disagreements_of(lines) == (Doubt("a", "alien", "x: 'alien', y: 'aliens'", 0.5),)


def test_a_task_carries_what_the_person_needs(tmp_path: Path) -> None:
    nbest = (Hypothesis("aliens", -0.1), Hypothesis("alien", -0.5))
    utterance = Utterance("a", "clips/a.flac", 1.5, "alien", pred_text="aliens", nbest=nbest)
    (task,) = review_tasks([Doubt("a", "alien", "heard", 0.7)], tmp_path / "m.jsonl", {"a": utterance}, Reason.SUSPECT)
    assert task.audio == str(tmp_path / "clips" / "a.flac")
    assert (task.text, task.hypotheses, task.note, task.priority) == ("alien", ("aliens", "alien"), "heard", 0.7)


def test_doubts_of_another_manifest_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="there is no clip 'a' in it"):
        review_tasks([Doubt("a", "alien")], tmp_path / "m.jsonl", {}, Reason.DOUBT)
