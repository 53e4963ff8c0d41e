"""What it brings to tell the recogniser the catalogue's names, and what it costs where no name is said.

    python -m benchmarks.name_bias [--clips N]

Whisper continues a text that it is given (`<|startofprev|>`, then the text). Three arms on the release as it is: no
text; one text for every clip, the directors with most films; and a second decoding of each clip with the five titles
that the search found for the first. Heard are film queries of voices that nothing is tested on, recorded prompts in
which nobody names a film, and noise. The last line is JSON.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from ctranslate2 import StorageView

from asr.features import own_log_mel
from asr.recognizer import Recognizer, distinct, mean_log_prob
from asr.scoring import score
from asr.settings import RecognizerSettings
from asr.weights import prepare_release
from benchmarks.catalogue_queries import FILMS, queries_of
from benchmarks.conditioning import prompts
from benchmarks.retrieval import rank_of
from benchmarks.spoken_queries import FIT_VOICES, say
from data.catalogue import read_catalogue
from data.clips import read_clip
from data.condition import condition
from data.effects import coloured_noise
from data.records import SAMPLE_RATE, Hypothesis, Samples
from data.settings import HomeSettings
from serve.index import SearchIndex, build_index

Heard = tuple[Hypothesis, ...]
BEAM = 5


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=100, help="clips of each kind")
    count = parser.parse_args().clips
    recognizer = Recognizer(prepare_release("tiny.en", HomeSettings.load().models, print), RecognizerSettings.load())
    catalogue = read_catalogue(FILMS / "catalogue.csv")
    asked = queries_of("fit", count, 0).known
    clips = say(asked, FIT_VOICES, 1, "name-bias", lambda done, of: None)
    queries = [(read_clip(clip.clip), clip.asked) for clip in clips]
    nameless = prompts(count)
    noise = [
        coloured_noise(2 * SAMPLE_RATE, "pink", np.random.default_rng(seed)) * np.float32(0.03)
        for seed in range(count // 4)
    ]
    with TemporaryDirectory() as folder:
        build_index(catalogue, Path(folder))
        index = SearchIndex.open(Path(folder))
        figures: dict[str, dict[str, float]] = {}
        print("| text given | film queries: WER | MRR@10 | nameless: WER | words in noise | ms a clip |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, hear in arms(recognizer, index, directors(catalogue.items)).items():
            begun = time.perf_counter()
            heard = [hear(samples) for samples, _ in queries]
            milliseconds = 1000 * (time.perf_counter() - begun) / len(queries)
            ranks = [
                rank_of(each.wanted, [hit.id for hit in index.find(h).hits])
                for h, (_, each) in zip(heard, queries, strict=True)
            ]
            wer = score([each.said for _, each in queries], [best(h) for h in heard]).wer
            other = score(
                [text for _, text in nameless], [best(hear(condition(samples).samples)) for samples, _ in nameless]
            ).wer
            words = sum(len(best(hear(samples)).split()) for samples in noise) / len(noise)
            mrr = sum(1 / rank for rank in ranks if rank) / len(ranks)
            print(f"| {name} | {wer:.3f} | {mrr:.3f} | {other:.3f} | {words:.1f} | {milliseconds:.0f} |")
            figures[name] = {"wer": round(wer, 4), "mrr": round(mrr, 4), "nameless_wer": round(other, 4)}
            figures[name] |= {"words_in_noise": round(words, 2), "ms": round(milliseconds, 1)}
    print(json.dumps(figures))


def arms(recognizer: Recognizer, index: SearchIndex, names: str) -> dict[str, Callable[[Samples], Heard]]:
    """Give the three ways to hear a clip."""

    def twice(samples: Samples) -> Heard:
        first = hear_after("", samples, recognizer)
        titles = ", ".join(hit.title for hit in index.find(first).hits[:5])
        return hear_after(titles, samples, recognizer) if titles else first

    return {
        "none": lambda samples: hear_after("", samples, recognizer),
        "directors": lambda samples: hear_after(names, samples, recognizer),
        "titles found first": twice,
    }


def directors(items: Sequence[object]) -> str:
    """Name the twenty directors with most films."""
    counts = Counter(getattr(item, "fields", {}).get("director") for item in items)
    return ", ".join(str(name) for name, _ in counts.most_common(21) if name)


def hear_after(text: str, samples: Samples, recognizer: Recognizer) -> Heard:
    """Decode a clip as the recogniser does, after a text."""
    tokenizer, model = recognizer._tokenizer, recognizer._model
    given = tokenizer.encode(f" {text}", add_special_tokens=False).ids if text else []
    before = [tokenizer.token_to_id("<|startofprev|>"), *given] if given else []
    prompt = [*before, *recognizer._prompt]
    result = model.generate(
        StorageView.from_array(own_log_mel(samples, recognizer._n_mels)[None]),
        [prompt],
        beam_size=BEAM,
        num_hypotheses=BEAM,
        max_length=len(prompt) + 60,
        suppress_tokens=recognizer._suppressed,
        return_scores=True,
    )[0]
    texts = tokenizer.decode_batch(result.sequences_ids)
    read = [
        Hypothesis(words.strip(), mean_log_prob(points, len(ids)))
        for words, points, ids in zip(texts, result.scores, result.sequences_ids, strict=True)
    ]
    return distinct(sorted(read, key=lambda each: -each.log_prob))


def best(heard: Heard) -> str:
    """Give the text of the best hypothesis."""
    return heard[0].text if heard else ""


if __name__ == "__main__":
    main()
