"""The addresses of review: the next clip for a person, its sound, the convention while they type, and their label."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Body, Depends, Path
from fastapi.responses import Response
from pydantic import Field, StringConstraints

from labeling.convention import Checked, check_text
from labeling.queue import ReviewQueue
from labeling.review import Label, Lease, NothingNow, QueueStats, Reason
from labeling.rulebook import shipped_convention
from serve.access import needs
from serve.choices import Scope
from serve.clips import clip_as_wav
from serve.search import REFUSALS, CurrentService
from serve.state import Service

router = APIRouter(prefix="/v1/review", responses=REFUSALS, dependencies=[Depends(needs(Scope.REVIEW))])

NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"

Person = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=NO_CONTROLS)]
LeaseId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,64}$", description="As `POST /v1/review/leases` gave it.")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000, pattern=NO_CONTROLS)]


@dataclass(frozen=True, slots=True)
class HeldClip:
    """A clip that a person holds until a time; where it is kept stays on this side."""

    lease: str
    until: datetime
    clip: str
    reason: Reason
    note: str
    text: str
    hypotheses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Turn:
    """What there is for a person: a clip, or why there is none. `finished` only where no clip wants a label."""

    held: HeldClip | None
    nothing: NothingNow | None
    finished: bool
    progress: QueueStats


@dataclass(frozen=True, slots=True)
class Given:
    """What a person wrote of a clip; `seconds` is how long it took."""

    text: Text
    seconds: Annotated[float | None, Field(ge=0, le=86_400)] = None


@dataclass(frozen=True, slots=True)
class ShownRule:
    """A rule of the convention, to be read."""

    id: str
    says: str
    reason: str
    wrong: str
    right: str


@dataclass(frozen=True, slots=True)
class ShownConvention:
    """The convention in use."""

    identifier: str
    rules: tuple[ShownRule, ...]


@router.post("/leases")
async def take_next(service: CurrentService, person: Annotated[Person, Body(embed=True)]) -> Turn:
    """Lease the next clip to a person; who holds one gets the same again."""
    return await run_sync(lambda: _take_next(service, person))


@router.put("/leases/{lease}")
async def renew(service: CurrentService, lease: LeaseId) -> HeldClip:
    """Begin a lease's time anew. Not found means that it ended and the clip went to somebody else."""
    return await run_sync(lambda: _held(_queue(service).renew(lease)))


@router.delete("/leases/{lease}")
async def give_back(service: CurrentService, lease: LeaseId) -> QueueStats:
    """Give a clip back without a label."""
    return await run_sync(lambda: _give_back(_queue(service), lease))


@router.post("/leases/{lease}/label")
async def label(service: CurrentService, lease: LeaseId, given: Annotated[Given, Body()]) -> Label:
    """Keep a label; sent twice, it is kept once.

    Who listened may insist on a word that a rule only asks about; the label then names no convention.
    """
    return await run_sync(lambda: _label(_queue(service), lease, given))


@router.post("/leases/{lease}/skip")
async def skip(service: CurrentService, lease: LeaseId) -> Label:
    """Pass a clip on to somebody else."""
    return await run_sync(lambda: _queue(service).skip(lease))


@router.get("/leases/{lease}/audio", response_class=Response, responses={200: {"content": {"audio/wav": {}}}})
async def hear(service: CurrentService, lease: LeaseId) -> Response:
    """Give the clip's sound to the person who holds it; asking for it renews the lease."""
    sound = await run_sync(lambda: clip_as_wav(_queue(service).renew(lease).task, service.store))
    return Response(sound, media_type="audio/wav", headers={"cache-control": "no-store"})


@router.post("/check")
async def check(service: CurrentService, text: Annotated[Text, Body(embed=True)]) -> Checked:
    """Hold a text to the convention: every violation, and the text after the safe fixes."""
    return await run_sync(lambda: check_text(text, shipped_convention()))


@router.get("/convention")
async def show_convention() -> ShownConvention:
    """Say what the convention asks for."""
    convention = shipped_convention()
    shown = (ShownRule(rule.id, rule.says, rule.reason, rule.wrong, rule.right) for rule in convention.rules)
    return ShownConvention(convention.identifier, tuple(shown))


@router.get("/progress")
async def progress(service: CurrentService) -> QueueStats:
    """Count clips that wait, are leased and are done, and each person's labels."""
    return await run_sync(lambda: _queue(service).stats())


def _queue(service: Service) -> ReviewQueue:
    return ReviewQueue(service.store)


def _take_next(service: Service, person: str) -> Turn:
    queue = _queue(service)
    found = queue.next(person)
    if isinstance(found, Lease):
        return Turn(_held(found), None, finished=False, progress=queue.stats())
    return Turn(None, found, finished=found.finished, progress=queue.stats())


def _give_back(queue: ReviewQueue, lease: str) -> QueueStats:
    queue.release(lease)
    return queue.stats()


def _label(queue: ReviewQueue, lease: str, given: Given) -> Label:
    convention = shipped_convention()
    passed = not check_text(given.text, convention).violations
    return queue.label(lease, given.text, seconds=given.seconds, convention=convention.identifier if passed else None)


def _held(lease: Lease) -> HeldClip:
    task = lease.task
    return HeldClip(lease.id, lease.until, task.clip, task.reason, task.note, task.text, task.hypotheses)
