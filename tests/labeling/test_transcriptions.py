"""The file of transcriptions: nothing is lost on the way, and bad lines are named."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import LabelError
from labeling.transcriptions import Transcription, by_clip, read_transcriptions, write_transcriptions

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TRANSCRIPTIONS = st.builds(
    Transcription,
    clip=TEXT,
    transcriber=TEXT,
    text=TEXT,
    take=st.integers(1, 5),
    tags=st.lists(TEXT, max_size=3).map(tuple),
    at=st.none() | st.datetimes().map(lambda at: at.isoformat()),
    seconds=st.none() | st.floats(0, 1e6),
    skipped=st.booleans(),
    ground_truth=st.booleans(),
)


@given(st.lists(TRANSCRIPTIONS, min_size=1, max_size=5, unique_by=lambda t: (t.clip, t.transcriber, t.take)))
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, transcriptions: list[Transcription]
) -> None:
    path = tmp_path_factory.mktemp("t") / "labels.jsonl"
    write_transcriptions(path, transcriptions)
    assert read_transcriptions(path) == tuple(transcriptions)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"oops\n", r"labels.jsonl:1: not JSON"),
        (b"\n[1]\n", r"labels.jsonl:2: not a JSON object"),
        (b'{"id": "a", "text": "x"}\n', r"labels.jsonl:1: 'transcriber' is None; every line needs it"),
        (b'{"id": 1, "transcriber": "x", "text": "x"}\n', r"labels.jsonl:1: 'id' is 1"),
        (b'{"id": "a", "transcriber": "x", "text": "x", "take": "two"}\n', r"labels.jsonl:1: a value has the wrong"),
        (
            b'{"id": "a", "transcriber": "x", "text": "x"}\n' * 2,
            r"labels.jsonl:2: 'x' has take 1 of clip 'a' on line 1",
        ),
        (b"\xff\xfe\n", r"labels.jsonl: not UTF-8"),
        (b"\n", r"labels.jsonl: there are no transcriptions"),
    ],
)
def test_a_bad_line_is_named_with_its_remedy(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(content)
    with pytest.raises(LabelError, match=message):
        read_transcriptions(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="cannot be read"):
        read_transcriptions(tmp_path / "none.jsonl")


def test_skipped_clips_are_left_out_of_the_groups() -> None:
    kept, skipped = Transcription("a", "x", "alien"), Transcription("a", "y", "", skipped=True)
    assert by_clip([kept, skipped]) == {"a": (kept,)}
