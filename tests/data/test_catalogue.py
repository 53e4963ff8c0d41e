import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.catalogue import Catalogue, CatalogueMapping, Item, read_catalogue, read_mapping
from data.errors import CatalogueError

FILMS = Path(__file__).parents[2] / "examples" / "films" / "catalogue.csv"

texts = st.text(st.characters(codec="utf-8"), max_size=30).map(str.strip)
items = st.lists(st.builds(Item, texts.filter(bool), texts.filter(bool), st.fixed_dictionaries({"note": texts})))


@pytest.fixture(scope="module")
def films() -> Catalogue:
    return read_catalogue(FILMS, strict=True)


def read(folder: Path, content: str | bytes, name: str = "things.csv", *, strict: bool = False) -> Catalogue:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_catalogue(path, strict=strict)


def test_every_film_with_a_title_is_there(films: Catalogue) -> None:
    assert (films.name, len(films.items), films.problems) == ("films", 3200, ())


def test_misdecoded_titles_are_repaired(films: Catalogue) -> None:
    titles = {item.title for item in films.items}
    assert {"Léon", "The Naked Gun 2½: The Smell of Fear", "Alien³", "Ri¢hie Ri¢h", "Caché", "Déjà Vu"} <= titles
    assert not [title for title in titles if set(title) & set("ÈÍÛÙÎËÖΩ˘‡‰·")]


def test_titles_that_are_numbers_are_text(films: Catalogue) -> None:
    numbers = {item.title for item in films.items if item.title.isdigit()}
    assert numbers == {"1776", "1941", "1408", "2012", "2046", "21", "300", "9", "54"}


def test_what_the_source_does_not_know_stays_unknown(films: Catalogue) -> None:
    missing = {name: sum(name not in item.fields for item in films.items) for name in ("director", "genre", "year")}
    assert missing == {"director": 1330, "genre": 275, "year": 0}


def test_no_film_is_of_a_year_after_the_source_was_made(films: Catalogue) -> None:
    years = [int(item.fields["year"]) for item in films.items]
    assert (min(years), max(years)) == (1915, 2011)
    assert next(item for item in films.items if item.title == "Duel in the Sun").fields["year"] == "1946"


def test_films_of_the_same_title_are_told_apart_by_year(films: Catalogue) -> None:
    ids = [item.id for item in films.items if item.title == "Casino Royale"]
    assert ids == ["casino-royale-1967", "casino-royale-2006"]
    assert len(films.items) - len({item.title for item in films.items}) == 24


@given(items=items.filter(bool), delimiter=st.sampled_from(",;\t"), encoding=st.sampled_from(["utf-8", "utf-8-sig"]))
def test_a_csv_file_gives_back_the_items_written(
    items: list[Item], delimiter: str, encoding: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "things.csv"
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(("id", "title", "note"))
        writer.writerows((item.id, item.title, item.fields["note"]) for item in items)
    assert_read(read_catalogue(path), items)


@given(items=items.filter(bool))
def test_a_jsonl_file_gives_back_the_items_written(items: list[Item], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "things.jsonl"
    lines = [json.dumps({"id": item.id, "title": item.title, **item.fields}) for item in items]
    path.write_text("\n".join(lines), encoding="utf-8")
    assert_read(read_catalogue(path), items)


def assert_read(catalogue: Catalogue, written: list[Item]) -> None:
    kept: dict[str, Item] = {}
    for item in written:
        kept.setdefault(item.id, Item(item.id, item.title, {name: text for name, text in item.fields.items() if text}))
    assert catalogue.items == tuple(kept.values())
    assert len(catalogue.problems) == len(written) - len(kept)


def test_bad_rows_are_left_out_with_a_line_each(tmp_path: Path) -> None:
    content = "\n".join(
        ("id,title,note", "1,One,", "1,Again,", ",Nobody,", "2, ,", "3,Three,a,b", '4,"Fo"ur,', "5,Five,", "6,Six")
    ).encode()
    catalogue = read(tmp_path, content + b"\n7,S\xe9ven,\n8,Eight," + b"x" * 10_001)
    assert [item.id for item in catalogue.items] == ["1", "5", "6"]
    assert catalogue.problems == (
        "row 3: the id '1' is already on row 2",
        "row 4: the id is empty",
        "row 5: the title is empty",
        "row 6: 4 cells, but the header has 3; is a delimiter not in quotation marks?",
        "row 7: not CSV (',' expected after '\"')",
        "row 10: 'title' is not UTF-8: save the file as UTF-8",
        "row 11: 'note' has 10,001 characters, more than 10,000",
    )


def test_one_bad_row_refuses_the_file_when_strict(tmp_path: Path) -> None:
    with pytest.raises(
        CatalogueError,
        match=r"things.csv: 1 rows cannot be used; correct them\n.*things.csv: row 3: the title is empty",
    ):
        read(tmp_path, "id,title\n1,One\n2,\n", strict=True)


def test_a_row_number_is_the_line_on_which_the_row_begins(tmp_path: Path) -> None:
    catalogue = read(tmp_path, 'id,title\n\n1,"One\nand a half"\n2,\n')
    assert catalogue.items[0].title == "One\nand a half"
    assert catalogue.problems == ("row 5: the title is empty",)


def test_a_quotation_mark_that_is_never_closed_costs_its_own_row_only(tmp_path: Path) -> None:
    catalogue = read(tmp_path, 'id,title\n1,One\n2,"Two\n3,Three\n4,"Four\n5,Five\n')
    assert [item.id for item in catalogue.items] == ["1", "3", "5"]
    assert catalogue.problems == (
        "row 3: a quotation mark is not closed",
        "row 5: a quotation mark is not closed",
    )


def test_a_field_of_megabytes_costs_one_row_only(tmp_path: Path) -> None:
    catalogue = read(tmp_path, f'id,title\n1,"{"x" * 3_000_000}"\n2,Two\n')
    assert [item.id for item in catalogue.items] == ["2"]
    assert len(catalogue.problems) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "not JSON"),
        ("[1]", "not a JSON object"),
        ('{"id": "2", "title": NaN}', "NaN is not a JSON number"),
        ('{"id": "2", "title": {"en": "Two"}}', "the value of 'title' is neither text, a number nor a list of these"),
        ('{"id": "2", "title": "\\ud800"}', "'title' is not UTF-8"),
        ("[" * 100_000, "not JSON"),
        ('{"id": "2", "title": ' + "9" * 5000 + "}", "not JSON"),
        ('{"id": "2"}', "the title is empty"),
    ],
)
def test_a_line_that_is_not_an_item_is_left_out_of_a_jsonl_file(tmp_path: Path, line: str, problem: str) -> None:
    catalogue = read(tmp_path, f'{{"id": 1, "title": "One"}}\n{line}\n', "things.jsonl")
    assert [item.id for item in catalogue.items] == ["1"]
    assert len(catalogue.problems) == 1
    assert catalogue.problems[0].startswith("row 2: ")
    assert problem in catalogue.problems[0]


def test_numbers_and_lists_in_jsonl_become_text(tmp_path: Path) -> None:
    line = {"id": 7, "title": 300, "tags": ["war", 2006], "sold": True, "by": None}
    catalogue = read(tmp_path, json.dumps(line), "things.jsonl")
    assert catalogue.items == (Item("7", "300", {"tags": "war, 2006", "sold": "true"}),)


def test_a_missing_column_is_named_beside_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"there is no column 'title'; it has 'id', 'name', 'year'"):
        read(tmp_path, "id;name;year\n1;One;1999\n")


def test_a_jsonl_file_without_a_mapped_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"there is no column 'id'; it has 'title'"):
        read(tmp_path, '{"title": "One"}\n', "things.jsonl")


@pytest.mark.parametrize("content", ["", "\n\n", "id,title\n", "\ufeff"])
def test_an_empty_catalogue_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(CatalogueError, match=r"the catalogue is empty; give it at least one item"):
        read(tmp_path, content)


def test_a_catalogue_of_bad_rows_alone_is_refused_with_the_first(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"none of 2 rows can be used, the first: row 2: the title is empty"):
        read(tmp_path, "id,title\n1,\n2,\n")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("things.xlsx", b"PK", "must end in .csv, .tsv, .jsonl or .ndjson"),
        ("things.csv", "id,title\n1,One\n".encode("utf-16"), "UTF-16; save it as UTF-8"),
        ("things.csv", b"id,title,title\n1,One,Two\n", "the column 'title' is there twice"),
        ("things.csv", b'id,"ti"tle\n1,One\n', "the header cannot be read"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    with pytest.raises(CatalogueError, match=message):
        read(tmp_path, content, name)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="check the path"):
        read_catalogue(tmp_path / "none.csv")


@given(content=st.binary(max_size=200), name=st.sampled_from(["things.csv", "things.jsonl"]))
def test_any_bytes_are_read_or_refused(content: bytes, name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    try:
        catalogue = read(tmp_path_factory.mktemp("bytes"), b"id,title\n1,One\n" * name.endswith("csv") + content, name)
    except CatalogueError:
        return
    assert catalogue.items


def test_without_a_mapping_every_other_column_is_searched_and_displayed(tmp_path: Path) -> None:
    mapping = read(tmp_path, "id,title,brand,colour\n1,Lamp,Acme,red\n").mapping
    assert mapping.searched == {"title": 3.0, "brand": 1.0, "colour": 1.0}
    assert mapping.displayed == ("brand", "colour")


def test_the_mapping_beside_the_catalogue_is_used(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text('id = "sku"\ntitle = "name"\n[searched]\nname = 2\n')
    catalogue = read(tmp_path, "sku,name,price\nx1,Lamp,5\n")
    assert catalogue.items == (Item("x1", "Lamp"),)
    assert catalogue.mapping == CatalogueMapping("sku", "name", {"name": 2})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('titel = "name"', "unknown key 'titel'"),
        ("title = 3", "title = 3; expected a text"),
        ('facets = "genre"', "facets = 'genre'; expected a list"),
        ("searched = {}", "expected columns, each with a weight above 0"),
        ("searched = {title = 0}", "expected columns, each with a weight above 0"),
        ("searched = {title = nan}", "expected columns, each with a weight above 0"),
        ("searched = {title = true}", "expected columns, each with a weight above 0"),
        ("title = ", "not a TOML file"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mapping.toml"
    path.write_text(content)
    with pytest.raises(CatalogueError, match=message):
        read_mapping(path)
