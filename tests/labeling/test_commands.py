"""The commands, as a person or a pipeline runs them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

import labeling.commands
from data.errors import InvalidRequestError, LabelError, ManifestError, VoiceSearchError
from data.manifest import lock_path, read_lock, read_manifest, write_manifest
from data.records import Hypothesis, Utterance
from labeling.label_studio import to_label_studio
from labeling.transcriptions import Transcription, read_transcriptions, write_transcriptions

app = typer.Typer()
app.add_typer(labeling.commands.app, name="labeling")

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["labeling", *map(str, arguments)])
    if result.exception is not None and not isinstance(result.exception, SystemExit | VoiceSearchError):
        raise result.exception
    return result


def shown(*arguments: str | Path) -> Any:
    """The one line of JSON that a command prints."""
    result = run(*arguments, "--json")
    assert result.stdout.count("\n") == 1
    return json.loads(result.stdout)


def refused(error: type[VoiceSearchError], *arguments: str | Path) -> str:
    result = run(*arguments)
    assert isinstance(result.exception, error)
    assert "\n" not in str(result.exception)
    return str(result.exception)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A manifest of three clips, one text of which was heard differently, and a home of its own."""
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))
    for name, prompt in zip("abc", ("conf-getpin", "auth-thankyou", "digits-7"), strict=True):
        shutil.copy(EXAMPLES / "speech" / f"{prompt}.flac", tmp_path / f"{name}.flac")
    texts = {"a": "Press 4 now.", "b": "thank you", "c": "okay"}
    write_manifest(tmp_path / "m.jsonl", [Utterance(name, f"{name}.flac", 1.0, text) for name, text in texts.items()])
    heard = [("a", "Press 6 now", 0.95), ("b", "Thank you", 0.9), ("c", "Okay", 0.4)]
    write_manifest(
        tmp_path / "heard.jsonl",
        [
            Utterance(name, f"{name}.flac", 1.0, pred_text=text, confidence=sure, nbest=(Hypothesis(text, -0.1),))
            for name, text, sure in heard
        ],
    )
    return tmp_path


def test_check_exits_1_and_names_each_line(corpus: Path) -> None:
    result = run("check", corpus / "m.jsonl")
    assert result.exit_code == 1
    assert f"{corpus / 'm.jsonl'}:1: numbers: '4': Write numbers in words" in result.stdout
    assert "3 violations of voice-search-en/1: case 1, numbers 1, punctuation 1" in result.stdout


def test_fix_then_check_passes_and_locks(corpus: Path) -> None:
    assert run("fix", corpus / "m.jsonl").exit_code == 0
    result = run("check", corpus / "m.jsonl")
    assert (result.exit_code, result.stdout) == (0, "1 of 1 manifests follow voice-search-en/1\n")
    lock = read_lock(corpus / "m.jsonl")
    assert lock is not None
    assert lock.convention == "voice-search-en/1"


def test_fix_exits_1_while_a_person_is_needed(corpus: Path) -> None:
    write_manifest(corpus / "m.jsonl", [Utterance("a", "a.flac", 1.0, "Films of 1917")])
    result = run("fix", corpus / "m.jsonl")
    assert result.exit_code == 1
    assert "listen, and write what was said" in result.stdout
    assert not lock_path(corpus / "m.jsonl").exists()


def test_check_gives_one_line_of_json(corpus: Path) -> None:
    report = shown("check", corpus / "m.jsonl")
    assert report["convention"] == "voice-search-en/1"
    assert [(v["line"], v["rule"], v["safe"]) for v in report["violations"]] == [
        (1, "case", True),
        (1, "numbers", True),
        (1, "punctuation", True),
    ]


def test_names_come_from_a_catalogue_or_a_plain_list(corpus: Path) -> None:
    write_manifest(corpus / "m.jsonl", [Utterance("a", "a.flac", 1.0, "mr nobody")])
    (corpus / "names.txt").write_text("Mr. Nobody\n", encoding="utf-8")
    (corpus / "names.csv").write_text("id,title\n1,Mr. Nobody\n", encoding="utf-8")
    assert run("check", corpus / "m.jsonl").exit_code == 1
    assert run("check", corpus / "m.jsonl", "--names", corpus / "names.txt").exit_code == 0
    assert run("check", corpus / "m.jsonl", "--names", corpus / "names.csv").exit_code == 0


def test_the_shipped_queries_follow_the_convention(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "films" / "queries" / "manifest.jsonl", tmp_path / "manifest.jsonl")
    assert run("check", tmp_path).exit_code == 0


def test_agreement_shows_the_trap() -> None:
    trap = EXAMPLES / "labeling"
    result = run("agreement", trap / "trap.jsonl", "--hypotheses", trap / "majority.jsonl")
    assert "58.0%" in result.stdout
    assert "70.0%" in result.stdout
    assert "ahead of people by 12.0 points before the convention" in result.stdout
    report = shown("agreement", trap / "trap.jsonl", "--hypotheses", trap / "majority.jsonl")
    assert (report["human"]["before"]["exact"], report["lead_after"]) == (0.58, 0.0)


def test_agreement_of_one_person_is_refused(corpus: Path) -> None:
    write_transcriptions(corpus / "t.jsonl", [Transcription("a", "x", "alien")])
    assert "no clip has two transcribers" in refused(LabelError, "agreement", corpus / "t.jsonl")


def test_suspects_go_into_the_queue_and_come_out_as_labels(corpus: Path) -> None:
    result = run(
        "suspects", corpus / "m.jsonl", "--hypotheses", corpus / "heard.jsonl", "--out", corpus / "doubts.jsonl"
    )
    assert "heard 'Press 6 now' with a confidence of 0.95" in result.stdout
    added = shown(
        "queue", "add", corpus / "m.jsonl", "--doubts", corpus / "doubts.jsonl", "--hypotheses", corpus / "heard.jsonl"
    )
    assert added == {"added": 1, "waiting": 0, "done": 0}
    sure = ("queue", "add", corpus / "m.jsonl", "--doubts", corpus / "doubts.jsonl", "--above", "1.0")
    assert shown(*sure) == {"added": 0, "waiting": 0, "done": 0}
    lease = shown("queue", "next", "ada")
    assert (lease["task"]["clip"], lease["task"]["hypotheses"]) == ("a", ["Press 6 now"])
    assert "1 clips are with others and may come back" in run("queue", "next", "bea").stdout
    refusal = run("queue", "label", lease["id"], "Press six now")
    assert (refusal.exit_code, shown("queue", "stats")["leased"]) == (1, 1)
    broken = shown("queue", "label", lease["id"], "Press six now")
    assert [violation["rule"] for violation in broken["violations"]] == ["case"]
    assert run("queue", "label", lease["id"], "press six now").stdout == "a: corrected: 'press six now'\n"
    assert "and that label stays" in run("queue", "label", lease["id"], "press nine now").stdout
    assert run("queue", "next", "bea").stdout == "every clip has its labels\n"
    run("queue", "export", corpus / "labels.jsonl")
    report = shown("import", corpus / "labels.jsonl", "--manifest", corpus / "m.jsonl")
    assert (report["kind"], report["changed"], report["violations"]) == ("transcriptions", 1, 0)
    assert read_manifest(corpus / "m.jsonl")[0].text == "press six now"
    assert read_lock(corpus / "m.jsonl") is not None


def test_a_copied_clip_with_another_text_is_suspected(corpus: Path) -> None:
    shutil.copy(corpus / "b.flac", corpus / "c.flac")
    found = shown("suspects", corpus / "m.jsonl")
    assert [each["id"] for each in found["first"]] == ["b", "c"]
    assert found["first"][0]["note"] == "c is the same recording and says 'okay'"


def test_unsure_clips_and_disagreements_go_into_the_queue(corpus: Path) -> None:
    lines = [Transcription("b", "x", "thank you"), Transcription("b", "y", "thanks")]
    write_transcriptions(corpus / "t.jsonl", lines)
    options = ("--hypotheses", corpus / "heard.jsonl", "--below", "0.5", "--disagreements", corpus / "t.jsonl")
    assert "2 clips added" in run("queue", "add", corpus / "m.jsonl", *options).stdout
    assert [(task["clip"], task["reason"]) for task in shown("queue", "list")] == [
        ("c", "low_confidence"),
        ("b", "disagreement"),
    ]
    assert "c  low_confidence: 'okay'" in run("queue", "list").stdout
    assert run("queue", "stats").stdout == "2 waiting, 0 leased, 0 done\n"


def test_nothing_chosen_and_a_label_with_a_skip_are_refused(corpus: Path) -> None:
    assert "give --doubts, --disagreements or --below" in refused(
        InvalidRequestError, "queue", "add", corpus / "m.jsonl"
    )
    assert "give either a TEXT or --skip" in refused(InvalidRequestError, "queue", "label", "x")


def test_an_error_reports_doubtful_labels_go_into_the_queue_with_their_notes(corpus: Path) -> None:
    (corpus / "doubtful.csv").write_text("id,text,note\na,Press 4 now.,sounds like six\n", encoding="utf-8")
    result = run("import", corpus / "doubtful.csv", "--manifest", corpus / "m.jsonl")
    assert result.stdout == "1 doubtful labels, 1 of them new in the review queue\n"
    assert "sounds like six" in run("queue", "list").stdout
    assert "name their --manifest" in refused(InvalidRequestError, "import", corpus / "doubtful.csv")


def test_labels_of_clips_that_are_not_exported_are_counted(corpus: Path) -> None:
    write_transcriptions(corpus / "t.jsonl", [Transcription("a", "x", "alien"), Transcription("z", "x", "alien")])
    export = ("export", corpus / "m.jsonl", "--out", corpus / "tasks.json", "--labels", corpus / "t.jsonl")
    said = shown(*export)
    assert (said["annotations"], said["unknown"]) == (1, 1)
    assert "1 of 2 labels are of clips that are not in the manifest" in run(*export).stdout


def test_label_studio_there_and_back(corpus: Path) -> None:
    run("fix", corpus / "m.jsonl")
    assert "3 tasks in" in run("export", corpus / "m.jsonl", "--out", corpus / "tasks.json").stdout
    assert "<TextArea" in (corpus / "tasks.config.xml").read_text(encoding="utf-8")
    people = [
        Transcription("a", "ada", "press six now"),
        Transcription("a", "bea", "Press 6 now."),
        Transcription("b", "ada", "thank you"),
        Transcription("b", "bea", "thanks"),
        Transcription("z", "ada", "alien"),
    ]
    utterances = [*read_manifest(corpus / "m.jsonl"), Utterance("z", "z.flac", 1.0)]
    (corpus / "export.json").write_text(to_label_studio(utterances, people), encoding="utf-8")
    report = shown("import", corpus / "export.json", "--manifest", corpus / "m.jsonl", "--out", corpus / "labels.jsonl")
    assert (report["changed"], report["disputed"], report["unknown"]) == (1, ["b"], ["z"])
    assert [utterance.text for utterance in read_manifest(corpus / "m.jsonl")] == ["press six now", "thank you", "okay"]
    assert sorted(map(str, read_transcriptions(corpus / "labels.jsonl"))) == sorted(map(str, people))
    summary = run("import", corpus / "export.json", "--manifest", corpus / "m.jsonl").stdout
    assert "5 transcriptions, 0 texts of the manifest changed, 1 clips disputed (b)" in summary


@pytest.mark.parametrize(
    ("error", "arguments", "message"),
    [
        (ManifestError, lambda f: ["check", f / "none.jsonl"], "no such manifest or folder"),
        (ManifestError, lambda f: ["check", f / "empty"], "there is no manifest"),
        (LabelError, lambda f: ["check", f / "m.jsonl", "--convention", f / "none.yaml"], "no such convention"),
        (LabelError, lambda f: ["check", f / "m.jsonl", "--names", f / "none.txt"], "cannot be read"),
        (InvalidRequestError, lambda f: ["import", f / "export.json"], "labels need a place"),
        (LabelError, lambda f: ["import", f / "none.json", "--out", f / "x"], "cannot be read"),
        (LabelError, lambda f: ["import", f / "latin.json", "--out", f / "x"], "not UTF-8; export it again"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    corpus: Path, error: type[VoiceSearchError], arguments: Callable[[Path], list[str | Path]], message: str
) -> None:
    (corpus / "empty").mkdir()
    (corpus / "export.json").write_text(to_label_studio([Utterance("a", "a.flac", 1.0)]), encoding="utf-8")
    (corpus / "latin.json").write_bytes("[é]".encode("latin-1"))
    assert message in refused(error, *arguments(corpus))


def test_every_command_helps_with_an_example() -> None:
    for command in ("check", "fix", "agreement", "suspects", "export", "import"):
        assert "Example: voicesearch labeling" in run(command, "--help").stdout
    for command in ("add", "next", "label", "list", "stats", "export"):
        assert "Example: voicesearch labeling queue" in run("queue", command, "--help").stdout
