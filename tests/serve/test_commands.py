import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import serve.commands
from data.errors import CatalogueError, InvalidRequestError
from serve.index import SearchIndex

app = typer.Typer()
app.add_typer(serve.commands.app, name="serve")

CONTENT = "sku,name,maker\n1,Lamp,Acme\n1,Chair,Acme\n2,,Acme\n"
MAPPING = 'id = "sku"\ntitle = "name"\ndisplayed = ["maker"]\n'


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path / "home"))
    (tmp_path / "shop.csv").write_text(CONTENT)
    (tmp_path / "shop.toml").write_text(MAPPING)
    return tmp_path


def test_index_prints_each_bad_row_the_count_and_the_place(shop: Path) -> None:
    file = shop / "shop.csv"
    result = CliRunner().invoke(app, ["serve", "index", str(file), "--mapping", str(shop / "shop.toml")])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[:2] == [f"{file}: row 3: the id '1' is already on row 2", f"{file}: row 4: the title is empty"]
    assert lines[2].startswith(f"1 items of 'shop' indexed, 2 rows left out; the index is in {shop / 'home'}")
    assert [hit.title for hit in SearchIndex.open(shop / "home" / "indexes").search("lamp")] == ["Lamp"]


def test_index_gives_one_line_of_json(shop: Path) -> None:
    arguments = ["serve", "index", str(shop / "shop.csv"), "--mapping", str(shop / "shop.toml"), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.stdout.count("\n") == 1
    shown = json.loads(result.stdout)
    assert (shown["items"], shown["displayed"], len(shown["problems"])) == (1, ["maker"], 2)
    assert Path(shown["folder"]).is_dir()


def test_index_refuses_a_bad_row_when_strict_and_leaves_nothing(shop: Path) -> None:
    arguments = ["serve", "index", str(shop / "shop.csv"), "--mapping", str(shop / "shop.toml"), "--strict"]
    result = CliRunner().invoke(app, arguments)
    assert isinstance(result.exception, CatalogueError)
    assert not (shop / "home").exists()


def test_index_adds_changes_and_deletes_single_items(shop: Path) -> None:
    run = CliRunner()
    run.invoke(app, ["serve", "index", str(shop / "shop.csv"), "--mapping", str(shop / "shop.toml")])
    (shop / "more.csv").write_text("sku,name,maker\n3,Table,Acme\n1,Lantern,Acme\n")
    added = run.invoke(app, ["serve", "index", str(shop / "more.csv"), "--add"])
    assert added.stdout.startswith("2 items of 'shop' indexed")
    index = SearchIndex.open(shop / "home" / "indexes")
    assert (index.search("table")[0].title, index.search("lantern")[0].title) == ("Table", "Lantern")
    deleted = run.invoke(app, ["serve", "index", "--delete", "3", "--json"])
    assert json.loads(deleted.stdout)["items"] == 1
    assert "Table" not in [hit.title for hit in index.search("table")]


@pytest.mark.parametrize("arguments", [[], ["--add"], ["shop.csv", "--delete", "1"]])
def test_index_says_what_it_needs(shop: Path, arguments: list[str]) -> None:
    assert isinstance(CliRunner().invoke(app, ["serve", "index", *arguments]).exception, InvalidRequestError)
