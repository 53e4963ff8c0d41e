"""The page on reliability is true: it names every fault and every hostile request that is tested, and no other."""

import re
from pathlib import Path

import tests.e2e.hostile_recordings as recordings
import tests.e2e.test_hostile_http as http
import tests.e2e.test_hostile_stream as stream
from tests.e2e.test_hostile_audio import CUTS

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")


def names_in(name: str) -> set[str]:
    return set(
        re.findall(r"^def (test_\w+)", (ROOT / "tests" / "e2e" / name).read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_every_fault_is_named_with_its_test() -> None:
    named = set(re.findall(r"`(test_\w+)` \|", PAGE))
    assert named == names_in("test_faults.py")
    for name, file in re.findall(r"`(test_\w+)` in `(\w+\.py)`", PAGE):
        assert name in names_in(file)


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def test_every_hostile_request_is_listed_with_its_answer() -> None:
    listed = re.findall(r"^\| (.+) \| (\d+) \|$", section("Hostile HTTP"), re.MULTILINE)
    assert listed == [(name, str(status)) for name, (_, status) in http.ROWS.items()]
    assert f"{len(http.ROWS)} requests" in section("Hostile HTTP")


def test_every_misuse_of_a_stream_is_listed_with_the_code_of_its_close() -> None:
    listed = re.findall(r"^\| (.+) \| (\d+|closed without one) \|$", section("Hostile streams"), re.MULTILINE)
    assert listed == [(name, str(code or "closed without one")) for name, (_, code) in stream.ROWS.items()]
    assert f"{len(stream.ROWS)} ways" in section("Hostile streams")


def test_every_hostile_recording_is_listed_with_its_answer() -> None:
    said: dict[str | int | None, str] = {recordings.NO_TEXT: "no text, and why", None: "an answer"}
    said |= {recordings.EMPTY: "422 `empty_audio`"}
    said |= {status: f"{status} `{code}`" for status, code in recordings.REFUSED.items()}
    listed = re.findall(r"^\| (.+) \| (.+) \|$", section("Hostile recordings"), re.MULTILINE)[2:]
    assert listed == [(row.name, said.get(row.expected, f"“{row.expected}”")) for row in recordings.ROWS]


def test_the_figures_on_top_are_those_of_the_tests() -> None:
    cut = sum(map(len, CUTS.values()))
    faults = len(re.findall(r"^\| .+ \| .+ \| `test_", section("Faults of the machine"), re.MULTILINE))
    for figure in (
        f"{faults} faults",
        f"{len(recordings.ROWS)} recordings",
        f"{cut:,} cut off",
        f"{len(http.ROWS)} requests",
        f"{len(stream.ROWS)} misuses of a stream",
    ):
        assert figure in PAGE.split("\n## ")[0].replace("\n", " ")
