"""How many planted label errors the ranking of suspects finds, next to a ranking by word error rate in the same run.

    python -m benchmarks.suspects

5% of the Asterisk prompts get a wrong text: a third each is swapped with another prompt's, cut short, or has one number
changed. The figure is the share of them in the first 10% of the ranking, over ten plantings. The last line is JSON.
"""

import json
import random
import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rapidfuzz.distance import Levenshtein

from asr.transcription import heard_path, transcribe_all
from data.corpora.asterisk import fetch_asterisk, read_asterisk
from data.preparation import PreparationLimits, prepare
from data.progress import progress_bar
from data.records import Utterance
from data.settings import HomeSettings
from data.workers import core_count
from labeling.normalization import normalize
from labeling.rulebook import shipped_convention
from labeling.suspects import find_suspects

SHARE = 0.05
FIRST = 0.10
PLANTINGS = 10
NUMBERS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
NUMBER = re.compile(rf"\b(?:\d|{'|'.join(NUMBERS)})\b")


def main() -> None:
    """Print a table, then one line of JSON."""
    utterances = transcribed()
    hypotheses = {utterance.id: utterance for utterance in utterances}
    found: dict[str, list[float]] = {"recall": [], "peer_recall": []}
    by_kind: dict[str, list[bool]] = {}
    for seed in range(PLANTINGS):
        spoiled, planted = plant(utterances, random.Random(seed))  # noqa: S311  not for secrets
        first = round(FIRST * len(spoiled))
        ours = [each.utterance.id for each in find_suspects(spoiled, hypotheses, shipped_convention())][:first]
        found["recall"].append(share_found(planted, ours))
        found["peer_recall"].append(share_found(planted, by_error_rate(spoiled, hypotheses)[:first]))
        for name, kind in planted.items():
            by_kind.setdefault(kind, []).append(name in ours)
    figures: dict[str, float] = {"clips": len(utterances), "planted": len(planted)}
    figures |= {name: round(statistics.mean(shares), 3) for name, shares in found.items()}
    figures["lowest_recall"] = round(min(found["recall"]), 3)
    figures |= {f"recall_{kind}": round(statistics.mean(hits), 3) for kind, hits in sorted(by_kind.items())}
    for key, value in figures.items():
        print(f"{key:24s} {value:>10}")
    print(json.dumps(figures))


def transcribed() -> list[Utterance]:
    """Prepare the prompts that have words and transcribe them, with the commands' own code."""
    root = fetch_asterisk(HomeSettings.load().corpora / "asterisk")
    with TemporaryDirectory() as scratch:
        with progress_bar("preparing") as progress:
            limits = PreparationLimits()
            batch = prepare(
                read_asterisk(root), Path(scratch), limits=limits, processes=core_count(), progress=progress
            )
        with progress_bar("transcribing") as progress:
            heard = transcribe_all(batch.manifest, heard_path(batch.manifest), None, progress)
    return [utterance for utterance in heard.utterances if utterance.text and "non-speech" not in utterance.tags]


def plant(utterances: Sequence[Utterance], chance: random.Random) -> tuple[list[Utterance], dict[str, str]]:
    """Give some utterances a wrong text; the mapping says which, and how."""
    texts = {utterance.id: utterance.text for utterance in utterances}
    order = chance.sample(list(texts), len(texts))
    each = round(SHARE * len(order)) // 3
    planted: dict[str, str] = {}
    for name in order:
        if list(planted.values()).count("number") < each and NUMBER.search(texts[name]):
            texts[name] = with_wrong_number(texts[name], chance)
            planted[name] = "number"
    for name in order:
        words = texts[name].split()
        if list(planted.values()).count("cut") < each and name not in planted and len(words) >= 4:
            texts[name] = " ".join(words[: chance.randint(len(words) // 3, 2 * len(words) // 3)])
            planted[name] = "cut"
    left = [name for name in order if name not in planted]
    for one, other in zip(left[0:each:2], left[1:each:2], strict=False):
        if normalize(texts[one]) != normalize(texts[other]):
            texts[one], texts[other] = texts[other], texts[one]
            planted[one] = planted[other] = "swapped"
    return [replace(utterance, text=texts[utterance.id]) for utterance in utterances], planted


def with_wrong_number(text: str, chance: random.Random) -> str:
    """Change one number from zero to nine to another, in the way it is written."""
    number = chance.choice(list(NUMBER.finditer(text)))
    ways = "0123456789" if number.group().isdigit() else NUMBERS
    wrong = chance.choice([way for way in ways if way != number.group()])
    return text[: number.start()] + wrong + text[number.end() :]


def by_error_rate(utterances: Sequence[Utterance], hypotheses: Mapping[str, Utterance]) -> list[str]:
    """Rank clips by the word error rate of the recogniser's text, the usual first try."""

    def error_rate(utterance: Utterance) -> float:
        label = normalize(utterance.text).split()
        return Levenshtein.distance(label, normalize(hypotheses[utterance.id].pred_text or "").split()) / max(
            len(label), 1
        )

    return [utterance.id for utterance in sorted(utterances, key=error_rate, reverse=True)]


def share_found(planted: Mapping[str, str], ranked: Sequence[str]) -> float:
    """Give the share of the planted errors among the clips ranked first."""
    return len(planted.keys() & set(ranked)) / len(planted)


if __name__ == "__main__":
    main()
