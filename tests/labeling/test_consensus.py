"""From several people's texts to one: agreement is written, disputes are kept."""

from data.records import Utterance
from labeling.consensus import apply_transcriptions
from labeling.rulebook import shipped_convention
from labeling.transcriptions import Transcription

OLD = Utterance("a", "a.flac", 1.0, "old")


def consensus(*transcriptions: Transcription) -> tuple[str, int, tuple[str, ...], tuple[str, ...]]:
    found = apply_transcriptions([OLD], transcriptions, shipped_convention())
    return found.utterances[0].text, found.changed, found.disputed, found.unknown


def test_a_text_that_all_agree_on_is_written_by_the_convention() -> None:
    assert consensus(Transcription("a", "x", "Alien!"), Transcription("a", "y", "um, alien")) == ("alien", 1, (), ())


def test_a_dispute_leaves_the_text_as_it_was() -> None:
    assert consensus(Transcription("a", "x", "alien"), Transcription("a", "y", "aliens")) == ("old", 0, ("a",), ())


def test_ground_truth_counts_alone() -> None:
    truth = Transcription("a", "z", "aliens", ground_truth=True)
    assert consensus(Transcription("a", "x", "alien"), truth)[0] == "aliens"


def test_the_newest_take_of_a_person_counts() -> None:
    assert consensus(Transcription("a", "x", "aliens", take=2), Transcription("a", "x", "alien"))[0] == "aliens"


def test_skipped_clips_change_nothing_and_unknown_ones_are_named() -> None:
    skipped = Transcription("a", "x", "", skipped=True)
    assert consensus(skipped, Transcription("b", "x", "alien")) == ("old", 0, (), ("b",))
