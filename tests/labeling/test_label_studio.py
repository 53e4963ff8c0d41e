"""Exchange with Label Studio: nothing lost either way, and other projects refused in one line."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.errors import LabelError
from data.records import Hypothesis, Step, Utterance
from labeling.label_studio import Exchange, from_label_studio, to_label_studio
from labeling.transcriptions import Transcription

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
UTTERANCES = st.builds(
    Utterance,
    id=NAME,
    audio_filepath=NAME,
    duration=st.integers(0, 10**6).map(lambda n: n / 1e4),
    text=TEXT,
    speaker=st.none() | TEXT,
    source=st.none() | TEXT,
    split=st.none() | st.sampled_from(["train", "test"]),
    tags=st.lists(TEXT, max_size=2).map(tuple),
    lineage=st.lists(
        st.builds(Step, TEXT, TEXT, st.dictionaries(TEXT, TEXT | st.integers() | st.booleans(), max_size=2)), max_size=2
    ).map(tuple),
    recorded_at=st.none() | TEXT,
    pred_text=st.none() | TEXT,
    confidence=st.none() | st.floats(0, 1),
    nbest=st.lists(st.builds(Hypothesis, TEXT, st.floats(-50, 0)), max_size=2).map(tuple),
)
LABELS = st.builds(
    Transcription,
    clip=st.just(""),
    transcriber=NAME | st.integers(0, 99).map(str),
    text=TEXT,
    tags=st.lists(TEXT, max_size=2).map(tuple),
    at=st.none() | st.datetimes().map(lambda at: at.isoformat()),
    seconds=st.none() | st.floats(0, 1e6),
    skipped=st.booleans(),
    ground_truth=st.booleans(),
)


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    """Utterances with what any number of people wrote for them, once or several times each."""
    utterances = draw(st.lists(UTTERANCES, min_size=1, max_size=4, unique_by=lambda utterance: utterance.id))
    transcriptions = []
    for utterance in utterances:
        takes: dict[str, int] = {}
        for label in draw(st.lists(LABELS, max_size=3)):
            takes[label.transcriber] = takes.get(label.transcriber, 0) + 1
            transcriptions.append(replace(label, clip=utterance.id, take=takes[label.transcriber]))
    return Exchange(tuple(utterances), tuple(transcriptions))


@given(exchanges())
def test_what_is_exported_is_imported_whole(exchange: Exchange) -> None:
    exported = to_label_studio(exchange.utterances, exchange.transcriptions)
    assert from_label_studio(exported, "export.json") == exchange


@given(exchanges())
def test_what_is_imported_is_exported_as_it_was(exchange: Exchange) -> None:
    exported = to_label_studio(exchange.utterances, exchange.transcriptions)
    imported = from_label_studio(exported, "export.json")
    assert json.loads(to_label_studio(imported.utterances, imported.transcriptions)) == json.loads(exported)


def task(*annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    """A task as Label Studio exports it, with the fields that only the server fills."""
    return {
        "id": 7,
        "created_at": "2025-03-09T21:52:49.513742Z",
        "updated_at": "2025-03-09T22:16:08.746926Z",
        "project": 83,
        "inner_id": 1,
        "total_annotations": len(annotations),
        "drafts": [],
        "data": data or {"audio": "/data/local-files/?d=clips%2Falien.flac"},
        "annotations": list(annotations),
        "predictions": [],
    }


def annotation(*results: Any, by: Any = 10, **more: Any) -> dict[str, Any]:
    return {
        "id": 1001, "completed_by": by, "result": list(results), "was_cancelled": False, "ground_truth": False,
        "created_at": "2025-03-09T22:16:08.728353Z", "updated_at": "2025-03-09T22:16:08.728378Z", "lead_time": 4.288,
        "result_count": 1, "task": 7, **more,
    }  # fmt: skip


def textarea(*texts: str, **value: Any) -> dict[str, Any]:
    return {
        "id": "Dx_aB91ISN", "from_name": "transcription", "to_name": "audio", "type": "textarea", "origin": "manual",
        "value": {"text": list(texts), **value},
    }  # fmt: skip


def imported(*tasks: Any) -> Exchange:
    return from_label_studio(json.dumps(list(tasks)), "export.json")


def test_an_export_with_several_annotators_is_read() -> None:
    choices = {"type": "choices", "from_name": "tags", "to_name": "audio", "value": {"choices": ["noise"]}}
    exchange = imported(
        task(
            annotation(textarea("alien"), choices),
            annotation(textarea("aliens"), by={"id": 3, "email": "ada@example.org", "first_name": "Ada"}),
            annotation(textarea("alien"), ground_truth=True),
            annotation(by=11, was_cancelled=True),
        )
    )
    assert exchange.utterances == ()
    assert [(t.clip, t.transcriber, t.text, t.take, t.skipped, t.ground_truth) for t in exchange.transcriptions] == [
        ("alien", "10", "alien", 1, False, False),
        ("alien", "ada@example.org", "aliens", 1, False, False),
        ("alien", "10", "alien", 2, False, True),
        ("alien", "11", "", 1, True, False),
    ]
    assert (exchange.transcriptions[0].tags, exchange.transcriptions[0].seconds) == (("noise",), 4.288)


@pytest.mark.parametrize(
    ("data", "clip"),
    [
        ({"audio": "/data/local-files/?d=clips%2Fmy%20alien.flac"}, "my alien"),
        ({"audio": "/data/upload/3/1a2b3c4d-alien.wav"}, "alien"),
        ({"audio": "s3://bucket/ab/alien.wav"}, "alien"),
        ({"url": "https://example.org/alien.mp3?x=1"}, "alien"),
        ({"audio": "x.wav", "clip": "alien"}, "alien"),
    ],
)
def test_a_clip_without_a_manifest_line_is_named_after_its_file(data: dict[str, str], clip: str) -> None:
    assert imported(task(annotation(textarea("x")), **data)).transcriptions[0].clip == clip


def test_the_pre_annotation_is_the_recognisers_text_or_else_the_label() -> None:
    labelled = Utterance("a", "a.flac", 1.0, "alien")
    recognised = replace(labelled, id="b", pred_text="aliens", confidence=0.5)
    tasks = json.loads(to_label_studio([labelled, recognised, replace(labelled, id="c", text="")]))
    shown = [
        [(p["model_version"], p.get("score"), p["result"][0]["value"]["text"]) for p in t["predictions"]] for t in tasks
    ]
    assert shown == [[("label", None, ["alien"])], [("recogniser", 0.5, ["aliens"])], []]


def test_takes_keep_their_order_in_whatever_order_they_are_listed() -> None:
    takes = (Transcription("a", "ada", "second", take=2), Transcription("a", "ada", "first", take=1))
    written = to_label_studio([Utterance("a", "a.flac", 1.0)], takes)
    assert sorted(from_label_studio(written, "tasks.json").transcriptions, key=lambda t: -t.take) == list(takes)


def test_one_task_by_itself_is_an_export_too() -> None:
    assert from_label_studio(json.dumps(task(annotation(textarea("x")))), "7.json").transcriptions[0].text == "x"


RECTANGLE = {
    "type": "rectanglelabels",
    "from_name": "tag",
    "to_name": "img",
    "value": {"x": 1, "rectanglelabels": ["M"]},
}
SEGMENT = {
    "type": "labels",
    "from_name": "labels",
    "to_name": "audio",
    "value": {"start": 0, "end": 1, "labels": ["S"]},
}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            [task(annotation(RECTANGLE), image="x.jpg")],
            "task 1: no audio in its data, but 'image'; this is another project",
        ),
        ([task(annotation(RECTANGLE))], "task 1: 'rectanglelabels', not a transcript of a whole clip"),
        ([task(annotation(SEGMENT))], "task 1: 'labels' of a part of the clip, not a transcript of a whole clip"),
        ([task(annotation(textarea("x", start=0, end=1)))], "task 1: 'textarea' of a part of the clip"),
        ([{"audio": "a.wav", "transcription": "x"}], "task 1: no 'data' in it, as in JSON-MIN"),
        ([task(annotation(textarea("x"))), task()], "task 2: clip 'alien' is task 1 already; remove one"),
        ([task(audio="a.wav", utterance={"id": "a"})], "task 1: the key 'audio_filepath' is missing"),
        ([task({"id": 1})], "task 1: an annotation without a result"),
        ([task({**annotation(), "result": ["x"]})], "task 1: a result without a value"),
        ([task(annotation(textarea("x") | {"value": ["x"]}))], "task 1: a result without a value"),
        ([task(annotation(textarea("x") | {"value": {"text": [1]}}))], "task 1: [1] where texts should be"),
        ([task(annotation(textarea("x")) | {"lead_time": "long"})], "task 1: a lead_time of 'long'"),
        ([task() | {"annotations": 3}], "task 1: 'annotations' is not a list"),
        ([1], "task 1: not a task"),
        ([], "not a list of tasks"),
        ("text", "not a list of tasks"),
    ],
)
def test_an_export_of_another_kind_is_refused_in_one_line(content: Any, message: str) -> None:
    with pytest.raises(LabelError) as raised:
        from_label_studio(json.dumps(content), "export.json")
    assert str(raised.value).startswith("export.json: ")
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_json_is_refused_with_its_line() -> None:
    with pytest.raises(LabelError, match=r"export.csv:1: not JSON"):
        from_label_studio("audio,text\n", "export.csv")
