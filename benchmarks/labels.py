"""How long it takes to check and to fix a manifest of 10,000 lines, next to Whisper's normaliser on the same texts.

    python -m benchmarks.labels

Every line breaks several rules of the convention, which is the slowest case. `check_cpu_s` is processor time, which
other work on the machine does not lengthen as much. The last line is JSON.
"""

import json
import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from data.catalogue import read_catalogue
from data.manifest import read_manifest, write_manifest
from data.records import Utterance
from labeling.lint import check_manifest, fix_manifest
from labeling.normalization import normalize
from labeling.rulebook import shipped_convention

LINES = 10_000
REPEATS = 3
CATALOGUE = Path(__file__).parent.parent / "examples" / "films" / "catalogue.csv"
SAID = ("Um, {}!", "Play {}...", "O.K., show me {} part 3.", "films like {}, please", "“{}” — the one of 1997")


def main() -> None:
    """Print a table, then one line of JSON."""
    chance = random.Random(0)  # noqa: S311  not for secrets
    titles = [item.title for item in read_catalogue(CATALOGUE).items]
    texts = [chance.choice(SAID).format(chance.choice(titles)) for _ in range(LINES)]
    convention = shipped_convention()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "queries.jsonl")
        lines = [Utterance(str(number), f"{number}.flac", 2.0, text) for number, text in enumerate(texts)]
        write_manifest(path, lines)
        figures: dict[str, float] = {"lines": LINES, "violations": len(check_manifest(path, convention))}
        figures["check_s"] = best_of(lambda: check_manifest(path, convention))
        start = time.process_time()
        check_manifest(path, convention)
        figures["check_cpu_s"] = round(time.process_time() - start, 3)
        figures["peer_s"] = best_of(lambda: [normalize(each.text) for each in read_manifest(path, check_files=False)])
        start = time.perf_counter()
        fix_manifest(path, convention)
        figures["fix_s"] = round(time.perf_counter() - start, 3)
        figures["check_fixed_s"] = best_of(lambda: check_manifest(path, convention))
    for key, value in figures.items():
        print(f"{key:24s} {value:>10}")
    print(json.dumps(figures))


def best_of(work: Callable[[], object]) -> float:
    """Give the shortest of a few runs, in seconds."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return round(min(times), 3)


if __name__ == "__main__":
    main()
