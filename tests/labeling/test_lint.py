"""Manifests against the convention: lines, locks, fixes that lose nothing, and the gate before training."""

import json
from pathlib import Path

import pytest

from data.errors import LabelError, ManifestError
from data.manifest import lock_path, read_lock
from labeling.gate import require_convention
from labeling.lint import certify, check_manifest, find_manifests, fix_manifest
from labeling.rulebook import shipped_convention

CONVENTION = shipped_convention()


def manifest(tmp_path: Path, *texts: str, name: str = "clean.jsonl") -> Path:
    path = tmp_path / name
    lines = [
        {"audio_filepath": f"{i}.flac", "duration": 1.0, "text": text, "id": str(i)} for i, text in enumerate(texts)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def test_a_violation_names_file_line_rule_and_remedy(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien", "films of 1917", "Alien")
    first, second = check_manifest(path, CONVENTION)
    assert str(first).startswith(f"{path}:2: numbers: '1917': Write numbers in words")
    assert str(second).endswith("-> alien")
    assert (second.line, second.utterance) == (3, "2")


def test_blank_lines_do_not_shift_the_count(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien")
    path.write_text("\n\n" + path.read_text(encoding="utf-8").replace("alien", "Alien"), encoding="utf-8")
    assert [found.line for found in check_manifest(path, CONVENTION)] == [3]


def test_a_manifest_that_passes_is_locked_with_the_convention(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien")
    assert certify(path, CONVENTION) == ()
    lock = read_lock(path)
    assert lock is not None
    assert lock.convention == "voice-search-en/1"


def test_a_manifest_that_fails_is_not_locked(tmp_path: Path) -> None:
    path = manifest(tmp_path, "Alien")
    assert certify(path, CONVENTION)
    assert not lock_path(path).exists()


def test_fixing_changes_the_texts_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "m.jsonl"
    untouched = '{"duration":1.50,  "audio_filepath":"a.flac","text":"alien","mine":[1,{"é":null}]}\r\n'
    path.write_bytes(
        (untouched + '\n{"audio_filepath": "b.flac", "duration": 2, "text": "Alien!", "mine": {"x": 0.1}}').encode()
    )
    assert fix_manifest(path, CONVENTION).rewritten == 1
    content = path.read_bytes().decode()
    assert content.startswith(untouched + "\n")
    assert json.loads(content.splitlines()[-1]) == {
        "audio_filepath": "b.flac", "duration": 2, "text": "alien", "mine": {"x": 0.1},
    }  # fmt: skip


def test_a_fixed_manifest_passes_and_is_not_written_again(tmp_path: Path) -> None:
    path = manifest(tmp_path, "Press 1.", "alien")
    assert fix_manifest(path, CONVENTION).left == ()
    before = path.stat().st_mtime_ns
    again = fix_manifest(path, CONVENTION)
    assert (again.rewritten, again.left, path.stat().st_mtime_ns) == (0, (), before)
    assert require_convention(path, CONVENTION.identifier) == "voice-search-en/1"


def test_what_needs_a_person_is_left_and_the_manifest_stays_unlocked(tmp_path: Path) -> None:
    path = manifest(tmp_path, "Films of 1917.")
    fixed = fix_manifest(path, CONVENTION)
    assert [found.violation.rule for found in fixed.left] == ["numbers"]
    assert json.loads(path.read_text(encoding="utf-8"))["text"] == "films of 1917"
    assert not lock_path(path).exists()


def test_a_line_that_is_not_json_stops_a_fix_before_anything_is_written(tmp_path: Path) -> None:
    path = manifest(tmp_path, "Alien")
    path.write_text(path.read_text(encoding="utf-8") + "oops\n", encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(ManifestError, match=r":2: not JSON"):
        fix_manifest(path, CONVENTION)
    assert path.read_bytes() == before


def test_a_folder_gives_its_manifests_without_the_rejected_clips(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    kept = manifest(tmp_path / "sub", "alien")
    for name in ("rejected.jsonl", "heard.rejected.jsonl"):
        (tmp_path / name).write_text('{"id": "a", "audio_filepath": "a.flac", "text": "", "reason": "silent"}\n')
    assert find_manifests([tmp_path, kept]) == (kept,)


def test_a_folder_may_hold_lists_of_other_things_but_no_broken_manifest(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text('{"id": "a", "transcriber": "x", "text": "alien"}\n', encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("oops\n", encoding="utf-8")
    assert find_manifests([tmp_path]) == (tmp_path / "broken.jsonl",)


def test_a_folder_without_manifests_and_a_missing_path_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no manifest"):
        find_manifests([tmp_path])
    with pytest.raises(ManifestError, match="no such manifest or folder"):
        find_manifests([tmp_path / "none"])


def test_the_gate_refuses_labels_that_were_never_checked(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien")
    with pytest.raises(LabelError, match=r"not checked against a convention, and voice-search-en/1 is asked for; run"):
        require_convention(path, CONVENTION.identifier)


def test_the_gate_refuses_another_version_unless_told_otherwise(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien")
    certify(path, CONVENTION)
    with pytest.raises(LabelError, match="checked against voice-search-en/1, and voice-search-en/2 is asked for"):
        require_convention(path, "voice-search-en/2")
    assert require_convention(path, "voice-search-en/2", anyway=True) == "voice-search-en/1"


def test_the_gate_refuses_labels_that_changed_since(tmp_path: Path) -> None:
    path = manifest(tmp_path, "alien")
    certify(path, CONVENTION)
    manifest(tmp_path, "aliens")
    with pytest.raises(ManifestError, match="changed since it was locked"):
        require_convention(path, CONVENTION.identifier)
