"""What holds for every request: an id, a size limit, security headers, a count, one error shape."""

import asyncio
import logging
import re
import time
import uuid
from dataclasses import asdict

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from data.errors import EmptyAudioError, VoiceSearchError
from serve.errors import ErrorAnswer, ErrorBody, code_of_status, status_of
from serve.logs import request_id as logged_id
from serve.metrics import ServiceMetrics

logger = logging.getLogger("voicesearch")

FORM_ALLOWANCE = 64 * 1024
"""Bytes that a multipart form may have besides the audio."""

SECURITY_HEADERS = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' blob:; connect-src 'self'; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Sent with every answer; the pages need nothing that these forbid."""


WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Methods whose requests have a body."""

AUDIO_FIELDS = ("audio", "file")
"""Form fields that carry a recording."""


class _Upload:
    """A request's body as it comes in, within the most bytes and seconds."""

    def __init__(self, receive: Receive, declared: bytes, max_bytes: int, within_s: float) -> None:
        self._receive = receive
        self._declared = int(declared) if declared.isdigit() else 0
        self._max_bytes = max_bytes
        self._within_s = within_s
        self._ends = asyncio.get_running_loop().time() + within_s
        self._received = 0
        self.is_whole = False

    async def receive(self) -> Message:
        """Give the next part, then whatever the server says of the connection.

        Raises:
            HTTPException: It is too large, or too slow.
        """
        if self.is_whole:
            return await self._receive()
        if self._declared > self._max_bytes:
            raise HTTPException(413, f"the request has {self._declared} bytes; at most {self._max_bytes} are accepted")
        try:
            async with asyncio.timeout_at(self._ends):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, f"the request was not whole within {self._within_s:g} s") from error
        self._received += len(message.get("body", b""))
        if self._received > self._max_bytes:
            raise HTTPException(413, f"the request has more than the {self._max_bytes} bytes accepted")
        self.is_whole = not message.get("more_body", False)
        return message


class RequestFrame:
    """ASGI middleware around every request: id in and out, limits while reading, headers, a count by route."""

    def __init__(self, app: ASGIApp, metrics: ServiceMetrics, max_body_bytes: int, upload_s: float) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._upload_s = upload_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; a WebSocket only gets its id."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
            return
        if scope["type"] == "websocket":
            _identify(scope, Headers(scope=scope).get("x-request-id", ""))
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name: value for name, value in scope["headers"] if name in (b"x-request-id", b"content-length")}
        request_id = _identify(scope, headers.get(b"x-request-id", b"").decode("latin-1"))
        begun = time.perf_counter()
        upload = _Upload(receive, headers.get(b"content-length", b""), self._max_body_bytes, self._upload_s)
        started = False

        async def framed_send(message: Message) -> None:
            nonlocal started
            started = True
            if message["type"] == "http.response.start":
                out = MutableHeaders(scope=message)
                out["x-request-id"] = request_id
                if not upload.is_whole and scope["method"] in WITH_BODY:
                    out["connection"] = "close"  # nobody reads what may still come
                for name, value in SECURITY_HEADERS.items():
                    out.setdefault(name, value)
                route = getattr(scope.get("route"), "path", None) or scope.get("root_path") or "unknown"
                self._metrics.count_request(route, message["status"])
                ms = round(1000.0 * (time.perf_counter() - begun), 1)
                figures = {"method": scope["method"], "route": route, "status": message["status"], "ms": ms}
                logger.info("%(method)s %(route)s %(status)s, %(ms)s ms", figures, extra=figures)
            await send(message)

        try:
            await self._app(scope, upload.receive, framed_send)
        except Exception as error:
            logger.exception("crashed", exc_info=error)
            if started:
                raise
            request = Request(scope)
            await error_response(request, 500, "internal", "an error of the server; quote the request id")(
                scope, receive, framed_send
            )


def install_error_shape(app: FastAPI) -> None:
    """Make every refusal of an application take the one JSON shape.

    Args:
        app: The application.
    """

    @app.exception_handler(VoiceSearchError)
    async def _refused(request: Request, error: VoiceSearchError) -> JSONResponse:
        status = status_of(error)
        if status >= 500:
            logger.error("%s: %s", error.code, error)
        return error_response(request, status, error.code, str(error), error.retry_after_s)

    @app.exception_handler(StarletteHTTPException)
    async def _framework_refused(request: Request, error: StarletteHTTPException) -> JSONResponse:
        answer = error_response(request, error.status_code, code_of_status(error.status_code), str(error.detail))
        answer.headers.update(error.headers or {})  # which methods an address has
        return answer

    @app.exception_handler(RequestValidationError)
    async def _malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "missing" and first["loc"][-1] in AUDIO_FIELDS and not error.body:
            return error_response(request, 422, EmptyAudioError.code, "the audio is empty: 0 bytes; send a recording")
        where = ".".join(str(part) for part in first["loc"][1:]) or "request"
        return error_response(request, 422, code_of_status(422), f"{where}: {first['msg'].lower()}")


def error_response(
    request: HTTPConnection, status: int, code: str, message: str, retry_after: int | None = None
) -> JSONResponse:
    """Build a refusal.

    Args:
        request: What is refused.
        status: HTTP status.
        code: Stable code.
        message: One clear line.
        retry_after: Seconds after which the same request may be sent again.

    Returns:
        The response.
    """
    body = asdict(ErrorAnswer(ErrorBody(code, message, request_id_of(request), retry_after)))
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if retry_after is None:
        del body["error"]["retry_after"]
        return JSONResponse(body, status, headers=headers)
    return JSONResponse(body, status, headers={**headers, "retry-after": str(retry_after)})


def request_id_of(request: HTTPConnection) -> str:
    """Give the id of a request or a WebSocket."""
    return str(getattr(request.state, "request_id", ""))


def _identify(scope: Scope, sent: str) -> str:
    """Give a request the caller's id where that is one, else a new one."""
    request_id = sent if re.fullmatch(r"[\w.-]{1,64}", sent) else uuid.uuid4().hex
    scope.setdefault("state", {})["request_id"] = request_id
    logged_id.set(request_id)
    return request_id
