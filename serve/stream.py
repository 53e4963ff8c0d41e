"""`WS /v1/stream`: sound comes in while a person speaks, what was made out goes back, and then the answer.

Only the conversation is here; `serve.listener` says when speech begins and ends, `serve.utterance` what was heard.
"""

import asyncio
import json
import logging
import time
from dataclasses import asdict, replace
from typing import TypeVar

from anyio.to_thread import run_sync
from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from fastapi.encoders import jsonable_encoder

from asr.local_agreement import Partial, agree
from data.errors import IdleError, InvalidRequestError, SlowReaderError, VoiceSearchError
from data.records import SAMPLE_RATE, EventKind
from data.voice import FRAME
from serve.access import is_own_page, let_in, secret_of
from serve.choices import Scope
from serve.control import Control, End, Start, control_of
from serve.errors import ErrorAnswer, ErrorBody, close_code_of
from serve.http import error_response, request_id_of
from serve.journal import Asked, device_of, new_query_id
from serve.pipeline import answer_heard
from serve.search import shown
from serve.state import Service, service_of
from serve.stopwatch import Stopwatch
from serve.utterance import Hearing, Utterance

logger = logging.getLogger("voicesearch")

Failure = TypeVar("Failure", bound=Exception)

router = APIRouter(prefix="/v1")

MAX_MESSAGE_BYTES = 64 * 1024
"""Most bytes of one message; the server library closes a stream that sends more."""

GOODBYE_S = 1.0
"""Seconds that a client may take to read why its stream is closed."""


@router.websocket("/stream")
async def stream(websocket: WebSocket) -> None:
    """Hear one utterance after another."""
    service = service_of(websocket)
    if not is_own_page(websocket.headers.get("origin"), websocket.headers.get("host", ""), service.origins):
        refusal = error_response(websocket, 403, "forbidden", "pages from elsewhere may not stream to this service")
        await websocket.send_denial_response(refusal)
        return
    begun = time.perf_counter()
    await websocket.accept()
    code = await Conversation(websocket, service).run()
    ms = round(1000.0 * (time.perf_counter() - begun), 1)
    figures = {"method": "WS", "route": "/v1/stream", "status": code, "ms": ms}
    service.metrics.count_request("/v1/stream", code)
    logger.info("%(method)s %(route)s %(status)s, %(ms)s ms", figures, extra=figures)


class Conversation:
    """One client's connection from its acceptance to its end."""

    def __init__(self, websocket: WebSocket, service: Service) -> None:
        self._websocket = websocket
        self._service = service
        self._settings = service.streaming
        self._id = new_query_id()
        self._sending = asyncio.Lock()
        self._tasks = asyncio.TaskGroup()
        self._start: Start | None = None
        self._secret = secret_of(websocket)
        self._utterance: Utterance | None = None
        self._partial = Partial()
        self._concluding: asyncio.Task[None] | None = None
        self._busy_at = asyncio.get_running_loop().time()

    async def run(self) -> int:
        """Talk until one side has had enough.

        Returns:
            The code with which the connection was closed (RFC 6455, section 7.4).
        """
        code = 1000
        try:
            with self._service.listener.place(self._id):
                async with self._tasks:
                    await self._converse()
        except* WebSocketDisconnect as gone:
            code = _first(gone).code
        except* VoiceSearchError as refused:
            error = _first(refused)
            code = close_code_of(error)
            await self._say_goodbye(code, error.code, str(error), error.retry_after_s)
        except* Exception as crashed:
            logger.exception("a stream crashed", exc_info=crashed)
            code = 1011
            await self._say_goodbye(code, "internal", "an error of the server; quote the request id")
        finally:
            self._give_up()
        return code

    async def _converse(self) -> None:
        while True:
            try:
                async with asyncio.timeout_at(self._busy_at + self._settings.stream_idle_seconds):
                    message = await self._websocket.receive()
            except TimeoutError as error:
                wait = f"{self._settings.stream_idle_seconds:g} s"
                raise IdleError(f"nothing came for {wait}; open the stream again when there is sound") from error
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code") or 1006)
            if message.get("bytes") is not None:
                await self._take_sound(message["bytes"])
            else:
                await self._obey(control_of(message.get("text") or ""))

    async def _obey(self, control: Control) -> None:
        if isinstance(control, Start):
            if self._utterance is not None:
                raise InvalidRequestError("start: an utterance is under way; send end or cancel before the next")
            if self._concluding is not None:
                await asyncio.wait([self._concluding])
            await self._begin(control)
        elif self._start is None:
            raise InvalidRequestError(f"{control.type}: there is no utterance; send a start message first")
        elif isinstance(control, End):
            self._conclude("end")
        else:
            self._give_up()

    async def _begin(self, start: Start) -> None:
        self._secret = start.key or self._secret
        let_in(self._service, self._websocket, self._secret, Scope.QUERY)
        await self._service.listener.begin(self._id, start.format, start.rate, endpoint=start.endpoint)
        self._start, self._partial = start, Partial()
        self._stay()
        self._utterance = Utterance(self._service.recognizers, self._settings.stream_partial_ms)
        await self._send("ready", request_id=request_id_of(self._websocket))

    async def _take_sound(self, content: bytes) -> None:
        if self._start is None:
            raise InvalidRequestError("sound before a start message; say first in what format it is")
        utterance = self._utterance
        if utterance is None:
            return  # it was sent before the client could know that the utterance is over
        self._stay()
        spoken = utterance.turn.speech_start
        utterance.add(await self._service.listener.listen(self._id, content))
        if utterance.lag_s > self._settings.stream_idle_seconds:
            raise IdleError(f"the sound comes {utterance.lag_s:.0f} s late; send it as fast as it is spoken")
        turn = utterance.turn
        if spoken is None and turn.speech_start is not None:
            await self._send("speech_started", at=_seconds(turn.speech_start * FRAME))
        if turn.end is not None:
            self._conclude(turn.end)
        elif (hearing := utterance.hear_on()) is not None:
            self._tasks.create_task(self._show(utterance, hearing))

    async def _show(self, utterance: Utterance, hearing: Hearing) -> None:
        """Send what a hearing made out, unless the utterance is over by then."""
        try:
            heard = await hearing.task
        except VoiceSearchError:
            return  # the next will do; what is wrong with all, the last will say
        limit = self._start.limit if self._start else 0
        found = await run_sync(lambda: self._service.index.find(heard.transcript.nbest, limit))
        if self._utterance is not utterance or not heard.transcript.text:
            return
        partial = agree(self._partial, heard.transcript.text)
        if partial != self._partial:
            self._partial = partial
            stable, tentative = " ".join(partial.stable), " ".join(partial.tentative)
            await self._send("partial", stable=stable, tentative=tentative, results=found.hits, sure=found.sure)

    def _conclude(self, reason: str) -> None:
        """Begin to answer; the client's messages are read meanwhile, so that its hanging up is seen."""
        if self._utterance is not None and self._start is not None:
            utterance, self._utterance = self._utterance, None
            self._concluding = self._tasks.create_task(self._answer(utterance, self._start, reason))

    async def _answer(self, utterance: Utterance, start: Start, reason: str) -> None:
        watch, service = Stopwatch(), self._service
        agent = self._websocket.headers.get("user-agent")
        content = utterance.content(utterance.span)
        asked = Asked(new_query_id(), EventKind.QUERY, content, start.session_id, device_of(agent), start.consent)
        silent_s = time.perf_counter() - utterance.voice_at
        if reason != "end":
            await self._send("endpoint", reason=reason, at=_seconds(utterance.span.end))
        with service.journal.refusals(asked, watch, service.release):
            heard, span = await utterance.conclude()
            answer = await run_sync(lambda: answer_heard(service.index, heard, service.release, start.limit, watch))
        service.journal.answered(replace(asked, content=utterance.content(span)), answer)
        total_s = answer.timings_ms["total"] / 1000.0
        service.metrics.observe_stream(reason, silent_s, total_s)
        body = jsonable_encoder(shown(asked.query_id, answer))
        self._stay()
        await self._send("final", reason=reason, start=_seconds(span.start), end=_seconds(span.end), **body)

    def _stay(self) -> None:
        """Count this as a sign of life; sound that nobody hears and words that change nothing are none."""
        self._busy_at = asyncio.get_running_loop().time()

    def _give_up(self) -> None:
        if self._utterance is not None:
            self._utterance.close()
            self._utterance = None

    async def _send(self, kind: str, **content: object) -> None:
        text = json.dumps({"type": kind, **jsonable_encoder(content)}, ensure_ascii=False)
        patience = self._settings.stream_send_seconds
        try:
            async with self._sending, asyncio.timeout(patience):
                await self._websocket.send_text(text)
        except TimeoutError as error:
            raise SlowReaderError(f"answers were not read within {patience:g} s; open the stream again") from error

    async def _say_goodbye(self, code: int, kind: str, message: str, retry_after_s: int | None = None) -> None:
        body = asdict(ErrorAnswer(ErrorBody(kind, message, request_id_of(self._websocket), retry_after_s)))
        try:
            async with asyncio.timeout(GOODBYE_S):
                await self._websocket.send_text(json.dumps({"type": "error", **body}))
                await self._websocket.close(code, message.encode()[:120].decode(errors="ignore"))
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            return  # gone, or not reading; the connection ends either way


def _first(group: "ExceptionGroup[Failure]") -> Failure:
    """Give the first of several failures; there are several where tasks failed at once."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, ExceptionGroup) else first


def _seconds(samples: int) -> float:
    return round(samples / SAMPLE_RATE, 6)
