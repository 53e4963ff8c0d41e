"""The addresses of search: by voice, by typing, what can be searched, and what people did with the results."""

from dataclasses import dataclass
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Body, Depends, File, Form, Header, Query, Request, UploadFile
from pydantic import StringConstraints

from data.records import EventKind, NullReason, SearchHit, Transcript
from serve.access import caller_of, needs
from serve.choices import Scope
from serve.errors import ErrorAnswer
from serve.feedback import Feedback, Receipt
from serve.hearing import Conditioning
from serve.idempotency import IdempotencyKey
from serve.journal import Asked, device_of, new_query_id
from serve.pipeline import Answer, answer_heard, answer_text
from serve.state import Service, service_of
from serve.stopwatch import Stopwatch

REFUSALS: dict[int | str, dict[str, object]] = {
    status: {"model": ErrorAnswer} for status in (400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503, 504)
}

router = APIRouter(prefix="/v1", responses=REFUSALS)

MAX_QUERY = 2_000
"""Most letters of a typed query; escaped, any such fits into the address that the server library reads."""

MAY_QUERY = [Depends(needs(Scope.QUERY))]

SessionId = Annotated[str, StringConstraints(pattern=r"^[\w.:-]{1,128}$")]
Limit = Annotated[int, Query(ge=1, le=50, description="Most results.")]
CurrentService = Annotated[Service, Depends(service_of)]
UserAgent = Annotated[str | None, Header()]


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """What a query is answered with; `conditioning` is null for typed text.

    `sure` is false where no item is surely meant; the results then are the nearest few: "did you mean".
    """

    query_id: str
    transcript: Transcript
    results: tuple[SearchHit, ...]
    sure: bool
    null_reason: NullReason | None
    release: str
    timings_ms: dict[str, float]
    conditioning: Conditioning | None


@dataclass(frozen=True, slots=True)
class CatalogueAnswer:
    """What can be searched: the catalogue's name and size, the fields shown, and queries to try."""

    name: str
    items: int
    fields: tuple[str, ...]
    examples: tuple[str, ...]


@router.post("/search", dependencies=MAY_QUERY)
async def search_by_voice(
    request: Request,
    service: CurrentService,
    audio: Annotated[UploadFile, File(description="WAV, FLAC, Ogg, MP3, M4A/AAC or WebM.")],
    limit: Annotated[int, Form(ge=1, le=50, description="Most results.")] = 10,
    session_id: Annotated[SessionId | None, Form(description="Any id that stays while a person searches.")] = None,
    consent: Annotated[bool, Form(description="Whether the words and the recording may be kept.")] = False,
    user_agent: UserAgent = None,
    idempotency_key: IdempotencyKey = None,
) -> SearchAnswer:
    """Find what a recording asks for."""
    content = await audio.read()

    async def find() -> SearchAnswer:
        asked = Asked(new_query_id(), EventKind.QUERY, content, session_id, device_of(user_agent), consent)
        watch = Stopwatch()
        with service.journal.refusals(asked, watch, service.release):
            heard = await service.hear(request, content)
            answer = await run_sync(lambda: answer_heard(service.index, heard, service.release, limit, watch))
        service.journal.answered(asked, answer)
        return shown(asked.query_id, answer)

    about = (request.url.path, content, limit, session_id, consent)
    return await service.answers.once(caller_of(request), idempotency_key, about, find)


@router.get("/search", dependencies=MAY_QUERY)
async def search_by_text(
    service: CurrentService,
    q: Annotated[str, Query(max_length=MAX_QUERY, description="What to search for.")],
    limit: Limit = 10,
    session_id: Annotated[SessionId | None, Query()] = None,
    user_agent: UserAgent = None,
) -> SearchAnswer:
    """Find what a typed text asks for."""
    asked = Asked(
        new_query_id(), EventKind.TYPED_QUERY, q.encode("utf-8", "replace"), session_id, device_of(user_agent)
    )
    watch = Stopwatch()
    with service.journal.refusals(asked, watch, service.release):
        answer = await run_sync(lambda: answer_text(service.index, q, service.release, limit, watch))
    service.journal.answered(asked, answer)
    return shown(asked.query_id, answer)


@router.get("/catalogue", dependencies=MAY_QUERY)
async def describe_catalogue(service: CurrentService) -> CatalogueAnswer:
    """Say what can be searched."""
    info = service.index.info
    return CatalogueAnswer(info.name, info.items, info.displayed, info.examples)


@router.post("/feedback", dependencies=[Depends(needs(Scope.FEEDBACK))])
async def give_feedback(service: CurrentService, feedback: Annotated[Feedback, Body()]) -> Receipt:
    """Report a click on a result, or what was really said. Sent twice, it counts once."""
    return await service.journal.feedback(feedback)


def shown(query_id: str, answer: Answer) -> SearchAnswer:
    """Give what the caller gets to see of an answer."""
    return SearchAnswer(
        query_id=query_id,
        transcript=answer.transcript,
        results=answer.hits,
        sure=answer.sure,
        null_reason=answer.transcript.null_reason,
        release=answer.release,
        timings_ms=dict(answer.timings_ms),
        conditioning=answer.conditioning,
    )
