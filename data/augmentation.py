"""More clips out of the clips there are: rooms, noise, telephones, speed, level, overdrive.

A clip's recipe is drawn from the seed and the clip's id, so that it is the same on every machine; the recipe is its
lineage. What comes out is conditioned again, as the service would condition it.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from data import condition as conditioning
from data.batch import Batch, Outcome, Rejection, Task, produce
from data.choices import Effect
from data.clips import read_clip, store_clip
from data.condition import condition
from data.effects import (
    CODECS,
    COLOURS,
    add_noise,
    change_gain,
    change_speed,
    clip_peaks,
    coloured_noise,
    in_room,
    room_response,
    through_telephone,
)
from data.errors import AudioError, InvalidRequestError
from data.lineage import PARENT
from data.manifest import clip_path, read_lock, read_manifest
from data.preparation import Reason, condition_step
from data.records import SAMPLE_RATE, Samples, Step, Utterance
from data.sounds import Sound, read_sound

VERSION = "1"
"""Changes whenever the same recipe would sound different."""

AUGMENTED = "augmented"
"""Tag of every augmented clip; each effect adds its own, for example `augmented:noise`."""

SPEEDS = (0.9, 0.95, 1.05, 1.1)
REVERBERATION_SECONDS = (0.15, 0.6)
DIRECT_TO_REVERBERANT_DB = (0.0, 12.0)
GAIN_DB = (-20.0, 10.0)
CLIPPED_SHARE = (0.002, 0.02)


@dataclass(frozen=True, slots=True)
class AugmentOptions:
    """How to augment.

    Each of the `effects` happens with `chance`, and at least one does. `snr_db` is the range of the noise. `noises` and
    `responses` are recordings; where there are none, noise and rooms are synthetic.
    """

    effects: tuple[Effect, ...] = tuple(Effect)
    copies: int = 1
    seed: int = 0
    chance: float = 0.5
    snr_db: tuple[float, float] = (5.0, 25.0)
    noises: tuple[Sound, ...] = ()
    responses: tuple[Sound, ...] = ()


def augment(
    source: Path,
    manifest: Path,
    options: AugmentOptions,
    *,
    processes: int,
    progress: Callable[[int, int], None],
) -> Batch:
    """Write a manifest of the clips of another and their augmented copies.

    Args:
        source: The manifest with the clips to augment.
        manifest: The manifest to write, in the same folder.
        options: How.
        processes: How many processes.
        progress: Called with how many copies are made, and of how many.

    Returns:
        The copies; each has the text, speaker and split of its parent.

    Raises:
        InvalidRequestError: The manifest is in another folder, or is the source; the source has copies already; a
            recording of noise or a response cannot be used.
        ManifestError: The source cannot be used, or the manifest has been worked on since.
    """
    if manifest.absolute().parent != source.absolute().parent or manifest.name == source.name:
        raise InvalidRequestError(f"{manifest}: must be another file beside {source}, for paths are relative to it")
    parents = read_manifest(source)
    if (copy := next((each for each in parents if AUGMENTED in each.tags), None)) is not None:
        raise InvalidRequestError(f"{source}: {copy.id} is a copy already; augment the manifest that it was made from")
    for sound in (*options.noises, *options.responses):
        read_sound(sound.path)  # one that cannot be used is named before any work begins
    lock = read_lock(source)
    parameters = json.dumps([VERSION, conditioning.VERSION, asdict(options)], default=str)
    tasks = [
        Task(_key(parent, copy, parameters), (parent, copy)) for parent in parents for copy in range(options.copies)
    ]
    make = partial(_augment_all, source=source, options=options)
    return produce(
        manifest,
        tasks,
        make,
        processes=processes,
        progress=progress,
        before=parents,
        convention=lock.convention if lock else None,
    )


def draw_recipe(identifier: str, copy: int, options: AugmentOptions) -> tuple[Step, ...]:
    """Draw what happens to a copy of a clip.

    Args:
        identifier: The clip's id.
        copy: Which copy, from 0 on.
        options: How.

    Returns:
        A step for each effect, in the order of `Effect`, at least one; the same for the same arguments.
    """
    drawn = hashlib.sha256(f"{options.seed}:{identifier}:{copy}".encode()).digest()
    random = np.random.default_rng(int.from_bytes(drawn[:8], "big"))
    ordered = [effect for effect in Effect if effect in options.effects]
    happening = [effect for effect in ordered if random.random() < options.chance]
    happening = happening or [ordered[random.integers(len(ordered))]]
    steps = [Step(str(effect), VERSION, _parameters(effect, random, options)) for effect in happening]
    first = replace(
        steps[0], parameters={PARENT: identifier, "seed": options.seed, "copy": copy, **steps[0].parameters}
    )
    return (first, *steps[1:])


def apply_step(samples: Samples, step: Step, sounds: Mapping[str, Samples]) -> Samples:
    """Do one step of a recipe.

    Args:
        samples: Shape `(n_samples,)`.
        step: The step.
        sounds: The recordings that steps name, by their SHA-256.

    Returns:
        The samples after it.
    """
    given = step.parameters
    random = np.random.default_rng(int(str(given.get("draw", 0))))
    match Effect(step.name):
        case Effect.SPEED:
            return change_speed(samples, _number(given["factor"]))
        case Effect.ROOM if "file" in given:
            return in_room(samples, sounds[str(given["sha256"])])
        case Effect.ROOM:
            return in_room(samples, room_response(_number(given["seconds"]), _number(given["direct_db"]), random))
        case Effect.NOISE if "file" in given:
            noise = np.roll(sounds[str(given["sha256"])], -round(_number(given["start"]) * SAMPLE_RATE))
            return add_noise(samples, noise, _number(given["snr_db"]))
        case Effect.NOISE:
            return add_noise(
                samples, coloured_noise(len(samples), str(given["colour"]), random), _number(given["snr_db"])
            )
        case Effect.GAIN:
            return change_gain(samples, _number(given["gain_db"]))
        case Effect.CLIPPING:
            return clip_peaks(samples, _number(given["share"]))
        case Effect.TELEPHONE:
            return through_telephone(samples, str(given["codec"]))


def parse_range(text: str) -> tuple[float, float]:
    """Read a range.

    Args:
        text: Two numbers, like `5:25`.

    Returns:
        Lowest and highest.

    Raises:
        InvalidRequestError: The text is something else, or the range is empty.
    """
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError as error:
        raise InvalidRequestError(f"a range of {text!r}: write two numbers, like 5:25") from error
    if not -60.0 <= low <= high <= 100.0:
        raise InvalidRequestError(
            f"a range of {text!r}: the first must not be above the second, both within -60 and 100"
        )
    return low, high


def _parameters(
    effect: Effect, random: np.random.Generator, options: AugmentOptions
) -> dict[str, str | int | float | bool | None]:
    match effect:
        case Effect.SPEED:
            return {"factor": float(random.choice(SPEEDS))}
        case Effect.ROOM if options.responses:
            return _named(options.responses[random.integers(len(options.responses))])
        case Effect.ROOM:
            seconds, direct_db = _within(random, REVERBERATION_SECONDS), _within(random, DIRECT_TO_REVERBERANT_DB)
            return {"seconds": seconds, "direct_db": direct_db, "draw": int(random.integers(2**31))}
        case Effect.NOISE if options.noises:
            named = _named(options.noises[random.integers(len(options.noises))])
            return {**named, "start": _within(random, (0.0, 60.0)), "snr_db": _within(random, options.snr_db)}
        case Effect.NOISE:
            colour = str(random.choice(list(COLOURS)))
            return {"colour": colour, "snr_db": _within(random, options.snr_db), "draw": int(random.integers(2**31))}
        case Effect.GAIN:
            return {"gain_db": _within(random, GAIN_DB)}
        case Effect.CLIPPING:
            return {"share": _within(random, CLIPPED_SHARE)}
        case Effect.TELEPHONE:
            return {"codec": str(random.choice(CODECS))}


def _augment_all(items: Sequence[tuple[Utterance, int]], *, source: Path, options: AugmentOptions) -> list[Outcome]:
    return [_augment_one(parent, copy, source, options) for parent, copy in items]


def _augment_one(parent: Utterance, copy: int, source: Path, options: AugmentOptions) -> Outcome:
    identifier = f"{parent.id}-{AUGMENTED}-{copy + 1}"
    sounds = {sound.sha256: read_sound(sound.path) for sound in (*options.noises, *options.responses)}
    try:
        samples = read_clip(clip_path(source, parent))
    except (AudioError, OSError) as error:
        return Rejection(identifier, parent.audio_filepath, parent.text, Reason.UNDECODABLE, str(error))
    recipe = draw_recipe(parent.id, copy, options)
    for step in recipe:
        samples = apply_step(samples, step, sounds)
    clip = condition(samples)
    return replace(
        parent,
        id=identifier,
        audio_filepath=store_clip(source.parent, clip.samples),
        duration=round(clip.seconds, 4),
        tags=(*parent.tags, AUGMENTED, *(f"{AUGMENTED}:{step.name}" for step in recipe)),
        lineage=(*parent.lineage, *recipe, condition_step(clip, conditioning.DEFAULT_OPTIONS)),
        pred_text=None,
        confidence=None,
        nbest=(),
    )


def _named(sound: Sound) -> dict[str, str | int | float | bool | None]:
    return {"file": sound.path.name, "sha256": sound.sha256}


def _within(random: np.random.Generator, limits: tuple[float, float]) -> float:
    return round(float(random.uniform(*limits)), 3)


def _number(value: str | int | float | bool | None) -> float:
    return float(value or 0.0)


def _key(parent: Utterance, copy: int, parameters: str) -> str:
    identity = json.dumps([asdict(parent), copy, parameters], default=str)
    return hashlib.sha256(identity.encode()).hexdigest()[:32]
