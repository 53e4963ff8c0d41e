"""Where a clip comes from: its chain of steps back to the source recording."""

from collections.abc import Sequence
from dataclasses import dataclass

from data.errors import NotFoundError
from data.records import Step, Utterance

RECORD = "record"
"""Name of the step that every chain begins with: the recording, with the hash of its file."""

PARENT = "parent"
"""Parameter of a step that made a clip out of another clip of the same corpus: the other's id."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A clip and its steps, oldest first; `parents` are the clips it was made from, nearest last."""

    utterance: Utterance
    steps: tuple[Step, ...]
    parents: tuple[str, ...]


def chain_of(utterances: Sequence[Utterance], identifier: str) -> Chain:
    """Give the chain of one clip.

    Args:
        utterances: Those of a manifest.
        identifier: The clip's id.

    Returns:
        Its chain.

    Raises:
        NotFoundError: There is no such clip.
    """
    found = next((utterance for utterance in utterances if utterance.id == identifier), None)
    if found is None:
        near = ", ".join(utterance.id for utterance in utterances[:3])
        raise NotFoundError(f"there is no clip {identifier!r} in the manifest; its ids are like {near}")
    return Chain(found, found.lineage, parents_of(found))


def parents_of(utterance: Utterance) -> tuple[str, ...]:
    """Give the ids of the clips that a clip was made from, nearest last."""
    return tuple(str(step.parameters[PARENT]) for step in utterance.lineage if PARENT in step.parameters)


def origins_of(utterance: Utterance) -> tuple[str, ...]:
    """Give what a clip shares with every clip of the same origin: ids of parents, hashes of source recordings.

    Args:
        utterance: Any.

    Returns:
        Its own id, its parents' and the SHA-256 of its recordings.
    """
    hashes = (str(step.parameters["sha256"]) for step in utterance.lineage if step.name == RECORD)
    return (utterance.id, *parents_of(utterance), *hashes)
