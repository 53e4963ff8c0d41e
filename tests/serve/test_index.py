import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from data.catalogue import Catalogue, CatalogueMapping, Item, read_catalogue
from data.errors import IndexUnavailableError, InvalidRequestError
from serve.index import SearchIndex, build_index
from serve.matching import MAX_QUERY_TERMS, query_terms

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return read_catalogue(ROOT / "examples" / "films" / "catalogue.csv")


@pytest.fixture(scope="module")
def films(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> SearchIndex:
    indexes = tmp_path_factory.mktemp("indexes")
    build_index(catalogue, indexes)
    return SearchIndex.open(indexes)


def things(*titles: str) -> Catalogue:
    items = tuple(Item(str(number), title) for number, title in enumerate(titles, 1))
    return Catalogue("things", items, CatalogueMapping(), (), sha256=" ".join(titles))


def found(index: SearchIndex, text: str) -> list[str]:
    return [hit.title for hit in index.search(text)]


def folders(indexes: Path) -> set[str]:
    return {path.name for path in indexes.iterdir() if path.is_dir()}


def reciprocal_rank(titles: Sequence[str], wanted: str) -> float:
    return 1.0 / (titles.index(wanted) + 1) if wanted in titles else 0.0


def without_a_letter(title: str) -> str:
    word = max(title.split(), key=len)
    return title.replace(word, word[: len(word) // 2] + word[len(word) // 2 + 1 :], 1)


def test_a_title_as_it_is_written_is_on_top(films: SearchIndex, catalogue: Catalogue) -> None:
    titles = [item.title for item in catalogue.items[::4]]
    assert sum(reciprocal_rank(found(films, title), title) for title in titles) / len(titles) >= 0.99


def test_a_title_with_a_letter_left_out_of_its_longest_word_is_mostly_on_top(
    films: SearchIndex, catalogue: Catalogue
) -> None:
    titles = [item.title for item in catalogue.items[::8]]
    ranks = [reciprocal_rank(found(films, without_a_letter(title)), title) for title in titles]
    assert sum(ranks) / len(ranks) >= 0.93


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("leon", "Léon"),
        ("SCHINDLERS LIST", "Schindler's List"),
        ("schindler\u2019s list", "Schindler's List"),
        ("aimee and jaguar", "Aimée & Jaguar"),
        ("richie rich", "Ri¢hie Ri¢h"),
        ("alien 3", "Alien³"),
        ("the naked gun 2 1/2", "The Naked Gun 2½: The Smell of Fear"),
        ("amelie poulain", "Le Fabuleux destin d'Amélie Poulain"),
        ("300", "300"),
        ("titanik", "Titanic"),
        ("find jurassic park please", "Jurassic Park"),
    ],
)
def test_the_spelling_of_a_title_does_not_matter(films: SearchIndex, query: str, title: str) -> None:
    assert found(films, query)[0] == title


def test_the_whole_title_beats_a_longer_one(films: SearchIndex) -> None:
    assert found(films, "alien")[0] == "Alien"
    assert found(films, "the fog")[:2] == ["The Fog", "The Fog"]


def test_words_of_other_fields_find_an_item(films: SearchIndex) -> None:
    directors = {hit.fields["director"] for hit in films.search("films by ridley scott", 3)}
    assert directors == {"Ridley Scott"}


def test_a_hit_tells_what_brought_it(films: SearchIndex) -> None:
    exact, fuzzy = films.search("amelies leon", 1)[0], films.search("silense of the lambs", 1)[0]
    assert (exact.match, exact.matched, exact.id) == ("exact", ("Léon",), "leon-1994")
    assert exact.fields["director"] == "Luc Besson"
    assert (fuzzy.match, fuzzy.matched) == ("fuzzy", ("The", "Silence", "of", "the", "Lambs"))


def test_a_near_word_never_beats_the_word_itself(tmp_path: Path) -> None:
    build_index(things("House", "Mouse", "Houses of stone"), tmp_path)
    index = SearchIndex.open(tmp_path)
    assert [(hit.title, hit.match) for hit in index.search("house")] == [
        ("House", "exact"),
        ("Mouse", "fuzzy"),
        ("Houses of stone", "fuzzy"),
    ]


def test_short_words_and_numbers_have_no_near_words(tmp_path: Path) -> None:
    build_index(things("Cat", "1942"), tmp_path)
    index = SearchIndex.open(tmp_path)
    assert (found(index, "cut"), found(index, "1941")) == ([], [])


def test_equal_scores_keep_the_order_of_the_catalogue(tmp_path: Path) -> None:
    build_index(things(*[f"Same thing {number}" for number in range(200)]), tmp_path)
    index = SearchIndex.open(tmp_path)
    everything = [hit.id for hit in index.search("same thing", 200)]
    assert everything == [str(number) for number in range(1, 201)]
    assert [hit.id for hit in index.search("same thing", 7)] == everything[:7]


@pytest.mark.parametrize("text", ["", " ", "?!…", "\x00\x07", "千と千尋の神隠し", "עברית", "🎬", "&'`"])
def test_text_without_a_known_word_finds_nothing(tmp_path: Path, text: str) -> None:
    build_index(things("Spirited Away"), tmp_path)
    assert SearchIndex.open(tmp_path).search(text) == ()


@pytest.mark.parametrize(
    "syntax", ["title:alien", 'key:"alien"', "+alien -alien", "alien*", "alien~2", "alien AND", "(alien"]
)
def test_query_syntax_is_only_words(films: SearchIndex, syntax: str) -> None:
    assert "Alien" in [hit.title for hit in films.search(syntax, 20)]


@given(text=st.text(max_size=200), limit=st.integers(1, 60))
@example(text="a" * 10_000, limit=10)
@example(text="ﷺ" * 10_000, limit=10)
@example(text="love " * 2_000, limit=10)
@example(text="alien\ud800", limit=10)
def test_any_text_has_an_answer(films: SearchIndex, text: str, limit: int) -> None:
    hits = films.search(text, limit)
    assert len(hits) <= limit
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert all(hit.matched for hit in hits)


def test_a_long_query_costs_no_more_words_than_allowed(films: SearchIndex) -> None:
    assert len(query_terms([str(number) for number in range(10_000)])) == MAX_QUERY_TERMS
    assert films.search(" ".join(f"incredible{number} love" for number in range(5_000)))


def test_a_limit_beyond_the_catalogue_gives_all_and_one_below_1_is_refused(tmp_path: Path) -> None:
    build_index(things("One thing", "Another thing"), tmp_path)
    index = SearchIndex.open(tmp_path)
    assert len(index.search("thing", 10**12)) == 2
    with pytest.raises(InvalidRequestError, match="limit=0"):
        index.search("thing", 0)


def test_an_index_of_one_item_works(tmp_path: Path) -> None:
    info = build_index(things("Lamp"), tmp_path)
    assert (info.name, info.items, info.examples) == ("things", 1, ("Lamp",))
    assert found(SearchIndex.open(tmp_path), "lamp") == ["Lamp"]


def test_without_an_index_there_is_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailableError, match="there is no index; run `voicesearch serve index FILE`"):
        SearchIndex.open(tmp_path / "none")


@pytest.mark.parametrize(
    "pointer", ["", "{", "[]", '{"folder": "../elsewhere"}', '{"folder": 3}', '{"folder": "0123456789abcdef"}']
)
def test_a_damaged_pointer_is_said_to_be_damaged(tmp_path: Path, pointer: str) -> None:
    (tmp_path / "current.json").write_text(pointer)
    with pytest.raises(IndexUnavailableError, match="the index is damaged"):
        SearchIndex.open(tmp_path)


def test_the_same_catalogue_is_not_indexed_twice(tmp_path: Path) -> None:
    info = build_index(things("Lamp"), tmp_path)
    written = (info.folder / "meta.json").stat().st_mtime_ns
    assert build_index(things("Lamp"), tmp_path) == info
    assert (info.folder / "meta.json").stat().st_mtime_ns == written


def test_another_mapping_is_another_index(tmp_path: Path) -> None:
    first = build_index(things("Lamp"), tmp_path)
    other = replace(things("Lamp"), mapping=CatalogueMapping(searched={"title": 1.0}))
    assert build_index(other, tmp_path).folder != first.folder


def test_a_damaged_index_is_built_again(tmp_path: Path) -> None:
    info = build_index(things("Lamp"), tmp_path)
    for part in info.folder.glob("*.term"):
        part.unlink()
    with pytest.raises(IndexUnavailableError, match="damaged"):
        SearchIndex.open(tmp_path)
    build_index(things("Lamp"), tmp_path)
    assert found(SearchIndex.open(tmp_path), "lamp") == ["Lamp"]


def test_an_index_of_another_version_is_not_opened(tmp_path: Path) -> None:
    info = build_index(things("Lamp"), tmp_path)
    about = info.folder / "about.json"
    about.write_text(about.read_text().replace('"format": 1', '"format": 0'))
    with pytest.raises(IndexUnavailableError, match="another version"):
        SearchIndex.open(tmp_path)


def test_a_new_index_is_taken_up_by_an_open_one_and_the_last_but_one_is_removed(tmp_path: Path) -> None:
    first = build_index(things("Lamp"), tmp_path)
    index = SearchIndex.open(tmp_path)
    second = build_index(things("Chair"), tmp_path)
    assert (found(index, "lamp"), found(index, "chair"), index.info) == ([], ["Chair"], second)
    assert folders(tmp_path) == {first.folder.name, second.folder.name}
    third = build_index(things("Table"), tmp_path)
    assert folders(tmp_path) == {second.folder.name, third.folder.name}


def test_an_open_index_answers_after_its_folder_is_gone(
    films: SearchIndex, catalogue: Catalogue, tmp_path: Path
) -> None:
    build_index(catalogue, tmp_path)
    index = SearchIndex.open(tmp_path)
    shutil.rmtree(tmp_path)
    assert index.search("the lost world jurassic park") == films.search("the lost world jurassic park")


def test_an_open_index_answers_when_the_next_one_is_damaged(tmp_path: Path) -> None:
    build_index(things("Lamp"), tmp_path)
    index = SearchIndex.open(tmp_path)
    (tmp_path / "current.json").write_text('{"folder": "0123456789abcdef"}')
    assert found(index, "lamp") == ["Lamp"]
    build_index(things("Chair"), tmp_path)
    assert found(index, "chair") == ["Chair"]


def test_an_interrupted_build_leaves_nothing(tmp_path: Path) -> None:
    def interrupted(items: Sequence[Item]) -> Iterator[Item]:
        yield items[0]
        raise KeyboardInterrupt

    before = build_index(things("Lamp"), tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build_index(things("Chair", "Table"), tmp_path, interrupted)
    assert folders(tmp_path) == {before.folder.name}
    assert found(SearchIndex.open(tmp_path), "lamp") == ["Lamp"]


KILLED_BUILD = """
import os, sys
from pathlib import Path
from data.catalogue import Catalogue, CatalogueMapping, Item
from serve.index import build_index

def killed(items):
    yield items[0]
    os._exit(9)

items = Item("1", "Chair"), Item("2", "Table")
build_index(Catalogue("things", items, CatalogueMapping(), (), "x"), Path(sys.argv[1]), killed)
"""


def test_a_killed_build_is_never_seen_and_swept_by_the_next(tmp_path: Path) -> None:
    first = build_index(things("Lamp"), tmp_path)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", KILLED_BUILD, tmp_path], env=environment, check=False).returncode == 9
    assert len(folders(tmp_path)) == 2
    index = SearchIndex.open(tmp_path)
    assert (found(index, "lamp"), found(index, "chair")) == (["Lamp"], [])
    second = build_index(things("Chair"), tmp_path)
    assert folders(tmp_path) == {first.folder.name, second.folder.name}


def test_a_folder_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(IndexUnavailableError, match="the index cannot be written"):
        build_index(things("Lamp"), tmp_path / "file" / "indexes")


def test_readers_see_one_whole_index_or_the_other_while_it_is_swapped(tmp_path: Path) -> None:
    catalogues = {colour: things(*[f"{colour} thing {number}" for number in range(50)]) for colour in ("red", "blue")}
    build_index(catalogues["red"], tmp_path)
    index = SearchIndex.open(tmp_path)
    done, seen, faults = Event(), set[str](), list[object]()

    def read() -> None:
        while not done.is_set():
            try:
                hits = index.search("thing", 100)
            except Exception as error:
                faults.append(error)
                return
            colours = {hit.title.partition(" ")[0] for hit in hits}
            seen.update(colours)
            if len(colours) != 1 or len(hits) != 50:
                faults.append(hits)

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(8):
        colour = ("blue", "red")[turn % 2]
        build_index(replace(catalogues[colour], sha256=f"{colour} {turn}"), tmp_path)
        assert found(index, "thing")[0].startswith(("red", "blue"))
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert seen == {"red", "blue"}
    assert found(index, "thing")[0].startswith("red")


def test_builds_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    builders = [Thread(target=build_index, args=(things(f"Lamp {number}"), tmp_path)) for number in range(6)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert found(SearchIndex.open(tmp_path), "lamp")
    assert len(folders(tmp_path)) == 2
