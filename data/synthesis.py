"""Spoken queries from a catalogue: templates and names in their spoken form, read aloud by several voices.

Every query is said by as many voices as asked for, at a speed drawn by the seed. The clips are conditioned like any
recording; their lineage says which item, template, voice and speed they come from.
"""

import hashlib
import json
import string
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from data import condition as conditioning
from data import spoken
from data.audio import decode
from data.batch import MANIFEST, Batch, Outcome, Rejection, Task, produce
from data.catalogue import Catalogue, Item
from data.clips import CLIP_LIMITS, store_clip
from data.condition import DEFAULT_OPTIONS, condition
from data.errors import AudioError, CatalogueError
from data.preparation import Reason, condition_step, decode_step
from data.records import Step, Utterance
from data.spoken import plain_words, spoken_form
from data.voices import Voice, engine_version, speak

VERSION = "1"
"""Changes whenever the same plan would give other clips."""

SPEEDS = (0.9, 1.0, 1.1)
DEFAULT_TEMPLATES = ("{title}",)
SYNTHETIC = "synthetic"
"""Tag of every clip that no person spoke."""


@dataclass(frozen=True, slots=True)
class Query:
    """Something to say, and where it comes from."""

    text: str
    template: str
    item_id: str


@dataclass(frozen=True, slots=True)
class Take:
    """A query, said by one voice at one speed."""

    query: Query
    voice: Voice
    speed: float


def read_templates(path: Path) -> tuple[str, ...]:
    """Read templates.

    Args:
        path: A line each, with columns of the catalogue in braces: `films by {director}`. Lines that begin with `#` say
            nothing; a line that is there twice is drawn twice as often.

    Returns:
        The templates.

    Raises:
        CatalogueError: The file cannot be read, is empty, or a line's braces do not match.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path}: the templates cannot be read ({error}); give a UTF-8 file") from error
    templates = tuple(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not templates:
        raise CatalogueError(f"{path}: there is no template; write a line like 'films by {{director}}'")
    for template in templates:
        _columns(template, str(path))
    return templates


def plan_queries(catalogue: Catalogue, templates: Sequence[str], count: int, seed: int) -> tuple[Query, ...]:
    """Draw queries from a catalogue.

    Args:
        catalogue: The catalogue.
        templates: Templates whose columns the catalogue has.
        count: How many queries with different texts.
        seed: Of the drawing.

    Returns:
        The queries, fewer where the catalogue does not give that many; the same for the same arguments.

    Raises:
        CatalogueError: A template names a column that the catalogue does not map.
    """
    known = catalogue.mapping.columns
    for template in templates:
        for column in _columns(template, "templates"):
            if column not in known:
                raise CatalogueError(f"template {template!r}: no column {column!r}; the mapping has {', '.join(known)}")
    random = np.random.default_rng(seed)
    queries: dict[str, Query] = {}
    while True:
        before = len(queries)
        for place in random.permutation(len(catalogue.items)):
            template = templates[int(random.integers(len(templates)))]
            if (query := _query(template, catalogue.items[place], catalogue)) is not None:
                queries.setdefault(query.text, query)
            if len(queries) == count:
                return tuple(queries.values())
        if len(queries) == before:
            return tuple(queries.values())


def plan_takes(queries: Sequence[Query], voices: Sequence[Voice], takes: int, seed: int) -> tuple[Take, ...]:
    """Choose who says what, and how fast.

    Args:
        queries: What is to be said.
        voices: Who can say it; every voice gets about as many queries.
        takes: How many different voices say each query.
        seed: Of the drawing.

    Returns:
        The takes, voice by voice.
    """
    random = np.random.default_rng([seed, 1])
    order = random.permutation(len(voices))
    planned = [
        Take(query, voices[order[(number * takes + take) % len(voices)]], float(random.choice(SPEEDS)))
        for number, query in enumerate(queries)
        for take in range(min(takes, len(voices)))
    ]
    return tuple(sorted(planned, key=lambda take: (take.voice.name, take.speed)))


def synthesize(
    catalogue: Catalogue,
    takes: Sequence[Take],
    out: Path,
    home: Path,
    *,
    processes: int,
    progress: Callable[[int, int], None],
    examine: Callable[[Utterance], Outcome] | None = None,
) -> Batch:
    """Have queries said, and write the clips with their manifest.

    Args:
        catalogue: Where the queries come from, for the lineage.
        takes: Who says what.
        out: Folder of the manifest and its clips; what is there already is not said again.
        home: Folder below which piper is installed.
        processes: How many processes.
        progress: Called with how many takes are done, and of how many.
        examine: A last look at each clip, which may refuse it.

    Returns:
        The clips, with split `test` for held-out voices and `train` for those that only train.

    Raises:
        ManifestError: No take gave a clip, or the manifest there has been worked on since.
    """
    parameters = json.dumps([VERSION, spoken.VERSION, conditioning.VERSION, catalogue.sha256])
    tasks = [Task(_key(take, parameters), take) for take in takes]
    make = partial(_say_all, catalogue=(catalogue.name, catalogue.sha256), out=out, home=home)
    return produce(out / MANIFEST, tasks, make, processes=processes, progress=progress, examine=examine)


def _query(template: str, item: Item, catalogue: Catalogue) -> Query | None:
    fields = {column: item.text(column, catalogue.mapping) for column in _columns(template, "templates")}
    if not all(fields.values()):
        return None

    text = plain_words(template.format_map({column: spoken_form(said) for column, said in fields.items()}))
    return Query(text, template, item.id) if text else None


def _columns(template: str, where: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except ValueError as error:
        raise CatalogueError(f"{where}: {template!r}: {error}; write columns in braces, like {{title}}") from error


def _say_all(takes: Sequence[Take], *, catalogue: tuple[str, str], out: Path, home: Path) -> list[Outcome]:
    """Say takes voice by voice: festival and piper take longer to start than to speak."""
    together: dict[tuple[Voice, float], list[int]] = defaultdict(list)
    for index, take in enumerate(takes):
        together[take.voice, take.speed].append(index)
    outcomes: dict[int, Outcome] = {}
    for (voice, speed), indices in together.items():
        spoken_clips = speak(voice, [takes[index].query.text for index in indices], speed, home)
        for index, content in zip(indices, spoken_clips, strict=True):
            outcomes[index] = _take_clip(takes[index], content, catalogue, out)
    return [outcomes[index] for index in range(len(takes))]


def _take_clip(take: Take, content: bytes | None, catalogue: tuple[str, str], out: Path) -> Outcome:
    query, voice = take.query, take.voice
    digest = hashlib.sha256(f"{query.text}:{take.speed}".encode()).hexdigest()[:8]
    identifier = f"{query.item_id}-{voice.name}-{digest}"
    refuse = partial(Rejection, identifier, voice.name, query.text)
    if content is None:
        return refuse(Reason.UNDECODABLE, f"{voice.engine} gave no audio")
    try:
        decoded = decode(content, CLIP_LIMITS)
    except AudioError as error:
        return refuse(Reason.UNDECODABLE, str(error))
    clip = condition(decoded.samples)
    if not clip.speech_found:
        return refuse(Reason.SILENT, "the voice detector finds no speech in it")
    return Utterance(
        id=identifier,
        audio_filepath=store_clip(out, clip.samples),
        duration=round(clip.seconds, 4),
        text=query.text,
        speaker=voice.name,
        source=engine_version(voice.engine),
        split=voice.split,
        tags=(SYNTHETIC, f"voice:{voice.name}", f"speed:{take.speed:g}"),
        lineage=(
            Step("query", VERSION, _said(query, catalogue)),
            Step(
                "speak",
                engine_version(voice.engine),
                {"voice": voice.setting, "family": voice.family, "speed": take.speed},
            ),
            decode_step(decoded),
            condition_step(clip, DEFAULT_OPTIONS),
        ),
    )


def _said(query: Query, catalogue: tuple[str, str]) -> Mapping[str, str]:
    name, sha256 = catalogue
    rules = f"spoken {spoken.VERSION}"
    return {
        "catalogue": name,
        "catalogue_sha256": sha256,
        "item": query.item_id,
        "template": query.template,
        "rules": rules,
    }


def _key(take: Take, parameters: str) -> str:
    identity = json.dumps([asdict(take), engine_version(take.voice.engine), parameters])
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
