"""Two sequences of words side by side."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of words that are the same on both sides, or that differ; either side of a difference may be empty."""

    same: bool
    ours: slice
    theirs: slice


def align(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Stretch, ...]:
    """Align words with as few changes as possible.

    Args:
        ours: Words.
        theirs: Words.

    Returns:
        Stretches that cover both sides from left to right; those that are the same and those that differ take turns.
    """
    from rapidfuzz.distance import Levenshtein

    stretches: list[Stretch] = []
    for code in Levenshtein.opcodes(ours, theirs):
        start, other_start, same = code.src_start, code.dest_start, code.tag == "equal"
        if stretches and stretches[-1].same == same:
            start, other_start = stretches[-1].ours.start, stretches[-1].theirs.start
            stretches.pop()
        stretches.append(Stretch(same, slice(start, code.src_end), slice(other_start, code.dest_end)))
    return tuple(stretches)
