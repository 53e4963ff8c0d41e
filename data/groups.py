"""What belongs together when a corpus is split: the same audio, origin, speaker or text.

The same ties make the groups that splitting keeps whole and the leaks that its check looks for.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from data.clips import audio_digest
from data.lineage import origins_of
from data.manifest import clip_path
from data.records import Utterance
from data.spoken import transcript_words

Ties: TypeAlias = Mapping[str, Callable[[Utterance], Sequence[str]]]
"""For each kind of tie, what an utterance is tied by: two with one value in common belong together."""


def ties_of(digests: Mapping[str, str], *, speakers: bool, texts: bool) -> Ties:
    """Name what ties utterances together.

    Args:
        digests: A hash of the audio of each utterance by its id.
        speakers: Whether a speaker does.
        texts: Whether a text does.

    Returns:
        The ties; audio and origin are always among them.
    """
    ties: dict[str, Callable[[Utterance], Sequence[str]]] = {
        "audio": lambda utterance: [digests[utterance.id]],
        "origin": origins_of,
    }
    if speakers:
        ties["speaker"] = lambda utterance: [utterance.speaker] if utterance.speaker else []
    if texts:
        ties["text"] = lambda utterance: [key] if (key := text_key(utterance.text)) else []
    return ties


def text_key(text: str) -> str:
    """Give what makes two texts the same: their spoken words, whatever case, punctuation and spelling of numbers."""
    return " ".join(transcript_words(text))


def digests_of(
    utterances: Sequence[Utterance], manifest: Path, progress: Callable[[int, int], None]
) -> Mapping[str, str]:
    """Hash the audio of a manifest's clips.

    Args:
        utterances: Those of the manifest.
        manifest: Where it is.
        progress: Called with how many clips are hashed, and of how many.

    Returns:
        Each clip's hash by its id.
    """
    digests = {}
    for done, utterance in enumerate(utterances, 1):
        digests[utterance.id] = audio_digest(clip_path(manifest, utterance))
        progress(done, len(utterances))
    return digests


def groups_of(utterances: Sequence[Utterance], ties: Ties) -> list[list[int]]:
    """Join what belongs together, directly or through others.

    Args:
        utterances: All of them.
        ties: What ties them.

    Returns:
        Groups of indices; indices and groups are in the order of ids.
    """
    parents = list(range(len(utterances)))

    def find(index: int) -> int:
        while parents[index] != index:
            parents[index] = index = parents[parents[index]]
        return index

    first: dict[Hashable, int] = {}
    for index, utterance in enumerate(utterances):
        for kind, values_of in ties.items():
            for value in values_of(utterance):
                parents[find(index)] = find(first.setdefault((kind, value), index))
    joined: dict[int, list[int]] = defaultdict(list)
    for index in range(len(utterances)):
        joined[find(index)].append(index)
    groups = [sorted(group, key=lambda index: utterances[index].id) for group in joined.values()]
    return sorted(groups, key=lambda group: utterances[group[0]].id)
