"""The page on reliability is true: it names every fault and every hostile request that is tested, and no other."""

import re
from pathlib import Path

from tests.e2e.test_hostile_http import ROWS

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


def test_every_hostile_request_is_listed_with_its_answer() -> None:
    listed = re.findall(r"^\| (.+) \| (\d+) \|$", PAGE, re.MULTILINE)
    assert listed == [(name, str(status)) for name, (_, status) in ROWS.items()]
    assert f"{len(ROWS)} requests" in PAGE
