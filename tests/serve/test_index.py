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
from data.errors import IndexUnavailableError, InvalidRequestError, NotFoundError
from data.records import Hypothesis
from serve.generation import NEAREST
from serve.index import SearchIndex, build_index, change_items

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


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("two thousand and one a space odyssey", "2001: A Space Odyssey"),
        ("spiderman two", "Spider-Man 2"),
        ("spider man 2", "Spider-Man 2"),
        ("the god father part two", "The Godfather: Part II"),
        ("e t the extra terrestrial", "ET: The Extra-Terrestrial"),
        ("s w a t", "S.W.A.T."),
        ("schindler list", "Schindler's List"),
        ("three hundred", "300"),
    ],
)
def test_numbers_initials_and_joined_words_may_be_said_in_any_way(films: SearchIndex, query: str, title: str) -> None:
    assert found(films, query)[0] == title


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("the silence of the lamps", "The Silence of the Lambs"),
        ("sheen lers list", "Schindler's List"),
        ("pulp fixin", "Pulp Fiction"),
        ("the good fellows", "Goodfellas"),
    ],
)
def test_a_misheard_title_is_found_by_its_sound(films: SearchIndex, query: str, title: str) -> None:
    assert found(films, query)[0] == title


@pytest.mark.parametrize(
    ("query", "field", "value"),
    [
        ("films by ridley scott", "director", "Ridley Scott"),
        ("show me films by ridley scot please", "director", "Ridley Scott"),
        ("a comedy from two thousand and three", "year", "2003"),
        ("a comedy from two thousand and three", "genre", "Comedy"),
        ("something from the thirties", "year", "193"),
        ("westerns by clint eastwood", "director", "Clint Eastwood"),
    ],
)
def test_columns_are_recognised_in_natural_queries(films: SearchIndex, query: str, field: str, value: str) -> None:
    hits = films.search(query, 3)
    assert all(hit.fields[field].startswith(value) for hit in hits), hits


def test_films_that_columns_explain_whole_are_sure_and_come_before_those_they_explain_in_part(
    films: SearchIndex,
) -> None:
    found = films.find([Hypothesis("show me films by ridley scott from the nineties", 0.0)], 10)
    assert found.sure
    assert {hit.title for hit in found.hits[:2]} == {"White Squall", "G.I.Jane"}
    assert films.search("1941", 1)[0].title == "1941"


def test_a_wrong_year_does_not_hide_the_film(films: SearchIndex) -> None:
    assert found(films, "casablanca from nineteen ninety five")[0] == "Casablanca"


def test_any_hypothesis_can_bring_the_film_and_the_hit_names_it(films: SearchIndex) -> None:
    heard = (Hypothesis("you're asking park", -0.6), Hypothesis("jurassic park", -0.7))
    best = films.find(heard).hits[0]
    assert (best.title, best.hypothesis) == ("Jurassic Park", 1)


def test_a_film_that_is_there_is_sure_and_beside_it_stands_only_what_is_related(films: SearchIndex) -> None:
    found = films.find((Hypothesis("jurassic park", 0.0),), 10)
    assert found.sure
    assert all("jurassic" in hit.title.lower() for hit in found.hits[:3])
    assert len(films.find((Hypothesis("casablanca", 0.0),), 10).hits) < 10


@pytest.mark.parametrize(
    "text", ["quarterly sales figures of the northern region", "zzzzzz", "please subscribe to my channel"]
)
def test_without_a_sure_match_the_nearest_few_are_offered(films: SearchIndex, text: str) -> None:
    found = films.find((Hypothesis(text, 0.0),), 10)
    assert not found.sure
    assert len(found.hits) <= NEAREST


def test_a_hit_tells_what_brought_it(films: SearchIndex) -> None:
    exact, fuzzy = films.search("leon", 1)[0], films.search("silense of the lambs", 1)[0]
    assert (exact.match, exact.matched, exact.id) == ("exact", ("Léon",), "leon-1994")
    assert exact.fields["director"] == "Luc Besson"
    assert (fuzzy.match, fuzzy.matched) == ("phonetic", ("The", "Silence", "of", "the", "Lambs"))
    numbered = films.search("the godfather part two by coppola", 1)[0]
    assert numbered.matched == ("The", "Godfather", "Part", "II", "Coppola")
    assert films.search("spiderman", 1)[0].matched == ("Spider", "Man")


def test_a_near_word_never_beats_the_word_itself(tmp_path: Path) -> None:
    build_index(things("Mouse", "House", "Houses of stone"), tmp_path)
    assert found(SearchIndex.open(tmp_path), "house")[0] == "House"


def test_numbers_are_never_nearly_the_same(tmp_path: Path) -> None:
    build_index(things("1942", "1941"), tmp_path)
    assert found(SearchIndex.open(tmp_path), "nineteen forty one")[0] == "1941"


def test_equal_titles_keep_the_order_of_the_catalogue(tmp_path: Path) -> None:
    build_index(things(*["Same thing"] * 200), tmp_path)
    index = SearchIndex.open(tmp_path)
    everything = [hit.id for hit in index.search("same thing", 200)]
    assert everything == [str(number) for number in range(1, 201)]
    assert [hit.id for hit in index.search("same thing", 7)] == everything[:7]


@pytest.mark.parametrize("text", ["", " ", "?!…", "\x00\x07", "千と千尋の神隠し", "עברית", "🎬", "'`"])
def test_text_with_nothing_in_common_finds_nothing(tmp_path: Path, text: str) -> None:
    build_index(things("Spirited Away"), tmp_path)
    assert SearchIndex.open(tmp_path).search(text) == ()


def test_titles_in_other_scripts_are_found(tmp_path: Path) -> None:
    build_index(things("千と千尋の神隠し", "שלום 2", "Lamp"), tmp_path)
    index = SearchIndex.open(tmp_path)
    assert (found(index, "千と千尋の神隠し")[0], found(index, "שלום two")[0]) == ("千と千尋の神隠し", "שלום 2")


def test_the_whole_title_beats_a_longer_one(films: SearchIndex) -> None:
    assert found(films, "alien")[0] == "Alien"
    assert found(films, "the fog")[:2] == ["The Fog", "The Fog"]


def test_words_of_other_fields_find_an_item(films: SearchIndex) -> None:
    directors = {hit.fields["director"] for hit in films.search("films by ridley scott", 3)}
    assert directors == {"Ridley Scott"}


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
@example(text="the of and a", limit=10)
@example(text="1" * 10_000, limit=10)
@example(text="a. b. " * 1_000, limit=10)
@example(text="alien 20 30 19 " * 500, limit=10)
@example(text="\x1f:\x1falien\x00", limit=10)
def test_any_text_has_an_answer(films: SearchIndex, text: str, limit: int) -> None:
    hits = films.search(text, limit)
    assert len(hits) <= limit
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


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
    about.write_text(about.read_text().replace('"format": 2', '"format": 1'))
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
    catalogues = {
        colour: replace(things(), items=tuple(Item(f"{colour} {number}", "Thing") for number in range(50)))
        for colour in ("red", "blue")
    }
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
            colours = {hit.id.partition(" ")[0] for hit in hits}
            seen.update(colours)
            if len(colours) != 1 or len(hits) != 50:
                faults.append(hits)

    readers = [Thread(target=read) for _ in range(3)]
    for reader in readers:
        reader.start()
    for turn in range(8):
        colour = ("blue", "red")[turn % 2]
        build_index(replace(catalogues[colour], sha256=f"{colour} {turn}"), tmp_path)
        assert index.search("thing")[0].id.startswith(("red", "blue"))
    done.set()
    for reader in readers:
        reader.join()
    assert not faults
    assert seen == {"red", "blue"}
    assert index.search("thing")[0].id.startswith("red")


def test_builds_at_the_same_time_wait_for_each_other(tmp_path: Path) -> None:
    builders = [Thread(target=build_index, args=(things(f"Lamp {number}"), tmp_path)) for number in range(6)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert found(SearchIndex.open(tmp_path), "lamp")
    assert len(folders(tmp_path)) == 2


def test_single_items_are_added_changed_and_deleted_under_an_open_index(tmp_path: Path) -> None:
    build_index(things("Lamp", "Chair"), tmp_path)
    index = SearchIndex.open(tmp_path)
    change_items(tmp_path, put=(Item("3", "Table"), Item("2", "Armchair")))
    assert (found(index, "table")[0], found(index, "armchair")[0], index.info.items) == ("Table", "Armchair", 3)
    change_items(tmp_path, delete=["1"])
    assert "Lamp" not in found(index, "lamp")
    assert index.info.items == 2


def test_the_file_indexed_again_undoes_changes_of_single_items(tmp_path: Path) -> None:
    before = build_index(things("Lamp"), tmp_path)
    change_items(tmp_path, put=(Item("1", "Chair"),))
    assert build_index(things("Lamp"), tmp_path) == before
    assert found(SearchIndex.open(tmp_path), "lamp") == ["Lamp"]


def test_an_item_that_is_not_there_cannot_be_deleted_and_nothing_changes(tmp_path: Path) -> None:
    before = build_index(things("Lamp"), tmp_path)
    with pytest.raises(NotFoundError, match="there is no item '9' in 'things'"):
        change_items(tmp_path, put=(Item("2", "Chair"),), delete=["9"])
    assert SearchIndex.open(tmp_path).info == before


def test_the_last_item_can_go_and_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    build_index(things("Lamp"), tmp_path)
    change_items(tmp_path, delete=["1"])
    index = SearchIndex.open(tmp_path)
    assert (index.info.items, index.search("lamp")) == (0, ())
    change_items(tmp_path, put=(Item("1", "Lamp"),))
    assert found(index, "lamp") == ["Lamp"]


def test_many_changes_leave_two_folders_and_a_whole_index(tmp_path: Path) -> None:
    build_index(things("Lamp"), tmp_path)
    for number in range(2, 14):
        change_items(tmp_path, put=(Item(str(number), f"Chair {number}"),))
    assert len(folders(tmp_path)) == 2
    index = SearchIndex.open(tmp_path)
    assert index.info.items == 13
    assert found(index, "chair thirteen")[0] == "Chair 13"
