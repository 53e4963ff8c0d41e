"""How long 10,000 utterances take to be scored, sliced and bootstrapped on one core, next to the plain way.

    python -m benchmarks.scoring

The texts are those of real prompts and of what two recognisers heard, over and over, with tags and speakers drawn for
them. The plain way is what one would write first: jiwer for each utterance in a loop, and a bootstrap of each slice by
itself. Both score two forms of the texts and give the same slices an interval. The last line is JSON.
"""

import json
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import jiwer
import numpy as np

from asr.evaluation.error_classes import class_figures, mistakes_of
from asr.evaluation.evaluation import FULL_LEVEL, headline_of
from asr.evaluation.measurement import ClipConditions
from asr.evaluation.prioritisation import prioritise
from asr.evaluation.resampling import RESAMPLES, resample
from asr.evaluation.slices import Slice, slices_of
from asr.evaluation.trials import join
from data.intervals import bootstrap_rate
from data.records import Utterance
from labeling.normalization import normalize

TEXTS = Path("tests/asr/evaluation/prompts.jsonl")
UTTERANCES = 10_000
TAGS = ("car noise", "people noise", "low bandwidth", "accent", "device:phone", "device:laptop", "child", "far away")
SPEAKERS = 200


def main() -> None:
    """Print a table, then one line of JSON."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    utterances = drawn()
    ours, slices = timed(lambda: score_all(utterances))
    peer, _ = timed(lambda: score_plainly(utterances, slices))
    for name, seconds in (("voicesearch", ours), ("jiwer and numpy, plainly", peer)):
        print(f"{name:26s}{seconds:7.1f} s of one core")
    figures = {"seconds": round(ours, 1), "peer_seconds": round(peer, 1)}
    print(json.dumps({"utterances": UTTERANCES, "slices": len(slices), "resamples": RESAMPLES, **figures}))


def drawn() -> tuple[Utterance, ...]:
    """Give real texts with drawn tags, as one recogniser heard them."""
    rows = [json.loads(line) for line in TEXTS.read_text(encoding="utf-8").splitlines()]
    choose = random.Random(0)  # noqa: S311  tags, not secrets
    made = []
    for number in range(UTTERANCES):
        row = rows[number % len(rows)]
        tags = tuple(tag for tag in TAGS if choose.random() < 0.2)
        speaker = f"s{choose.randrange(SPEAKERS)}"
        heard = row["wide" if number % 2 else "narrow"]
        made.append(Utterance(f"u{number}", "x.flac", 1.0, row["said"], speaker=speaker, tags=tags, pred_text=heard))
    return tuple(made)


def score_all(utterances: Sequence[Utterance]) -> tuple[Slice, ...]:
    """Do what `asr evaluate` does with texts: align, score twice, class errors, slice, bootstrap over speakers."""
    choose = random.Random(1)  # noqa: S311  noise, not secrets
    clips = {u.id: ClipConditions(choose.uniform(0.5, 9), snr_db=choose.uniform(0, 40)) for u in utterances}
    trials = join(utterances, {u.id: u for u in utterances}, clips)
    resampling = resample([u.speaker for u in utterances])
    headline_of(trials, resampling)
    slices = slices_of(trials.all)
    prioritise(trials, slices, resampling, FULL_LEVEL)
    class_figures(mistake for trial in trials.all for mistake in mistakes_of(trial))
    return slices


def score_plainly(utterances: Sequence[Utterance], slices: Sequence[Slice]) -> None:
    """Score with jiwer one by one, then bootstrap each slice."""
    for form in (str.split, lambda text: normalize(text).split()):
        errors, words = [], []
        for utterance in utterances:
            said, heard = (" ".join(form(text)) for text in (utterance.text, utterance.pred_text or ""))
            if said:
                counted = jiwer.process_words(said, heard)
                errors.append(counted.substitutions + counted.deletions + counted.insertions)
            else:
                errors.append(len(heard.split()))
            words.append(len(said.split()))
        wrong, of = np.array(errors), np.array(words)
        for members in (np.ones(len(wrong), bool), *(each.members for each in slices)):
            bootstrap_rate(wrong[members], of[members])


def timed(work: Callable[[], tuple[Slice, ...] | None]) -> tuple[float, tuple[Slice, ...]]:
    """Give processor seconds, which other processes do not stretch, and what came of the work."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result or ()


if __name__ == "__main__":
    main()
