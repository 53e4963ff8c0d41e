"""Trials made of texts, and real prompts as two recognisers heard them."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from asr.evaluation.measurement import ClipConditions
from asr.evaluation.trials import Trials, join
from data.records import Utterance

MakeTrials = Callable[..., Trials]


@pytest.fixture
def make_trials() -> MakeTrials:
    """Makes trials of pairs: what was said, what was heard; further fields by name, one for each pair."""

    def make(
        *pairs: tuple[str, str],
        speakers: Sequence[str | None] | None = None,
        tags: Sequence[Sequence[str]] | None = None,
        snr: Sequence[float | None] | None = None,
        confidence: Sequence[float | None] | None = None,
    ) -> Trials:
        utterances = [
            Utterance(
                f"u{place}",
                f"u{place}.flac",
                1.0,
                said,
                speaker=speakers[place] if speakers else None,
                tags=tuple(tags[place]) if tags else (),
                pred_text=heard,
                confidence=confidence[place] if confidence else None,
            )
            for place, (said, heard) in enumerate(pairs)
        ]
        clips = {u.id: ClipConditions(1.0, snr_db=snr[place] if snr else None) for place, u in enumerate(utterances)}
        return join(utterances, {u.id: u for u in utterances}, clips)

    return make


@dataclass(frozen=True, slots=True)
class Prompts:
    """Real recordings: what was said, and what a recogniser heard with a wide and with a narrow search."""

    said: list[str]
    wide: list[str]
    narrow: list[str]


@pytest.fixture(scope="session")
def prompts() -> Prompts:
    lines = (Path(__file__).parent / "prompts.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    return Prompts(*([row[name] for row in rows] for name in ("said", "wide", "narrow")))
