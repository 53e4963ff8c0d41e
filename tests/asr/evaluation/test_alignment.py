"""Alignment: the same counts as NIST's sclite, on real speech and on what is hardest for it."""

import random
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import jiwer
from hypothesis import given
from hypothesis import strategies as st

from asr.alignment import Counts, Edit, align_words, count
from labeling.normalization import normalize
from tests.asr.evaluation.conftest import Prompts

words = st.lists(st.sampled_from("abcd"), max_size=8)

SCORES = re.compile(r"id: \(spk-(\d+)\)\s*\n(?:.*\n)?Scores: \(#C #S #D #I\) (\d+) (\d+) (\d+) (\d+)")


def sclite(folder: Path, pairs: Sequence[tuple[list[str], list[str]]]) -> list[Counts]:
    """Count with the real program."""
    for name, side in (("ref", 0), ("hyp", 1)):
        lines = [f"{' '.join(pair[side])} (spk-{place:05d})\n" for place, pair in enumerate(pairs)]
        (folder / name).write_text("".join(lines))
    command = ["sctk", "sclite", "-r", "ref", "trn", "-h", "hyp", "trn", "-i", "wsj", "-o", "pralign", "stdout"]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    found = {int(match[1]): Counts(*map(int, match.groups()[1:])) for match in SCORES.finditer(shown)}
    return [found[place] for place in range(len(pairs))]


def test_counts_equal_those_of_sclite_on_real_utterances(
    prompts: Prompts, needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    needs_tool("sctk")
    for heard in (prompts.wide, prompts.narrow):
        pairs = [(normalize(a).split(), normalize(b).split()) for a, b in zip(prompts.said, heard, strict=True)]
        pairs = [pair for pair in pairs if pair[0]]  # sclite takes no empty reference
        assert len(pairs) >= 300
        assert [count(align_words(*pair)) for pair in pairs] == sclite(tmp_path, pairs)


def test_counts_equal_those_of_sclite_where_several_alignments_cost_the_same(
    needs_tool: Callable[[str], str], tmp_path: Path
) -> None:
    needs_tool("sctk")
    drawn = random.Random(1)  # noqa: S311  words, not secrets
    pairs = [
        (drawn.choices("abcde", k=drawn.randint(1, 9)), drawn.choices("abcde", k=drawn.randint(0, 9)))
        for _ in range(2000)
    ]
    assert [count(align_words(*pair)) for pair in pairs] == sclite(tmp_path, pairs)


def test_a_word_heard_elsewhere_is_missing_once_and_added_once() -> None:
    edits = [pair.edit for pair in align_words(["the", "red", "planet"], ["red", "planet", "the"])]
    assert edits == [Edit.DELETION, Edit.HIT, Edit.HIT, Edit.INSERTION]


@given(words, words)
def test_an_alignment_covers_both_sides_in_order(said: list[str], heard: list[str]) -> None:
    pairs = align_words(said, heard)
    assert [pair.said for pair in pairs if pair.said is not None] == said
    assert [pair.heard for pair in pairs if pair.heard is not None] == heard
    assert all((pair.edit is Edit.HIT) == (pair.said == pair.heard) for pair in pairs)


@given(words.filter(bool), words)
def test_errors_are_never_fewer_than_the_fewest_edits(said: list[str], heard: list[str]) -> None:
    fewest = jiwer.process_words(" ".join(said), " ".join(heard))
    errors = count(align_words(said, heard)).errors
    assert errors >= fewest.substitutions + fewest.deletions + fewest.insertions
    assert (errors == 0) == (said == heard)
