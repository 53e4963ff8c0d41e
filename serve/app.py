"""The web application: what it opens when it starts, its addresses, its pages."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import anyio
from anyio.to_thread import run_sync
from fastapi import Depends, FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles

from asr.settings import RecognizerSettings
from data.errors import StoreError
from data.settings import HomeSettings
from data.store import Store
from monitor.events import EventStore
from serve import reports, review, search, stream, transcription
from serve.access import RateLimiter, needs
from serve.choices import Scope
from serve.hearing import open_answering
from serve.http import FORM_ALLOWANCE, RequestFrame, install_error_shape
from serve.idempotency import AnswerMemory
from serve.journal import Journal
from serve.keys import KeyRing, KeyStore
from serve.listener import Listener
from serve.listening import open_listening
from serve.metrics import ServiceMetrics
from serve.pool import PoolLimits, RecognizerPool
from serve.preparation import open_index, prepare
from serve.settings import ServeSettings, StreamSettings
from serve.state import Service, service_of

logger = logging.getLogger("voicesearch")

PAGES = Path(str(files("serve"))) / "pages"


def create_app() -> FastAPI:
    """Build the application; it opens nothing before it starts.

    Returns:
        The application, with its settings read from the environment when it starts.
    """
    metrics = ServiceMetrics()
    app = FastAPI(
        title="Voice search",
        description="Speak, and the right items of the catalogue come back. English only.",
        version=version("voicesearch"),
        lifespan=_lifespan,
        docs_url=None,  # these pages load scripts from a content network
        redoc_url=None,
    )
    app.state.metrics = metrics
    settings = ServeSettings.load()
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins.split(),
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "idempotency-key", "x-request-id"],
            expose_headers=["x-request-id", "retry-after"],
        )
    app.add_middleware(
        RequestFrame,
        metrics=metrics,
        max_body_bytes=settings.max_audio_bytes + FORM_ALLOWANCE,
        upload_s=settings.upload_seconds,
    )
    install_error_shape(app)
    app.include_router(search.router)
    app.include_router(transcription.router)
    app.include_router(stream.router)
    app.include_router(review.router)
    app.include_router(reports.router)
    _add_operations(app)
    _add_pages(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    from limits import parse

    settings, streaming = ServeSettings.load(), StreamSettings.load()
    release = getattr(app.state, "release", None) or prepare(None, logger.info)
    metrics: ServiceMetrics = app.state.metrics
    recognizers = RecognizerPool(
        partial(open_answering, release, RecognizerSettings.load(), settings.audio_limits),
        PoolLimits(settings.workers, settings.max_waiting, settings.deadline_seconds),
        metrics,
    )
    listener = Listener(
        partial(open_listening, streaming.endpoint_options(settings.max_audio_seconds)), streaming.max_streams, metrics
    )
    starting = asyncio.gather(recognizers.start(), listener.start())
    index = await run_sync(open_index)
    store = Store.open(HomeSettings.load().database)
    events = EventStore(store)
    await starting
    app.state.service = Service(
        release=release.name,
        recognizers=recognizers,
        index=index,
        store=store,
        events=events,
        metrics=metrics,
        journal=Journal(events, metrics),
        keys=KeyRing(KeyStore(store), getattr(app.state, "own_keys", {})),
        rates=RateLimiter(parse(settings.rate_limit)),
        access=settings.access,
        answers=AnswerMemory(),
        listener=listener,
        streaming=streaming,
        origins=tuple((settings.cors_origins or "").split()),
    )
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(app.state.service.keys.keep_fresh)
        yield
        tasks.cancel_scope.cancel()
    await listener.close()
    await recognizers.close()
    app.state.service.journal.close()
    store.close()


def _add_operations(app: FastAPI) -> None:
    @app.get("/healthz", response_class=PlainTextResponse)
    async def alive() -> str:
        """Say that the process answers."""
        return "ok\n"

    @app.get("/readyz", responses={503: {"description": "A part is not usable; the answer names it."}})
    async def ready(request: Request) -> JSONResponse:
        """Say whether queries can be answered, and by what."""
        service = service_of(request)
        parts = {"release": service.release, "items": service.index.info.items}
        if not service.recognizers.ready:
            return JSONResponse({"status": "degraded", "reason": "no recogniser is up", **parts}, 503)
        try:
            await run_sync(service.store.check)
            reason = service.journal.trouble
        except StoreError as error:
            reason = str(error)
        if reason:
            return JSONResponse({"status": "degraded", "reason": reason, **parts}, 503)
        return JSONResponse({"status": "ready", **parts})

    @app.get("/metrics", response_class=PlainTextResponse, dependencies=[Depends(needs(Scope.ADMIN))])
    async def figures(request: Request) -> Response:
        """Give the service's figures in Prometheus' text format."""
        return Response(service_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _add_pages(app: FastAPI) -> None:
    @app.get("/", include_in_schema=False)
    async def search_page() -> FileResponse:
        """Show the search page."""
        return FileResponse(PAGES / "search.html")

    @app.get("/review", include_in_schema=False)
    async def review_page() -> FileResponse:
        """Show the page on which people label clips."""
        return FileResponse(PAGES / "review.html")

    @app.get("/reports", include_in_schema=False)
    async def reports_page() -> FileResponse:
        """Show the list of error reports."""
        return FileResponse(PAGES / "reports.html")

    app.mount("/static", StaticFiles(directory=PAGES), name="static")


app = create_app()
