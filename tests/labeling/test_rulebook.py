"""The convention file: its examples are its tests, and rules that contradict each other are refused by line."""

from pathlib import Path

import pytest
import yaml

from data.errors import LabelError
from labeling.rulebook import COMMON_KEYS, SHIPPED, read_convention, shipped_convention

CASE = """\
name: mine
version: 3
rules:
  - id: case
    kind: case
    says: Lower case.
    reason: Capitals are not heard.
    wrong: Hello
    right: hello
"""

OKAY = """\
  - id: okay
    kind: spelling
    says: One spelling of okay.
    reason: One word.
    wrong: ok
    right: okay
    words: {ok: okay}
"""


def convention(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(LabelError) as raised:
        read_convention(convention(tmp_path, text))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_shipped_convention_is_proven_by_its_own_examples() -> None:
    shipped = shipped_convention()
    assert shipped.identifier == "voice-search-en/1"
    assert len(shipped.rules) == len(yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["rules"])


def test_every_shipped_rule_says_what_and_why_with_a_right_and_a_wrong_example() -> None:
    for rule in yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["rules"]:
        assert set(COMMON_KEYS) <= set(rule)
        assert rule["wrong"] != rule["right"]


def test_a_convention_of_ones_own_carries_its_name_and_version(tmp_path: Path) -> None:
    assert read_convention(convention(tmp_path, CASE)).identifier == "mine/3"


def test_words_that_yaml_takes_for_booleans_and_numbers_stay_words(tmp_path: Path) -> None:
    rules = read_convention(
        convention(tmp_path, CASE + OKAY.replace("{ok: okay}", "{ok: okay, nope: no, 9: nine}"))
    ).rules
    assert rules[1].check.forms == {"ok": "okay", "nope": "no", "9": "nine"}


def test_a_rule_that_undoes_another_is_refused_with_both_lines(tmp_path: Path) -> None:
    undoing = OKAY.replace("id: okay", "id: ok").replace("wrong: ok", "wrong: okay").replace("right: okay", "right: ok")
    message = refusal(tmp_path, CASE + OKAY + undoing.replace("{ok: okay}", "{okay: ok}"))
    assert "mine.yaml:10: rule 'okay' and 'ok' (line 17) undo each other; change one of them" in message


def test_a_rule_that_never_comes_to_rest_is_refused(tmp_path: Path) -> None:
    growing = OKAY.replace("wrong: ok", "wrong: no").replace("{ok: okay}", "{no: oh no}")
    assert "mine.yaml:10: rule 'okay' and itself undo each other" in refusal(tmp_path, CASE + growing)


def test_a_rule_that_asks_for_what_another_forbids_is_refused_with_both_lines(tmp_path: Path) -> None:
    message = refusal(tmp_path, CASE + OKAY.replace("okay", "Okay"))
    assert "mine.yaml:10: rule 'Okay' asks for 'Okay', against rule 'case' (line 4: Lower case.)" in message


def test_a_form_settled_in_two_ways_is_refused(tmp_path: Path) -> None:
    other = OKAY.replace("id: okay", "id: other").replace("ok: okay", "ok: o k")
    assert "mine.yaml:17: rule 'other' and rule 'okay' (line 10) contradict each other on 'ok'" in refusal(
        tmp_path, CASE + OKAY + other
    )


def test_a_rule_that_fails_its_own_example_is_refused(tmp_path: Path) -> None:
    assert "mine.yaml:4: rule 'case' finds nothing wrong" in refusal(tmp_path, CASE.replace("Hello", "hello"))
    assert "turns 'Hello' into 'hello', not 'goodbye'" in refusal(
        tmp_path, CASE.replace("right: hello", "right: goodbye")
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (CASE + CASE[CASE.index("  - id") :], "mine.yaml:10: rule 'case' and rule 'case' (line 4) have the same id"),
        (CASE + CASE[CASE.index("  - id") :].replace("id: case", "id: b"), "are both of the kind 'case'; merge them"),
        (CASE + OKAY.replace("{ok: okay}", "{ok: okay, ok: o k}"), "mine.yaml:16: 'ok' is given twice"),
        (CASE + OKAY.replace("{ok: okay}", "[ok]"), "mine.yaml:10: 'words' must map texts to texts"),
        (CASE.replace("kind: case", "kind: colour"), "mine.yaml:4: there is no kind of rule 'colour'; the kinds are"),
        (CASE + "    words: {a: b}\n", "mine.yaml:4: a rule of the kind 'case' has no 'words'; remove it"),
        (CASE.replace("    reason: Capitals are not heard.\n", ""), "mine.yaml:4: 'reason' must be a text; add it"),
        (CASE.replace("version: 3", "version: new"), "version is 'new'; write a whole number"),
        ("name: mine\nversion: 1\nrules: []\n", "there are no rules"),
        ("- a\n", "mine.yaml:1: not a mapping"),
        ("name: [\n", "mine.yaml:2: not YAML"),
        ("", "mine.yaml:1: not a mapping"),
        (CASE + "\0", "mine.yaml: not YAML"),
        (CASE.replace("name: mine", "name: &mine [*mine]"), "mine.yaml: something in it holds itself"),
        (CASE.replace("version: 3", "version: 3\n? [a, b]\n: c"), "mine.yaml:3: a list or a mapping as a key"),
    ],
)
def test_a_malformed_convention_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_a_missing_or_binary_convention_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="there is no such convention"):
        read_convention(tmp_path / "none.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LabelError, match="cannot be read as UTF-8"):
        read_convention(tmp_path / "binary.yaml")
