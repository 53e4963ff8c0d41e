"""Exchange with Label Studio in its JSON format: tasks with pre-annotations out, completed annotations in.

A task carries its whole manifest line, so that nothing of an utterance is lost on the way. Projects are those of
`CONFIG`: one text area on one audio clip, and choices that become tags. Format: labelstud.io/guide/task_format.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from data.errors import LabelError, ManifestError
from data.manifest import from_line, to_line
from data.records import Utterance
from labeling.transcriptions import Transcription

CONFIG = """\
<View>
  <Audio name="audio" value="$audio" zoom="true" hotkey="ctrl+enter"/>
  <TextArea name="transcription" toName="audio" rows="3" editable="true" maxSubmissions="1"/>
  <Choices name="tags" toName="audio" choice="multiple" showInline="true">
    <Choice value="noise"/>
    <Choice value="unintelligible"/>
  </Choices>
</View>
"""
"""Labelling configuration of a project that this exchange understands; paste it into the project's settings."""

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio addresses clips on its own disk, below LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""

REMEDY = "export a project of the 'Audio Transcription' template as JSON"


@dataclass(frozen=True, slots=True)
class Exchange:
    """What an export holds: utterances, where their tasks came from here, and what people wrote."""

    utterances: tuple[Utterance, ...]
    transcriptions: tuple[Transcription, ...]


def to_label_studio(
    utterances: Sequence[Utterance], transcriptions: Sequence[Transcription] = (), *, prefix: str = LOCAL_FILES
) -> str:
    """Write tasks for Label Studio.

    Args:
        utterances: One task each. The text that a recogniser gave, or else the label, is the pre-annotation.
        transcriptions: What people wrote already; it becomes annotations.
        prefix: What stands before each clip's path in its address.

    Returns:
        JSON, to be imported into a project with the configuration `CONFIG`.
    """
    written: dict[str, list[Transcription]] = {}
    for transcription in transcriptions:
        written.setdefault(transcription.clip, []).append(transcription)
    return json.dumps(
        [
            {
                "data": {
                    "audio": prefix + quote(utterance.audio_filepath),
                    "clip": utterance.id,
                    "utterance": json.loads(to_line(utterance)),
                },
                "predictions": list(_predictions(utterance)),
                "annotations": [_annotation(each) for each in _in_order(written.get(utterance.id, ()))],
            }
            for utterance in utterances
        ],
        ensure_ascii=False,
        indent=1,
    )


def from_label_studio(text: str, where: str) -> Exchange:
    """Read an export of Label Studio.

    Args:
        text: JSON as Label Studio writes it, of a whole project or of one task.
        where: The file, for messages.

    Returns:
        What is in it. Several annotations of one clip by one person are that person's takes, in their order.

    Raises:
        LabelError: It is not such an export, is of another project type, or holds what a transcription cannot.
    """
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise LabelError(f"{where}:{error.lineno}: not JSON ({error.msg}); {REMEDY}") from error
    tasks = [content] if isinstance(content, dict) else content
    if not isinstance(tasks, list) or not tasks:
        raise LabelError(f"{where}: not a list of tasks; {REMEDY}")
    utterances: list[Utterance] = []
    transcriptions: list[Transcription] = []
    seen: dict[str, int] = {}
    for number, task in enumerate(tasks, 1):
        place = f"{where}: task {number}"
        data = _data(task, place)
        utterance = _utterance(data, place)
        clip = utterance.id if utterance else _clip(data)
        if clip in seen:
            raise LabelError(f"{place}: clip {clip!r} is task {seen[clip]} already; remove one")
        seen[clip] = number
        utterances += [utterance] if utterance else []
        takes: dict[str, int] = {}
        annotations = task.get("annotations") or []
        if not isinstance(annotations, list):
            raise LabelError(f"{place}: 'annotations' is not a list; {REMEDY}")
        transcriptions += [_transcription(annotation, clip, takes, place) for annotation in annotations]
    return Exchange(tuple(utterances), tuple(transcriptions))


def _in_order(group: Sequence[Transcription]) -> Iterator[Transcription]:
    """Give each person's takes in their order, for reading numbers them so; whose turn it is stays as it was."""
    takes: dict[str, list[Transcription]] = {}
    for transcription in sorted(group, key=lambda each: -each.take):
        takes.setdefault(transcription.transcriber, []).append(transcription)
    return (takes[each.transcriber].pop() for each in group)


def _predictions(utterance: Utterance) -> Iterator[dict[str, Any]]:
    text = utterance.pred_text or utterance.text
    if text:
        source = "recogniser" if utterance.pred_text else "label"
        score = {"score": utterance.confidence} if utterance.pred_text and utterance.confidence is not None else {}
        yield {"model_version": source, "result": [_text_result(text, utterance.id, source)], **score}


def _annotation(transcription: Transcription) -> dict[str, Any]:
    results = [
        _text_result(transcription.text, transcription.clip, f"{transcription.transcriber} {transcription.take}")
    ]
    if transcription.tags:
        results.append(
            results[0] | {"from_name": "tags", "type": "choices", "value": {"choices": list(transcription.tags)}}
        )
    annotation: dict[str, Any] = {
        "completed_by": _user(transcription.transcriber),
        "result": results if transcription.text or transcription.tags else [],
        "was_cancelled": transcription.skipped,
        "ground_truth": transcription.ground_truth,
    }
    if transcription.at is not None:
        annotation["created_at"] = transcription.at
    if transcription.seconds is not None:
        annotation["lead_time"] = transcription.seconds
    return annotation


def _text_result(text: str, clip: str, author: str) -> dict[str, Any]:
    return {
        "id": hashlib.sha256(f"{clip}\0{author}".encode()).hexdigest()[:10],
        "from_name": "transcription",
        "to_name": "audio",
        "type": "textarea",
        "value": {"text": [text]},
    }


def _user(transcriber: str) -> int | dict[str, str]:
    """Name a person as Label Studio does: by number, or by e-mail address."""
    return int(transcriber) if re.fullmatch("0|[1-9][0-9]{0,17}", transcriber) else {"email": transcriber}


def _data(task: Any, place: str) -> dict[str, Any]:
    if not isinstance(task, dict):
        raise LabelError(f"{place}: not a task; {REMEDY}")
    if not isinstance(data := task.get("data"), dict):
        raise LabelError(f"{place}: no 'data' in it, as in JSON-MIN; {REMEDY}")
    if not isinstance(data.get("audio", data.get("url")), str):
        held = ", ".join(map(repr, data)) or "nothing"
        raise LabelError(f"{place}: no audio in its data, but {held}; this is another project type: {REMEDY}")
    return data


def _utterance(data: dict[str, Any], place: str) -> Utterance | None:
    if "utterance" not in data:
        return None
    try:
        return from_line(json.dumps(data["utterance"]), place)
    except ManifestError as error:
        raise LabelError(f"{error}; the task's 'utterance' must stay as it was exported") from error


def _clip(data: dict[str, Any]) -> str:
    """Name the clip of a task that was not made here: after its file."""
    if isinstance(data.get("clip"), str):
        return str(data["clip"])
    address = urlsplit(str(data.get("audio", data.get("url"))))
    path = PurePosixPath(parse_qs(address.query).get("d", [unquote(address.path)])[0])
    # Files uploaded through Label Studio get eight random digits before their name.
    return re.sub("^[0-9a-f]{8}-", "", path.stem) if "upload" in path.parts else path.stem


def _transcription(annotation: Any, clip: str, takes: dict[str, int], place: str) -> Transcription:
    if not isinstance(annotation, dict) or not isinstance(annotation.get("result"), list):
        raise LabelError(f"{place}: an annotation without a result; {REMEDY}")
    texts: list[str] = []
    tags: list[str] = []
    for result in annotation["result"]:
        value = result.get("value", {}) if isinstance(result, dict) else None
        if not isinstance(value, dict):
            raise LabelError(f"{place}: a result without a value; {REMEDY}")
        kind = result.get("type")
        if kind == "textarea" and "start" not in value:
            texts += _texts(value.get("text"), place)
        elif kind == "choices" and "start" not in value:
            tags += _texts(value.get("choices"), place)
        else:
            what = f"{kind!r} of a part of the clip" if "start" in value else f"{kind!r}"
            raise LabelError(
                f"{place}: {what}, not a transcript of a whole clip; this is another project type: {REMEDY}"
            )
    transcriber = _transcriber(annotation.get("completed_by"))
    takes[transcriber] = takes.get(transcriber, 0) + 1
    at, seconds = annotation.get("created_at"), annotation.get("lead_time")
    if not isinstance(seconds, int | float | None):
        raise LabelError(f"{place}: a lead_time of {seconds!r}; {REMEDY}")
    return Transcription(
        clip=clip,
        transcriber=transcriber,
        text=" ".join(texts),
        take=takes[transcriber],
        tags=tuple(tags),
        at=None if at is None else str(at),
        seconds=None if seconds is None else float(seconds),
        skipped=bool(annotation.get("was_cancelled")),
        ground_truth=bool(annotation.get("ground_truth")),
    )


def _texts(value: Any, place: str) -> list[str]:
    """Read one text or a list of them."""
    texts = [value] if isinstance(value, str) else value or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise LabelError(f"{place}: {value!r} where texts should be; {REMEDY}")
    return texts


def _transcriber(user: Any) -> str:
    if isinstance(user, dict):
        return str(user.get("email") or user.get("id", ""))
    return "unknown" if user is None else str(user)
