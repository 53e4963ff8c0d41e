"""An address that clients of OpenAI's transcription API can use unchanged."""

from typing import Annotated, Literal

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from data.errors import InvalidRequestError
from data.records import EventKind
from serve.access import caller_of
from serve.hearing import Heard
from serve.idempotency import IdempotencyKey
from serve.journal import Asked, device_of, new_query_id
from serve.pipeline import Answer
from serve.search import MAY_QUERY, REFUSALS, CurrentService, UserAgent
from serve.stopwatch import Stopwatch

router = APIRouter(prefix="/v1/audio", responses=REFUSALS)

Format = Literal["json", "text", "verbose_json", "srt", "vtt"]


@router.post(
    "/transcriptions",
    response_class=JSONResponse,
    dependencies=MAY_QUERY,
    responses={200: {"content": {"application/json": {}, "text/plain": {}, "text/vtt": {}}}},
)
async def transcribe(
    request: Request,
    service: CurrentService,
    file: Annotated[UploadFile, File(description="WAV, FLAC, Ogg, MP3, M4A/AAC or WebM.")],
    model: Annotated[str, Form(max_length=200, description="Any name; the release in service answers.")],
    response_format: Annotated[Format, Form()] = "json",
    language: Annotated[str, Form(max_length=35, description="English only: `en`.")] = "en",
    prompt: Annotated[str | None, Form(max_length=10_000, description="Accepted, not used.")] = None,
    temperature: Annotated[float, Form(ge=0, le=1, description="Accepted, not used: decoding is a beam search.")] = 0.0,
    stream: Annotated[bool, Form(description="Must be false.")] = False,
    user_agent: UserAgent = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Transcribe a recording."""
    if language.lower().split("-")[0] not in ("en", "english"):
        raise InvalidRequestError(f"language: {language!r} is not supported; the recogniser hears English (en)")
    if stream:
        raise InvalidRequestError("stream: answers come whole; leave it out or send false")
    content = await file.read()

    async def hear() -> Heard:
        asked = Asked(new_query_id(), EventKind.TRANSCRIPTION, content, None, device_of(user_agent))
        watch = Stopwatch()
        with service.journal.refusals(asked, watch, service.release):
            heard = await service.hear(request, content)
        watch.timings_ms |= heard.timings_ms
        service.journal.answered(asked, Answer(heard.transcript, (), False, service.release, watch.finished(), heard))
        return heard

    about = (request.url.path, content, response_format)
    return rendered(await service.answers.once(caller_of(request), idempotency_key, about, hear), response_format)


def rendered(heard: Heard, response_format: Format) -> Response:
    """Write a transcript in one of OpenAI's formats.

    Args:
        heard: What was heard.
        response_format: Which.

    Returns:
        The response; without text, subtitles have no cue.
    """
    text = heard.transcript.text
    if response_format == "json":
        return JSONResponse({"text": text})
    if response_format == "text":
        return PlainTextResponse(text + "\n")
    if response_format == "verbose_json":
        return JSONResponse(_verbose(heard))
    start, end = timestamp(heard.start), timestamp(heard.end)
    if response_format == "vtt":
        cue = f"{start} --> {end}\n{text}\n\n" if text else ""
        return PlainTextResponse(f"WEBVTT\n\n{cue}", media_type="text/vtt")
    cue = f"1\n{start} --> {end}\n{text}\n\n" if text else ""
    return PlainTextResponse(cue.replace(".", ",", 2) if text else "")


def timestamp(seconds: float) -> str:
    """Write a time as WebVTT does, `00:00:01.250`.

    Args:
        seconds: At least 0.

    Returns:
        Hours, minutes, seconds and milliseconds.
    """
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _verbose(heard: Heard) -> dict[str, object]:
    transcript = heard.transcript
    segment = {
        "id": 0,
        "seek": 0,
        "start": round(heard.start, 3),
        "end": round(heard.end, 3),
        "text": transcript.text,
        "tokens": [],
        "temperature": 0.0,
        "avg_logprob": transcript.nbest[0].log_prob if transcript.nbest else 0.0,
        "compression_ratio": transcript.compression_ratio,
        "no_speech_prob": transcript.no_speech_prob,
    }
    return {
        "task": "transcribe",
        "language": "english",
        "duration": round(heard.recording.seconds, 3),
        "text": transcript.text,
        "segments": [segment] if transcript.text else [],
    }
