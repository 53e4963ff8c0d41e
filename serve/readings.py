"""How a query may be understood: what was heard, without the words around what is asked for.

"please show me heat from nineteen ninety five" asks for *heat*, or for *heat from 1995*. Both are tried, and so is the
whole, for a film may be called "Play Misty for Me". English only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from data.records import Hypothesis
from serve.analysis import Phrase, phrase

MAX_READINGS = 5
"""Hypotheses that are looked at."""

MAX_TERMS = 32
"""Different words of a hypothesis that are looked for."""

MAX_CHARACTERS = 500
"""Text of a query beyond this is not looked at."""

MAX_PARTS = 8
"""Ways in which one hypothesis may name a title."""

SHARPNESS = 4.0
"""By how much a hypothesis' mean log probability decides; 1 would take words for as sure as tokens."""

_CARRIER = re.compile(
    r"^(?:(?:please|can you|could you|would you|id like to|i would like to|i want to|i wanna|lets|ok|hey) )*"
    r"(?:(?:play|find|show|search|see|watch|look|give|get|put on|do you have|have you got|i want|id like|i am looking) "
    r"(?:(?:me|for|us) )*)?"
    r"(?:the (?:film|movie)s? )?(?=.)"
)
_PLEASE = re.compile(r" please$")
_JOINTS = (" directed by ", " by ", " from ", " in ", " starring ", " with ")
"""What may stand between a title and what else is known of it."""

GENERIC = frozenset(
    ("a", "an", "the", "any", "some", "good", "film", "films", "movie", "movies", "something", "anything", "one")
) | {"by", "from", "in", "of", "directed", "starring", "with", "me"}
"""Words that alone name nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One hypothesis: its rank, the probability that it is right, its words, and what in it may be a title.

    `titles` are in spoken form, the whole first; `asked` are the terms that say what is asked for.
    """

    hypothesis: int
    share: float
    phrase: Phrase
    titles: tuple[str, ...]
    asked: frozenset[str]


def readings(hypotheses: Sequence[Hypothesis]) -> tuple[Reading, ...]:
    """Read what was heard or typed.

    Args:
        hypotheses: Best first; a typed text is a single one.

    Returns:
        A reading of each of the first five that has words, their shares adding up to 1.
    """
    heard = [(rank, each, phrase(each.text[:MAX_CHARACTERS])) for rank, each in enumerate(hypotheses[:MAX_READINGS])]
    worded = [(rank, each, said) for rank, each, said in heard if said.terms]
    if not worded:
        return ()
    best = max(each.log_prob for _, each, _ in worded)
    weights = [exp(SHARPNESS * (each.log_prob - best)) for _, each, _ in worded]
    return tuple(
        _reading(rank, weight / sum(weights), said) for (rank, _, said), weight in zip(worded, weights, strict=True)
    )


def _reading(rank: int, share: float, said: Phrase) -> Reading:
    stripped = _PLEASE.sub("", _CARRIER.sub("", said.said))
    titles = [said.said, stripped]
    titles += [stripped.rsplit(joint, 1)[0] for joint in _JOINTS if joint in stripped]
    named = [title for title in dict.fromkeys(titles) if not GENERIC.issuperset(title.split())]
    asked = frozenset(phrase(stripped).terms) - GENERIC
    kept = Phrase(said.said, tuple(dict.fromkeys(said.terms))[:MAX_TERMS])
    return Reading(rank, share, kept, tuple(named or titles[:1])[:MAX_PARTS], asked or frozenset(said.terms))
