"""The sets of queries of the retrieval benchmark: what was typed or heard of each thing that was asked for."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from benchmarks.catalogue_queries import Asked, QuerySet, with_typo
from benchmarks.spoken_queries import SNR_DB, TEST_VOICES, Ears, Heard, Spoken, counter, say
from data.records import Hypothesis
from data.settings import HomeSettings

Heards: TypeAlias = Sequence[Hypothesis]


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for, and what was typed or heard of it."""

    asked: Asked
    heard: Heards
    voice: str = ""
    clip: Path | None = None


def query_sets(asked: QuerySet, model: str) -> dict[str, list[Query]]:
    """Give every set of queries by name: typed, heard by a model, and both for films that are absent."""
    chance = random.Random(0)  # noqa: S311  not for secrets
    typed = {
        "typed": asked.known,
        "typed, absent": asked.absent,
        "typed, half a title": asked.halves,
        "typed, facets": asked.facets,
    }
    sets = {name: [Query(each, [Hypothesis(each.typed, 0.0)]) for each in group] for name, group in typed.items()}
    sets["typed with an error"] = [
        Query(each, [Hypothesis(with_typo(each.typed, chance), 0.0)]) for each in asked.known
    ]
    sets["typed as spoken"] = [Query(each, [Hypothesis(each.said, 0.0)]) for each in asked.known]
    for kind, group, levels in (
        ("", asked.known, tuple(SNR_DB)),
        (", facets", asked.facets, ("clean",)),
        (", absent", asked.absent, ("clean", "10 dB")),
    ):
        for level, clips, heard in heard_by(group, kind.strip(", ") or "known", levels, model):
            sets[f"voice, {level}{kind}"] = [
                Query(clip.asked, each.transcript.nbest, clip.voice, clip.clip)
                for clip, each in zip(clips, heard, strict=True)
            ]
    return sets


def heard_by(
    group: Sequence[Asked], kind: str, levels: Sequence[str], model: str
) -> Iterator[tuple[str, list[Spoken], list[Heard]]]:
    """Have queries said by every test voice, and heard by a model."""
    ears = Ears(Recognizer(prepare_release(model, HomeSettings.load().models, print), RecognizerSettings.load()))
    clips = say(group, TEST_VOICES, len(TEST_VOICES), f"test-{kind}", counter(f"{kind} said"))
    for level in levels:
        yield level, clips, ears.hear(clips, level, counter(f"{kind} heard, {level}"))
