"""What a split came to: how balanced the sets are, what they share, and whether anything leaks between them."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from data.choices import SplitBy
from data.errors import InvalidRequestError, ManifestError
from data.files import atomic_writer, sha256_of
from data.groups import digests_of, text_key, ties_of
from data.manifest import lock_path, read_lock, to_line, write_lock, write_manifest
from data.records import Utterance
from data.split import SPLITS, Assignment, SplitOptions, choose_by

UNASSIGNED = "unassigned"
"""Under which clips without a split are counted."""

REPORT = "split.json"
"""The report beside the manifest; its `written` are the hashes of the manifests that splitting has written."""

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
    ties = ties_of(digests, speakers=by is SplitBy.SPEAKER, texts=text_disjoint)
    return tuple(leak for kind, values_of in ties.items() for leak in _leaks(kind, utterances, values_of))


def check_splits(manifests: Mapping[Path, Sequence[Utterance]], options: SplitOptions) -> Assignment:
    """Check splits that are there already.

    Args:
        manifests: Utterances by manifest; those without a split get the name of their manifest.
        options: What is to be kept apart.

    Returns:
        The utterances with their splits, and what was looked at.

    Raises:
        InvalidRequestError: There is only one split.
        ManifestError: Something is in two splits.
    """
    utterances: list[Utterance] = []
    digests: dict[str, str] = {}
    for path, members in manifests.items():
        utterances.extend(replace(utterance, split=utterance.split or path.stem) for utterance in members)
        digests.update(digests_of(members, path, lambda done, total: None))
    if len({utterance.split for utterance in utterances}) < 2:
        raise InvalidRequestError("there is only one split; name the manifests of all splits to check")
    by, reason = choose_by(utterances, options)
    refuse_leaks(find_leaks(utterances, digests, by, text_disjoint=options.text_disjoint))
    return Assignment(tuple(utterances), by, reason)


def write_splits(manifest: Path, assignment: Assignment) -> Mapping[str, Path]:
    """Write one locked manifest for each split beside the whole one, and the balance as `split.json`.

    Args:
        manifest: The whole manifest.
        assignment: What it was split into.

    Returns:
        The manifest of each split: `train.jsonl` and so on; one that an earlier split left and this one has not, is
        removed.

    Raises:
        InvalidRequestError: The whole manifest has the name of a split, and would be overwritten.
        ManifestError: The whole manifest was changed since it was locked, or somebody has worked on one of a split.
    """
    if manifest.suffix == ".jsonl" and manifest.stem in SPLITS:
        raise InvalidRequestError(f"{manifest}: would be overwritten by its own split; give it another name first")
    lock = read_lock(manifest)
    sets = _by_split(assignment.utterances)
    paths = {name: manifest.with_name(f"{name}.jsonl") for name in sets}
    written = _refuse_changed(manifest) | {_hash_of(members) for members in sets.values()}
    report = {"by": assignment.by, "reason": assignment.reason, **asdict(balance_of(assignment.utterances))}
    # Before the splits are there, so that those of a run that was stopped are known as ours.
    with atomic_writer(manifest.with_name(REPORT)) as file:
        json.dump(report | {"written": sorted(written)}, file, indent=2, ensure_ascii=False)
        file.write("\n")
    for name, path in paths.items():
        lock_path(path).unlink(missing_ok=True)
        write_manifest(path, sets[name])
        write_lock(path, lock.convention if lock else None)
    for name in set(SPLITS) - set(sets):
        manifest.with_name(f"{name}.jsonl").unlink(missing_ok=True)
        lock_path(manifest.with_name(f"{name}.jsonl")).unlink(missing_ok=True)
    return paths


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


def _refuse_changed(manifest: Path) -> set[str]:
    """Refuse to overwrite a split that somebody has worked on; give the hashes of those that are there."""
    try:
        known = json.loads(manifest.with_name(REPORT).read_text(encoding="utf-8"))["written"]
    except (OSError, ValueError, LookupError, TypeError):
        known = ()
    there = {path: sha256_of(path) for name in SPLITS if (path := manifest.with_name(f"{name}.jsonl")).is_file()}
    for path, sha256 in there.items():
        if sha256 not in known:
            raise ManifestError(f"{path}: changed since it was split off, and would be overwritten; move it elsewhere")
    return set(there.values())


def _hash_of(utterances: Sequence[Utterance]) -> str:
    """Give the SHA-256 that a manifest of utterances has."""
    return hashlib.sha256("".join(to_line(utterance) + "\n" for utterance in utterances).encode()).hexdigest()


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
