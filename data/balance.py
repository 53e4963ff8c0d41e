"""What a split came to: how balanced the sets are, what they share, and whether anything leaks between them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from data.errors import ManifestError
from data.lineage import origins_of
from data.records import Utterance
from data.split import SPLITS, SplitBy, text_key

UNASSIGNED = "unassigned"
"""Under which clips without a split are counted."""

SHOWN = 3
"""Leaks that an error names; it counts the rest."""


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One split: `share` is of all clips, `seconds` is all its audio; the lengths are quartiles in seconds."""

    clips: int
    share: float
    seconds: float
    speakers: int
    texts: int
    lengths: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Balance:
    """Figures of each split, clips of each tag in each split, and what two splits have in common.

    `shared_speakers` and `shared_texts` are by pair of splits, for example `train+test`.
    """

    sets: Mapping[str, SetFigures]
    tags: Mapping[str, Mapping[str, int]]
    shared_speakers: Mapping[str, int]
    shared_texts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Leak:
    """Something that is in two splits: what kind, what it is, and a clip of each."""

    kind: str
    what: str
    clips: tuple[str, str]
    splits: tuple[str, str]


def balance_of(utterances: Sequence[Utterance]) -> Balance:
    """Report how utterances are spread over their splits.

    Args:
        utterances: Each with its split.

    Returns:
        The report.
    """
    sets = _by_split(utterances)
    tags = sorted({tag for utterance in utterances for tag in utterance.tags})
    return Balance(
        sets={name: _figures(members, len(utterances)) for name, members in sets.items()},
        tags={tag: {name: sum(tag in u.tags for u in members) for name, members in sets.items()} for tag in tags},
        shared_speakers=_shared(sets, lambda utterance: utterance.speaker),
        shared_texts=_shared(sets, lambda utterance: text_key(utterance.text) or None),
    )


def find_leaks(
    utterances: Sequence[Utterance], digests: Mapping[str, str], by: SplitBy, *, text_disjoint: bool
) -> tuple[Leak, ...]:
    """Find what is in two splits and should not be.

    Args:
        utterances: Each with its split.
        digests: A hash of the audio of each utterance by its id.
        by: What was kept disjoint; speakers are looked at only where it is `speaker`.
        text_disjoint: Whether the same text in two splits is a leak.

    Returns:
        A leak for each thing that is in more than one split: audio, origin (a recording or a parent), speaker, text.
    """
    keys: list[tuple[str, Callable[[Utterance], Sequence[str]]]] = [
        ("audio", lambda utterance: [digests[utterance.id]]),
        ("origin", origins_of),
    ]
    if by is SplitBy.SPEAKER:
        keys.append(("speaker", lambda utterance: [utterance.speaker] if utterance.speaker else []))
    if text_disjoint:
        keys.append(("text", lambda utterance: [key] if (key := text_key(utterance.text)) else []))
    return tuple(leak for kind, key in keys for leak in _leaks(kind, utterances, key))


def refuse_leaks(leaks: Sequence[Leak]) -> None:
    """Fail loudly where anything leaks.

    Args:
        leaks: What was found.

    Raises:
        ManifestError: naming the first leaks and how many there are.
    """
    if leaks:
        named = "; ".join(
            f"{leak.clips[0]} ({leak.splits[0]}) and {leak.clips[1]} ({leak.splits[1]}) have the same {leak.kind}"
            + (f" {leak.what!r}" if leak.kind in ("speaker", "text") else "")
            for leak in leaks[:SHOWN]
        )
        more = f"; and {len(leaks) - SHOWN} more" if len(leaks) > SHOWN else ""
        raise ManifestError(f"the splits leak: {named}{more}; split the whole manifest again")


def _leaks(kind: str, utterances: Sequence[Utterance], keys: Callable[[Utterance], Sequence[str]]) -> list[Leak]:
    first: dict[str, Utterance] = {}
    leaks: dict[str, Leak] = {}
    for utterance in utterances:
        for key in keys(utterance):
            other = first.setdefault(key, utterance)
            if other.split != utterance.split and key not in leaks:
                splits = (str(other.split), str(utterance.split))
                leaks[key] = Leak(kind, key, (other.id, utterance.id), splits)
    return list(leaks.values())


def _by_split(utterances: Sequence[Utterance]) -> dict[str, list[Utterance]]:
    sets: dict[str, list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        sets[utterance.split or UNASSIGNED].append(utterance)
    order = [*(name for name in SPLITS if name in sets), *sorted(set(sets) - set(SPLITS))]
    return {name: sets[name] for name in order}


def _figures(members: Sequence[Utterance], total: int) -> SetFigures:
    low, middle, high = np.percentile([utterance.duration for utterance in members], [25, 50, 75])
    return SetFigures(
        clips=len(members),
        share=len(members) / total,
        seconds=round(sum(utterance.duration for utterance in members), 3),
        speakers=len({utterance.speaker for utterance in members} - {None}),
        texts=len({text_key(utterance.text) for utterance in members}),
        lengths=(round(float(low), 3), round(float(middle), 3), round(float(high), 3)),
    )


def _shared(sets: Mapping[str, Sequence[Utterance]], key: Callable[[Utterance], Hashable]) -> dict[str, int]:
    values = {name: Counter(key(utterance) for utterance in members) for name, members in sets.items()}
    return {
        f"{one}+{other}": len((values[one].keys() & values[other].keys()) - {None})
        for one, other in combinations(sets, 2)
    }
