"""Spoken queries: planned from a catalogue, said by voices with a fixed place in the split, checked by a round trip."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from data.audio import AudioLimits, decode
from data.batch import Batch, Outcome
from data.catalogue import Catalogue, read_catalogue
from data.condition import condition
from data.errors import CatalogueError, InvalidRequestError, ManifestError, ToolMissingError
from data.lineage import chain_of
from data.manifest import read_manifest, write_manifest
from data.records import Utterance
from data.roundtrip import examine, letter_distance, read_hypotheses
from data.synthesis import Take, plan_queries, plan_takes, read_templates, synthesize
from data.voices import MORE_VOICES, VOICES, require, speak, voices_named

EXAMPLES = Path(__file__).parents[2] / "examples"
FILMS = EXAMPLES / "films" / "catalogue.csv"
TEMPLATES = EXAMPLES / "films" / "templates.txt"


@pytest.fixture(scope="module")
def films() -> Catalogue:
    return read_catalogue(FILMS)


# Queries


def test_queries_are_drawn_the_same_every_time(films: Catalogue) -> None:
    templates = read_templates(TEMPLATES)
    queries = plan_queries(films, templates, 200, seed=1)
    assert queries == plan_queries(films, templates, 200, seed=1)
    assert queries != plan_queries(films, templates, 200, seed=2)
    assert len({query.text for query in queries}) == 200


def test_names_are_said_in_their_spoken_form(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("id,title,year\na,Mr. & Mrs. Smith,2005\nb,JFK,1991\n")
    queries = {q.item_id: q for q in plan_queries(read_catalogue(path), ["{title} from {year}"], 9, seed=0)}
    assert queries["a"].text == "mister and missus smith from two thousand five"
    assert queries["b"].text == "j f k from nineteen ninety one"


def test_an_item_without_the_column_is_not_asked_for_by_it(tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    path.write_text("id,title,director\na,Magnolia,\nb,Jaws,Steven Spielberg\n")
    assert [q.text for q in plan_queries(read_catalogue(path), ["films by {director}"], 9, 0)] == [
        "films by steven spielberg"
    ]


def test_a_template_with_an_unknown_column_is_refused(films: Catalogue) -> None:
    with pytest.raises(CatalogueError, match="no column 'actor'; the mapping has"):
        plan_queries(films, ["films with {actor}"], 9, 0)


@pytest.mark.parametrize(
    ("content", "message"), [("# nothing\n", "there is no template"), ("films by {director\n", "expected")]
)
def test_templates_that_cannot_be_used_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "templates.txt").write_text(content)
    with pytest.raises(CatalogueError, match=message):
        read_templates(tmp_path / "templates.txt")


# Voices


def test_each_query_is_said_by_as_many_voices_as_asked_for(films: Catalogue) -> None:
    queries = plan_queries(films, ["{title}"], 30, 0)
    takes = plan_takes(queries, VOICES, 3, 0)
    assert len(takes) == 90
    assert all(len({t.voice for t in takes if t.query == query}) == 3 for query in queries)
    assert {sum(t.voice == voice for t in takes) for voice in VOICES} == {10}


def test_whole_families_are_held_out() -> None:
    voices = (*VOICES, *MORE_VOICES)
    families = {voice.family: {other.split for other in voices if other.family == voice.family} for voice in voices}
    assert all(len(splits) == 1 for splits in families.values())
    assert families["joe"] == families["kal"] == {"test"}
    assert families["espeak"] == {"train"}


def test_an_unknown_voice_is_refused() -> None:
    with pytest.raises(InvalidRequestError, match="there is no voice 'hal'; known are espeak-us"):
        voices_named(["hal"])


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissingError, match="flite is not installed; install the Debian package flite, or"):
        require(voices_named(["flite-slt"]), tmp_path, print)


@pytest.mark.parametrize("name", [voice.name for voice in VOICES if voice.engine != "piper"])
def test_a_voice_speaks_faster_at_a_higher_speed(name: str, tmp_path: Path, needs_tool: Callable[[str], str]) -> None:
    (voice,) = voices_named([name])
    needs_tool(voice.engine)
    seconds = []
    for speed in (0.9, 1.1):
        (content,) = speak(voice, ["the silence of the lambs"], speed, tmp_path)
        assert content is not None
        clip = condition(decode(content, AudioLimits()).samples)
        assert clip.speech_found
        seconds.append(clip.seconds)
    assert seconds[0] > 1.08 * seconds[1]


@pytest.mark.slow
@pytest.mark.network
def test_piper_is_installed_on_first_use_and_never_imported(tmp_path: Path) -> None:
    voices = voices_named(["piper-joe"])
    require(voices, tmp_path, print)
    contents = speak(voices[0], ["pulp fiction", "the big lebowski"], 1.0, tmp_path)
    assert all(
        content is not None and condition(decode(content, AudioLimits()).samples).speech_found for content in contents
    )
    require(voices, tmp_path, lambda line: pytest.fail("installed twice"))


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", ["hibari-heart", "pico-us", "pico-gb"])
def test_voices_of_the_package_index_are_installed_on_first_use(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.getbasetemp() / "voices"
    voices = voices_named([name])
    require(voices, home, print)
    for content in speak(voices[0], ["pulp fiction", "the big lebowski"], 1.0, home):
        assert content is not None
        assert condition(decode(content, AudioLimits()).samples).speech_found
    require(voices, home, lambda line: pytest.fail("installed twice"))


@pytest.mark.parametrize("name", [voice.name for voice in MORE_VOICES if voice.engine == "espeak-ng"])
def test_every_accent_of_espeak_is_there(name: str, tmp_path: Path, needs_tool: Callable[[str], str]) -> None:
    (voice,) = voices_named([name])
    needs_tool(voice.engine)
    (content,) = speak(voice, ["the silence of the lambs"], 1.0, tmp_path)
    assert content is not None


# Clips


@pytest.fixture
def takes(films: Catalogue, needs_tool: Callable[[str], str]) -> tuple[Take, ...]:
    needs_tool("espeak-ng")
    needs_tool("flite")
    return plan_takes(plan_queries(films, ["{title}"], 6, 0), voices_named(["espeak-us", "flite-slt"]), 1, 0)


def said(
    films: Catalogue, takes: tuple[Take, ...], out: Path, look: Callable[[Utterance], Outcome] | None = None
) -> Batch:
    return synthesize(films, takes, out, out, processes=1, progress=lambda *_: None, examine=look)


def test_clips_are_tagged_and_carry_item_voice_and_speed(
    films: Catalogue, takes: tuple[Take, ...], tmp_path: Path
) -> None:
    batch = said(films, takes, tmp_path)
    assert len(batch.utterances) == len(takes)
    for utterance in read_manifest(batch.manifest):
        query, voice, *_ = chain_of(batch.utterances, utterance.id).steps
        assert {"synthetic", f"voice:{utterance.speaker}", f"speed:{voice.parameters['speed']:g}"} == set(
            utterance.tags
        )
        assert query.parameters["item"] in {item.id for item in films.items}
        assert utterance.split == {"espeak-us": "train", "flite-slt": None}[str(utterance.speaker)]


def test_nothing_is_said_twice(films: Catalogue, takes: tuple[Take, ...], tmp_path: Path) -> None:
    said(films, takes[:3], tmp_path)
    assert said(films, takes, tmp_path).reused == 3


def test_a_clip_that_is_heard_as_something_else_is_dropped_and_counted(
    films: Catalogue, takes: tuple[Take, ...], tmp_path: Path
) -> None:
    first, *others = said(films, takes, tmp_path).utterances
    heard = [replace(first, pred_text="something wholly different"), *(replace(u, pred_text=u.text) for u in others)]
    write_manifest(tmp_path / "heard.jsonl", heard)
    look = partial(examine, hypotheses=read_hypotheses(tmp_path / "heard.jsonl"))
    batch = said(films, takes, tmp_path, look)
    assert (len(batch.utterances), batch.reused) == (len(takes) - 1, len(takes))
    assert [(r.id, r.reason) for r in batch.rejections] == [(first.id, "suspicious")]
    assert first.id not in {utterance.id for utterance in read_manifest(batch.manifest)}


def test_a_manifest_without_hypotheses_is_refused(tmp_path: Path) -> None:
    write_manifest(tmp_path / "none.jsonl", [Utterance("a", "a.flac", 1.0)])
    with pytest.raises(ManifestError, match="a has no pred_text; transcribe"):
        read_hypotheses(tmp_path / "none.jsonl")


@pytest.mark.parametrize(
    ("told", "heard", "most"),
    [
        ("class of nineteen eighty four", "Class of 1984.", 0.0),
        ("spider man two", "Spiderman 2", 0.0),
        ("jfk", "J.F.K.", 0.0),
        ("neal n nikki", "Neil Enneki", 0.5),
    ],
)
def test_spelling_of_numbers_and_spaces_is_no_difference(told: str, heard: str, most: float) -> None:
    assert letter_distance(told, heard) <= most
