"""Where every millisecond of one spoken query goes, next to what the arithmetic alone would take.

    python -m benchmarks.query_profile

Each part is timed on one thread in this process, median over Asterisk prompts of about 2.5 s; what HTTP and the way to
the recogniser's process add is the difference to the real server's answers. The floor of the encoder is its
multiplications at four times the rate of this core's float32 matrix product (8-bit numbers are a quarter as wide); that
of the decoder is reading its 8-bit weights once for each token at this core's reading speed, since a step of five
hypotheses multiplies each weight only five times. The last line is JSON.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is imported: the floor is that of one core

import numpy as np
from ctranslate2 import StorageView
from ctranslate2.models import Whisper
from rich.console import Console
from rich.table import Table
from tokenizers import Tokenizer

from asr.features import own_log_mel
from asr.recognizer import Recognizer, prompt_of
from asr.settings import RecognizerSettings
from benchmarks.latency import ask
from benchmarks.server import benchmark_server
from benchmarks.traffic import Recordings
from data.audio import AudioLimits, decode
from data.condition import condition
from data.loudness import integrated_loudness, true_peak_db
from data.voice import voice_probabilities
from serve.preparation import open_index, prepare

CLIPS, SECONDS = 30, 2.5
BEAM = 5
N_MELS, WIDTH, LAYERS = 80, 384, 4
"""Of tiny.en (A. Radford et al., 2022), encoder and decoder alike."""

TURNS = 3
"""Each part of each clip is timed so often; the best counts, as other work only ever adds."""


Work = Callable[[], Any]


def best_ms(work: Work) -> tuple[float, Any]:
    """Do something several times; gives its best time in milliseconds and what it gave."""
    times = []
    for _ in range(TURNS):
        start = time.perf_counter()
        found = work()
        times.append(1000.0 * (time.perf_counter() - start))
    return min(times), found


def parts_of(model: Whisper, prompt: list[int], content: bytes, search: Work) -> dict[str, float]:
    """Time the parts of one query, in milliseconds; `steps` is how many tokens the decoder wrote."""
    times: dict[str, float] = {}
    times["decode"], decoded = best_ms(lambda: decode(content, AudioLimits()))
    times["loudness and true peak"], _ = best_ms(
        lambda: (integrated_loudness(decoded.samples), true_peak_db(decoded.samples))
    )
    times["voice detector"], _ = best_ms(lambda: voice_probabilities(decoded.samples))
    whole, clip = best_ms(lambda: condition(decoded.samples))
    times["rest of conditioning"] = whole - times["loudness and true peak"] - times["voice detector"]
    times["features"], mel = best_ms(lambda: own_log_mel(clip.samples))
    times["encoder"], encoded = best_ms(lambda: model.encode(StorageView.from_array(mel[None])))

    def generate(max_length: int, beam: int = BEAM, no_speech: bool = False) -> tuple[float, Any]:
        return best_ms(
            lambda: model.generate(
                encoded,
                [prompt],
                beam_size=beam,
                num_hypotheses=beam,
                max_length=max_length,
                return_no_speech_prob=no_speech,
            )[0]
        )

    whole, result = generate(60)
    steps = max(map(len, result.sequences_ids)) + 1
    first, _ = generate(len(prompt))
    times["decoder: prompt and first token"] = first
    times["decoder: other tokens"] = whole - first
    times["probability of no speech"] = generate(60, no_speech=True)[0] - whole
    times["search"], _ = best_ms(search)
    return {**times, "steps": steps, "frames": mel.shape[1]}


def floor_ms(frames: float, steps: float, tokens: int) -> dict[str, float]:
    """Give what the arithmetic of tiny.en takes on one core.

    Args:
        frames: Frames of features, 10 ms each.
        steps: Tokens written.
        tokens: In the vocabulary.

    Returns:
        Milliseconds of the encoder, limited by its multiplications, and of the decoder, limited by reading its weights.
    """
    positions = frames / 2
    convolutions = frames * 3 * N_MELS * WIDTH + positions * 3 * WIDTH * WIDTH
    encoder = convolutions + LAYERS * (12 * WIDTH**2 * positions + 2 * positions**2 * WIDTH)
    decoder_bytes = LAYERS * 14 * WIDTH**2 + tokens * WIDTH
    return {
        "encoder": round(1000.0 * encoder / (4.0 * multiplications_per_second()), 2),
        "decoder": round(1000.0 * steps * decoder_bytes / bytes_per_second(), 2),
    }


def multiplications_per_second() -> float:
    """Measure how many float32 multiplications with addition this core does in matrix products."""
    size = 1024
    left = np.ones((size, size), np.float32)
    return size**3 / (best_ms(lambda: left @ left)[0] / 1000.0)


def bytes_per_second() -> float:
    """Measure how fast this core reads memory that is in no cache."""
    much = np.ones(64 * 1024 * 1024, np.int64)
    return much.nbytes / (best_ms(much.sum)[0] / 1000.0)


def main() -> None:
    """Run the benchmark."""
    argparse.ArgumentParser(description=__doc__.splitlines()[0]).parse_args()
    release = prepare(None, print)
    recognizer = Recognizer(release, RecognizerSettings.load())
    model = Whisper(release.directory, compute_type="int8", inter_threads=1, intra_threads=1)
    tokenizer = Tokenizer.from_file(str(Path(release.directory, "tokenizer.json")))
    prompt = list(prompt_of(tokenizer, False, release.name))
    index = open_index()
    contents = Recordings().around(SECONDS, CLIPS)
    found = []
    for content in contents:
        heard = recognizer.recognize(condition(decode(content, AudioLimits()).samples)).nbest
        found.append(parts_of(model, prompt, content, partial(index.find, heard, 10)))
    medians = {name: round(statistics.median(each[name] for each in found), 2) for name in found[0]}
    steps, frames = medians.pop("steps"), medians.pop("frames")
    with benchmark_server() as server:
        ask(server.url, contents[0])
        answers = [ask(server.url, content) for content in contents]
    whole = statistics.median(took for took, *_ in answers)
    medians["HTTP, form, answer"] = round(statistics.median(took - stages["total"] for took, stages, _ in answers), 2)
    between = statistics.median(
        stages["total"] - sum(value for name, value in stages.items() if name != "total") for _, stages, _ in answers
    )
    medians["between the processes and threads"] = round(between, 2)
    floor = floor_ms(frames, steps, tokenizer.get_vocab_size())
    table = Table("part", "ms", title=f"One query of {SECONDS} s: {frames:.0f} frames, {steps:.0f} tokens")
    for name, milliseconds in medians.items():
        table.add_row(name, f"{milliseconds:.2f}")
    table.add_row("all", f"{sum(medians.values()):.1f}")
    table.add_row("the server's answer", f"{whole:.1f}")
    table.add_row("floor: encoder's multiplications", f"{floor['encoder']:.2f}")
    table.add_row("floor: reading the decoder's weights", f"{floor['decoder']:.2f}")
    Console(width=80).print(table)
    print(json.dumps({"parts_ms": medians, "answer_p50_ms": round(whole, 1), "floor_ms": floor, "tokens": steps}))


if __name__ == "__main__":
    main()
