"""What was said and what was heard, word by word, aligned exactly as NIST's sclite aligns them.

Libraries find the fewest edits; sclite weighs a substitution 4 and a missing or added word 3 each, so that a word heard
in the wrong place is one missing and one added rather than two wrong ones. Its counts are those that papers report.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SUBSTITUTION, GAP = 4, 3
"""sclite's weights (NIST SCTK, `src/sclite/word.c`); a word that is right costs nothing."""


class Edit(StrEnum):
    """What happened to a word."""

    HIT = "hit"
    SUBSTITUTION = "substitution"
    DELETION = "deletion"
    INSERTION = "insertion"


@dataclass(frozen=True, slots=True)
class Pair:
    """A word that was said beside the word that was heard; None where there is none."""

    edit: Edit
    said: str | None
    heard: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many words were right, wrong, missing and added."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def words(self) -> int:
        """Words of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def errors(self) -> int:
        """Everything that is not right."""
        return self.substitutions + self.deletions + self.insertions

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.hits + other.hits,
            self.substitutions + other.substitutions,
            self.deletions + other.deletions,
            self.insertions + other.insertions,
        )


def align_words(said: Sequence[str], heard: Sequence[str]) -> tuple[Pair, ...]:
    """Align two sequences of words.

    Args:
        said: Words of the reference.
        heard: Words of the hypothesis.

    Returns:
        Pairs from left to right that cover both. Where several alignments cost the same it is the one that sclite
        takes: a substitution before a gap, an insertion before a deletion (`src/sclite/net_dp.c`).
    """
    if list(said) == list(heard):
        return tuple(Pair(Edit.HIT, word, word) for word in said)
    moves = _moves(said, heard)
    pairs: list[Pair] = []
    i, j = len(said), len(heard)
    while i or j:
        edit = moves[i][j]
        one = said[i - 1] if edit != Edit.INSERTION else None
        other = heard[j - 1] if edit != Edit.DELETION else None
        pairs.append(Pair(edit, one, other))
        i -= edit != Edit.INSERTION
        j -= edit != Edit.DELETION
    return tuple(reversed(pairs))


def count(pairs: Sequence[Pair]) -> Counts:
    """Count what happened in an alignment."""
    edits = [pair.edit for pair in pairs]
    return Counts(*(edits.count(edit) for edit in Edit))


def _moves(said: Sequence[str], heard: Sequence[str]) -> list[list[Edit]]:
    """Find the last edit of the cheapest alignment of every two beginnings, `(len(said) + 1, len(heard) + 1)`."""
    hit, substitution, deletion, insertion = Edit
    above = [GAP * j for j in range(len(heard) + 1)]
    moves = [[insertion] * len(above)]
    for i, word in enumerate(said, 1):
        left = GAP * i
        costs, row = [left], [deletion]
        for j, other in enumerate(heard):
            right = word == other
            diagonal = above[j] if right else above[j] + SUBSTITUTION
            down, across = above[j + 1] + GAP, left + GAP
            if diagonal <= down and diagonal <= across:
                left = diagonal
                row.append(hit if right else substitution)
            elif down < across:
                left = down
                row.append(deletion)
            else:
                left = across
                row.append(insertion)
            costs.append(left)
        above = costs
        moves.append(row)
    return moves
