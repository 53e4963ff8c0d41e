"""Which words of a partial transcript may be shown as stable, so that words on show do not flicker.

LocalAgreement-2: a word is stable once two hypotheses in a row begin with it and all words before it. Sources: Liu et
al., "Low-Latency Sequence-to-Sequence Speech Recognition and Translation by Partial Hypothesis Selection" (2020);
Macháček et al., "Turning Whisper into Real-Time Transcription System" (2023).
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Partial:
    """What has been made out so far: words that stay until the final transcript, and words that may still change."""

    stable: tuple[str, ...] = ()
    tentative: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All of them."""
        return self.stable + self.tentative


def agree(before: Partial, text: str) -> Partial:
    """Take in the next hypothesis.

    Args:
        before: What the hypotheses up to now gave.
        text: The next, of the same speech and what followed it.

    Returns:
        What is stable and what is tentative now. Stable words stay as they were; words are the same where only case
        and punctuation differ.
    """
    words = tuple(text.split())
    agreed = len(before.stable)
    if _same(words[:agreed], before.stable):
        while agreed < min(len(words), len(before.words)) and _plain(words[agreed]) == _plain(before.words[agreed]):
            agreed += 1
        return Partial(before.stable + words[len(before.stable) : agreed], words[agreed:])
    return Partial(before.stable, words[agreed:])


def _same(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return [_plain(word) for word in some] == [_plain(word) for word in others]


def _plain(word: str) -> str:
    return re.sub(r"[^\w']+", "", word.lower()) or word
