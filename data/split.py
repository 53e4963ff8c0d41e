"""Training, development and test sets: disjoint where it matters, balanced where it does not, the same every time.

Clips that belong together (one recording, one parent, one speaker, ...) form a group, which is never torn apart.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import TypeAlias

from data.choices import SplitBy
from data.errors import InvalidRequestError, ManifestError
from data.groups import groups_of, ties_of
from data.records import Utterance

SPLITS = ("train", "dev", "test")

DURATION_CLASSES = 3
"""Clips of a stratum are balanced by length in as many classes, each with as many clips."""


_Class: TypeAlias = tuple[tuple[str, ...], int]
"""A stratum and a part of it by length."""


@dataclass(frozen=True, slots=True)
class SplitOptions:
    """How to split.

    `shares` are those of train, dev and test, in any unit (60, 20, 20). `by` says what must not be shared: `auto` takes
    speakers where at least as many are known as there are splits, else texts; `time` holds out the newest, from
    `test_from` (ISO 8601) on where it is given. `text_disjoint` asks for texts to be disjoint as well.
    """

    shares: tuple[int, int, int] = (60, 20, 20)
    by: SplitBy = SplitBy.AUTO
    seed: int = 0
    text_disjoint: bool = False
    test_from: str | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every utterance with its split, in the order given; what was kept disjoint, and why."""

    utterances: tuple[Utterance, ...]
    by: SplitBy
    reason: str


def split(utterances: Sequence[Utterance], digests: Mapping[str, str], options: SplitOptions) -> Assignment:
    """Assign utterances to splits.

    Utterances that have a split keep it, and draw their group after them.

    Args:
        utterances: All of them.
        digests: A hash of the audio of each utterance by its id, as `data.clips.audio_digest` gives.
        options: How.

    Returns:
        The assignment: the same for the same utterances in any order, and for single clips exact per stratum of tags
        wherever the shares divide it.

    Raises:
        InvalidRequestError: The shares are impossible, or speakers or times are missing.
        ManifestError: A group holds utterances with different splits, or an utterance has a split of another name.
    """
    if min(options.shares) < 0 or options.shares[0] <= 0:
        raise InvalidRequestError(f"shares of {options.shares}: none may be below 0, and that of train must be above 0")
    by, reason = choose_by(utterances, options)
    texts = by is SplitBy.TEXT or options.text_disjoint
    groups = groups_of(utterances, ties_of(digests, speakers=by is SplitBy.SPEAKER, texts=texts))
    chosen = {index: name for name, indices in _kept(utterances, groups) for index in indices}
    free = [group for group in groups if group[0] not in chosen]
    if by is SplitBy.TIME:
        chosen.update(_by_time(utterances, free, options))
    else:
        chosen.update(_balanced(utterances, free, chosen, options))
    assigned = tuple(replace(utterance, split=chosen[index]) for index, utterance in enumerate(utterances))
    return Assignment(assigned, by, reason)


def parse_shares(text: str) -> tuple[int, int, int]:
    """Read shares.

    Args:
        text: Three whole numbers, like `60/20/20`.

    Returns:
        Those of train, dev and test.

    Raises:
        InvalidRequestError: The text is something else.
    """
    parts = text.split("/")
    if len(parts) != len(SPLITS) or not all(part.strip().isdecimal() for part in parts):
        raise InvalidRequestError(f"shares of {text!r}: write three whole numbers, like 60/20/20")
    train, dev, test = (int(part) for part in parts)
    return train, dev, test


def choose_by(utterances: Sequence[Utterance], options: SplitOptions) -> tuple[SplitBy, str]:
    """Choose what is kept apart.

    Args:
        utterances: All of them.
        options: What is asked for.

    Returns:
        What, never `auto`, and why.

    Raises:
        InvalidRequestError: Speakers are asked for and missing.
    """
    needed = sum(share > 0 for share in options.shares)
    speakers = {utterance.speaker for utterance in utterances}
    known = len(speakers - {None})
    if options.by is SplitBy.SPEAKER and None in speakers:
        nameless = next(utterance.id for utterance in utterances if utterance.speaker is None)
        raise InvalidRequestError(f"{nameless} has no speaker; add speakers to the manifest, or split by text")
    if options.by is SplitBy.SPEAKER and known < needed:
        raise InvalidRequestError(f"the speakers known, {known}, cannot fill {needed} splits; split by text")
    if options.by is not SplitBy.AUTO:
        return options.by, "as asked"
    if None not in speakers and known >= needed:
        return SplitBy.SPEAKER, f"{known} speaker{'s are' if known != 1 else ' is'} known"
    if None in speakers:
        return SplitBy.TEXT, "not every clip has a speaker, so the same voice may be on both sides"
    return SplitBy.TEXT, f"{known} speaker{'s' * (known != 1)} cannot fill {needed} splits, so voices are shared"


def _kept(utterances: Sequence[Utterance], groups: Sequence[Sequence[int]]) -> list[tuple[str, Sequence[int]]]:
    kept = []
    unknown = next((each for each in utterances if each.split and each.split not in SPLITS), None)
    if unknown is not None:
        raise ManifestError(
            f"{unknown.id} is in a split {unknown.split!r}; the splits are {', '.join(SPLITS)}: rename or remove it"
        )
    for group in groups:
        named = {utterances[index].split: utterances[index].id for index in group if utterances[index].split}
        if len(named) > 1:
            (one, first), (other, second) = sorted(named.items(), key=str)[:2]
            raise ManifestError(
                f"{first} is in {one} and {second} in {other}, but they belong together (the same audio, origin, "
                f"speaker or text); remove the split of one"
            )
        if named:
            kept.append((str(next(iter(named))), group))
    return kept


def _by_time(utterances: Sequence[Utterance], groups: Sequence[Sequence[int]], options: SplitOptions) -> dict[int, str]:
    """Hold out the newest; a group is as new as its newest clip, and clips of one instant stay together."""
    times = [_instant(utterance) for utterance in utterances]
    waiting: dict[datetime, list[int]] = defaultdict(list)
    for group in groups:
        waiting[max(times[index] for index in group)].extend(group)
    newest = sorted(waiting, reverse=True)
    total = sum(len(group) for group in groups)
    chosen: dict[int, str] = {}
    if options.test_from is not None:
        boundary = _parsed(options.test_from, "--test-from")
        for instant in [instant for instant in newest if instant >= boundary]:
            chosen.update(dict.fromkeys(waiting[instant], "test"))
    else:
        _take_newest(chosen, "test", newest, waiting, round(Fraction(total * options.shares[2], sum(options.shares))))
    rest = total - len(chosen)
    dev = round(Fraction(rest * options.shares[1], options.shares[0] + options.shares[1]))
    _take_newest(chosen, "dev", newest, waiting, dev)
    if len(chosen) == total and total:
        raise InvalidRequestError("no clip is old enough to train on; choose smaller shares or a later --test-from")
    return {index: chosen.get(index, "train") for group in groups for index in group}


def _take_newest(
    chosen: dict[int, str], name: str, newest: Sequence[datetime], waiting: Mapping[datetime, list[int]], count: int
) -> None:
    taken = 0
    for instant in newest:
        if taken >= count:
            return
        if waiting[instant][0] not in chosen:
            chosen.update(dict.fromkeys(waiting[instant], name))
            taken += len(waiting[instant])


def _instant(utterance: Utterance) -> datetime:
    if utterance.recorded_at is None:
        raise InvalidRequestError(
            f"{utterance.id} has no recorded_at; add it to the manifest, or split without --by time"
        )
    return _parsed(utterance.recorded_at, utterance.id)


def _parsed(text: str, where: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequestError(
            f"{where}: {text!r} is not a time; write it like 2026-03-01 or 2026-03-01T12:00Z"
        ) from error
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _balanced(
    utterances: Sequence[Utterance],
    groups: Sequence[Sequence[int]],
    kept: Mapping[int, str],
    options: SplitOptions,
) -> dict[int, str]:
    """Give each group to the split that lacks most of what is in it, the largest groups first."""
    names = [name for name, share in zip(SPLITS, options.shares, strict=True) if share > 0]
    shares = [Fraction(share, sum(options.shares)) for share in options.shares if share > 0]
    strata = {index: utterances[index].tags for group in groups for index in group}
    classes = _duration_classes(utterances, strata)
    lacking = _quotas(Counter(strata.values()), shares)
    wanting = {kind: [n * share for share in shares] for kind, n in Counter(classes.values()).items()}
    sizes = Counter(classes.values())
    already = Counter(kept.values())
    room = [len(utterances) * share - already[name] for name, share in zip(names, shares, strict=True)]
    empty = {k for k, name in enumerate(names) if not already[name]}
    chosen: dict[int, str] = {}
    order = sorted(groups, key=lambda group: (-len(group), _draw(options.seed, utterances[group[0]].id)))
    for place, group in enumerate(order):
        kinds = Counter(classes[index] for index in group)

        def rank(
            k: int, group: Sequence[int] = group, kinds: Mapping[_Class, int] = kinds
        ) -> tuple[Fraction | int, ...]:
            fits = min(Fraction(len(group)), room[k]) if len(group) > 1 else min(1, lacking[strata[group[0]]][k])
            needed = sum((n * wanting[kind][k] / (sizes[kind] * shares[k]) for kind, n in kinds.items()), Fraction(0))
            return fits, needed, room[k] / shares[k], -k

        best = max(empty if len(order) - place <= len(empty) else range(len(names)), key=rank)
        for index in group:
            lacking[strata[index]][best] -= 1
            wanting[classes[index]][best] -= 1
            chosen[index] = names[best]
        room[best] -= len(group)
        empty.discard(best)
    return chosen


def _quotas(sizes: Mapping[tuple[str, ...], int], shares: Sequence[Fraction]) -> dict[tuple[str, ...], list[int]]:
    """Share out each stratum in whole clips, exactly where the shares divide it; the rest goes where most is owed."""
    owed = [Fraction(0)] * len(shares)
    quotas = {}
    for stratum in sorted(sizes):
        exact = [sizes[stratum] * share for share in shares]
        quota = [int(part) for part in exact]
        owed = [debt + part - whole for debt, part, whole in zip(owed, exact, quota, strict=True)]
        for _ in range(sizes[stratum] - sum(quota)):
            neediest = max(range(len(shares)), key=lambda k: owed[k])
            quota[neediest] += 1
            owed[neediest] -= 1
        quotas[stratum] = quota
    return quotas


def _duration_classes(utterances: Sequence[Utterance], strata: Mapping[int, tuple[str, ...]]) -> dict[int, _Class]:
    """Say for each clip in which part of its stratum it is by length: the shortest third is 0."""
    members: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for index in sorted(strata, key=lambda index: (utterances[index].duration, utterances[index].id)):
        members[strata[index]].append(index)
    return {
        index: (stratum, DURATION_CLASSES * place // len(indices))
        for stratum, indices in members.items()
        for place, index in enumerate(indices)
    }


def _draw(seed: int, identifier: str) -> bytes:
    """Draw a place in an order that depends on nothing but the seed and the id."""
    return hashlib.sha256(f"{seed}:{identifier}".encode()).digest()
