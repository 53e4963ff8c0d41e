"""From what several people wrote to one text a clip; where they differ, nobody is overruled."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from data.records import Utterance
from labeling.convention import Convention, fix_text
from labeling.transcriptions import Transcription, by_clip


@dataclass(frozen=True, slots=True)
class Consensus:
    """Utterances with the texts that people agree on.

    `changed` is how many texts are new; `disputed` are the clips on which people differ, whose text stays; `unknown`
    are transcribed clips that are not among the utterances.
    """

    utterances: tuple[Utterance, ...]
    changed: int
    disputed: tuple[str, ...]
    unknown: tuple[str, ...]


def apply_transcriptions(
    utterances: Sequence[Utterance], transcriptions: Sequence[Transcription], convention: Convention
) -> Consensus:
    """Give utterances the texts that people wrote for them.

    Args:
        utterances: As they are.
        transcriptions: Of which the newest take of each person counts; one marked as ground truth counts alone.
        convention: Its safe fixes are applied before texts are compared and kept.

    Returns:
        The utterances and what changed.
    """
    groups = by_clip(transcriptions)
    written, changed, disputed = [], 0, []
    for utterance in utterances:
        texts = _texts(groups.get(utterance.id, ()), convention)
        if len(texts) > 1:
            disputed.append(utterance.id)
        text = texts.pop() if len(texts) == 1 else utterance.text
        changed += text != utterance.text
        written.append(replace(utterance, text=text))
    known = {utterance.id for utterance in utterances}
    return Consensus(tuple(written), changed, tuple(disputed), tuple(clip for clip in groups if clip not in known))


def _texts(group: Sequence[Transcription], convention: Convention) -> set[str]:
    newest: dict[str, Transcription] = {}
    for transcription in sorted(group, key=lambda each: each.take):
        newest[transcription.transcriber] = transcription
    truths = [each for each in newest.values() if each.ground_truth]
    return {fix_text(each.text, convention) for each in truths or newest.values()}
