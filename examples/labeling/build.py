"""Write the example transcriptions of this folder; run from the root as `python examples/labeling/build.py`.

Nobody was recorded: the texts show habits of transcribers, in shares that are set here.
"""

import csv
import random
import re
from pathlib import Path

from data.manifest import write_manifest
from data.records import Utterance
from labeling.transcriptions import Transcription, write_transcriptions

HERE = Path(__file__).parent
CLIPS = 100

BOTH_COMMA, BOTH_DOTS = 49, 9
"""Clips on which both write the same: 0.7 squared and 0.3 squared of all, as if each chose by chance."""


def titles() -> list[str]:
    """Give as many film titles as there are clips, each of plain words that every habit writes alike."""
    with (HERE.parent / "films" / "catalogue.csv").open(encoding="utf-8", newline="") as file:
        plain = [
            row["title"].lower()
            for row in csv.DictReader(file)
            if re.fullmatch(r"[A-Z][a-z]+( [A-Za-z]{3,})+", row["title"])
        ]
    return plain[:CLIPS]


def trap(queries: list[str]) -> None:
    """Two people who write "um," seven times in ten and else "um...", and a recogniser that always writes "um,"."""
    one_each = (CLIPS - BOTH_COMMA - BOTH_DOTS) // 2
    habits = [(",", ",")] * BOTH_COMMA + [("...", "...")] * BOTH_DOTS + [(",", "..."), ("...", ",")] * one_each
    random.Random(0).shuffle(habits)  # noqa: S311  examples are no secret
    clips = [f"query-{number:03d}" for number in range(CLIPS)]
    write_transcriptions(
        HERE / "trap.jsonl",
        (
            Transcription(clip, person, f"um{marks[place]} {query}")
            for clip, query, marks in zip(clips, queries, habits, strict=True)
            for place, person in enumerate(("anna", "ben"))
        ),
    )
    write_manifest(
        HERE / "majority.jsonl",
        (
            Utterance(clip, f"clips/{clip}.flac", 2.0, pred_text=f"um, {query}", confidence=0.9)
            for clip, query in zip(clips, queries, strict=True)
        ),
    )


def habits(queries: list[str]) -> None:
    """Three people with habits of their own on two kinds of query, one of them twice on some clips."""
    lines = []
    for number, query in enumerate(queries[:30]):
        clip, tags = f"habit-{number:02d}", ("numbers",) if number % 3 == 0 else ("titles",)
        said = f"{query} part two" if number % 3 == 0 else f"um {query}"
        digits = said.replace("two", "2")
        texts = {
            "anna": digits.capitalize(),
            "ben": said.removeprefix("um "),
            "cara": said.replace("um ", "umm... ") if number % 2 else said.replace("um ", "um, "),
        }
        if number % 10 == 5:
            texts["ben"] = " ".join(texts["ben"].split()[1:])
        lines += [Transcription(clip, person, text, tags=tags) for person, text in texts.items()]
        if number % 5 == 0:
            lines.append(Transcription(clip, "cara", said, take=2, tags=tags))
    write_transcriptions(HERE / "habits.jsonl", lines)


if __name__ == "__main__":
    trap(titles())
    habits(titles())
