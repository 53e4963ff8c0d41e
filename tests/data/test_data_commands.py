"""The data commands as people run them: one line of JSON for machines, one line for what is wrong, nothing lost."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import voicesearch
from data.manifest import read_lock, read_manifest, write_lock, write_manifest

EXAMPLES = Path(__file__).parents[2] / "examples"
SPEECH = EXAMPLES / "speech"
FILMS = EXAMPLES / "films" / "catalogue.csv"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a data command in this process; gives exit code, standard output and standard error."""
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))

    def command(*arguments: object) -> tuple[int, str, str]:
        code = voicesearch.main(["data", *map(str, arguments)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return command


def figures(output: str) -> dict[str, object]:
    assert output.count("\n") == 1
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


@pytest.fixture
def prompts(run: Run, tmp_path: Path) -> Path:
    """The shipped recordings, prepared."""
    assert run("prepare", SPEECH, "--out", tmp_path / "prompts")[0] == 0
    return tmp_path / "prompts" / "manifest.jsonl"


def test_prepare_says_what_it_made_and_what_it_refused(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "corpus"
    shutil.copytree(SPEECH, source)
    (source / "digits-7.flac").write_bytes(b"not audio")
    code, output, _ = run("prepare", source, "--out", tmp_path / "out", "--json")
    said = figures(output)
    assert (code, said["utterances"], said["rejected"]) == (0, 8, {"does_not_decode": 1})
    code, output, _ = run("prepare", source, "--out", tmp_path / "out")
    assert "9 were done before" in output
    assert "1 refused: does not decode" in output


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{broken", "manifest.jsonl:1: not JSON"),
        ('{"audio_filepath": "a.flac"}', "manifest.jsonl:1: the key 'duration' is missing"),
        ('{"audio_filepath": "../a.flac", "duration": 1}', "manifest.jsonl:1: '../a.flac' points outside"),
        ('{"audio_filepath": "b.flac", "duration": 1}', "manifest.jsonl:1: there is no file"),
        ("", "the corpus is empty"),
    ],
)  # fmt: skip
def test_a_bad_manifest_is_one_line_and_exit_code_2(run: Run, tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "manifest.jsonl").write_text(content)
    code, output, error = run("prepare", tmp_path / "manifest.jsonl", "--out", tmp_path / "out")
    assert (code, output, error.count("\n")) == (2, "", 1)
    assert said in error


def test_split_writes_locked_manifests_and_its_balance(run: Run, prompts: Path) -> None:
    write_lock(prompts, convention="voice-search-en/1")
    code, output, _ = run("split", prompts, "--json")
    said = figures(output)
    assert (code, said["by"]) == (0, "text")
    clips = {name: len(read_manifest(prompts.with_name(f"{name}.jsonl"))) for name in ("train", "dev", "test")}
    assert sum(clips.values()) == 9
    for name in clips:
        lock = read_lock(prompts.with_name(f"{name}.jsonl"))
        assert lock is not None
        assert lock.convention == "voice-search-en/1"
    assert json.loads(prompts.with_name("split.json").read_text())["by"] == "text"


def test_split_says_why_voices_are_shared(run: Run, prompts: Path) -> None:
    _, output, _ = run("split", prompts)
    assert "kept apart: text (1 speaker cannot fill 3 splits, so voices are shared)" in output
    assert "texts in two splits: none" in output


def test_split_says_which_set_is_empty(run: Run, prompts: Path) -> None:
    assert "no clip is in test" in run("split", prompts, "--shares", "80/20/0")[1]


def test_split_check_passes_its_own_work_and_refuses_a_leak(run: Run, prompts: Path) -> None:
    run("split", prompts)
    splits = [prompts.with_name(f"{name}.jsonl") for name in ("train", "dev", "test")]
    assert run("split", *splits, "--check", "--text-disjoint")[0] == 0
    stolen = read_manifest(splits[2])[0]
    write_manifest(splits[0], [*read_manifest(splits[0]), replace(stolen, id="stolen", split="train")])
    code, _, error = run("split", *splits, "--check")
    assert code == 2
    assert f"stolen (train) and {stolen.id} (test) have the same audio" in error


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shares", "half"], "write three whole numbers"),
        (["--by", "speaker"], "cannot fill 3 splits"),
        (["--by", "time"], "has no recorded_at"),
    ],
)  # fmt: skip
def test_a_split_that_cannot_be_made_leaves_nothing(run: Run, prompts: Path, options: list[str], said: str) -> None:
    code, _, error = run("split", prompts, *options)
    assert code == 2
    assert said in error
    assert not prompts.with_name("train.jsonl").exists()


def test_a_manifest_is_not_overwritten_by_its_own_split(run: Run, prompts: Path) -> None:
    source = prompts.rename(prompts.with_name("train.jsonl"))
    before = source.read_bytes()
    code, _, error = run("split", source)
    assert (code, source.read_bytes()) == (2, before)
    assert "train.jsonl: would be overwritten by its own split; give it another name" in error


def test_a_split_is_made_again_but_not_over_the_work_of_a_person(run: Run, prompts: Path) -> None:
    assert run("split", prompts)[0] == 0
    assert run("split", prompts, "--seed", 1)[0] == 0
    dev = prompts.with_name("dev.jsonl")
    edited = [replace(utterance, text="edited") for utterance in read_manifest(dev)]
    write_manifest(dev, edited)
    before = prompts.with_name("train.jsonl").read_bytes()
    code, _, error = run("split", prompts, "--seed", 2)
    assert code == 2
    assert "dev.jsonl: changed since it was split off, and would be overwritten" in error
    assert list(read_manifest(dev)) == edited
    assert prompts.with_name("train.jsonl").read_bytes() == before


@pytest.mark.parametrize("name", ["../train", "manifest", "validation"])
def test_a_split_of_another_name_is_refused(run: Run, prompts: Path, name: str) -> None:
    write_manifest(prompts, [replace(utterance, split=name) for utterance in read_manifest(prompts)])
    write_lock(prompts)
    code, _, error = run("split", prompts)
    assert code == 2
    assert f"agent-loginok is in a split {name!r}; the splits are train, dev, test" in error
    assert not prompts.with_name("split.json").exists()


def test_augment_writes_clips_and_copies_beside_the_source(run: Run, prompts: Path) -> None:
    code, output, _ = run("augment", prompts, "--effect", "gain", "--copies", 2, "--json")
    assert (code, figures(output)["utterances"]) == (0, 18)
    assert len(read_manifest(prompts.with_name("manifest-augmented.jsonl"))) == 27
    assert run("augment", prompts, "--snr", "25:5")[0] == 2


def test_describe_prints_the_chain_of_a_clip_to_its_recording(run: Run, prompts: Path) -> None:
    code, output, _ = run("describe", prompts, "--lineage", "digits-7")
    assert code == 0
    assert [line.split()[1] for line in output.splitlines() if line.strip()[:1].isdigit()] == [
        "record",
        "decode",
        "condition",
    ]
    assert "path digits-7.flac" in output
    code, output, _ = run("describe", prompts, "--lineage", "digits-7", "--json")
    assert figures(output)["parents"] == []
    assert run("describe", prompts, "--lineage", "nobody")[0] == 2


def test_describe_writes_the_page_and_says_what_looks_wrong_first(run: Run, prompts: Path) -> None:
    code, output, _ = run("describe", prompts, "--catalogue", FILMS)
    assert code == 0
    assert output.startswith("doubtful")
    assert "There is one speaker, allison" in output
    assert "<html" in prompts.with_suffix(".html").read_text()
    code, output, _ = run("describe", prompts, "--json")
    assert figures(output)["clips"] == 9


def test_synthesize_speaks_titles(run: Run, tmp_path: Path, needs_tool: Callable[[str], str]) -> None:
    needs_tool("flite")
    arguments = ("synthesize", FILMS, "--out", tmp_path / "queries", "--queries", 3, "--voice", "flite-slt", "--json")
    code, output, _ = run(*arguments)
    assert (code, figures(output)["utterances"]) == (0, 3)
    assert figures(run(*arguments)[1])["reused"] == 3


def test_nothing_is_fetched_where_the_folder_holds_something_else(run: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    code, _, error = run("fetch", "asterisk", "--out", tmp_path)
    assert code == 2
    assert "name another folder with --out" in error


@pytest.mark.parametrize("command", ["fetch", "prepare", "split", "augment", "synthesize", "describe"])
def test_every_command_shows_an_example(run: Run, command: str) -> None:
    code, output, _ = run(command, "--help")
    assert code == 0
    assert f"Example: voicesearch data {command}" in output
