"""The addresses of error reports: listed and served to this machine, nothing else of the home folder."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.records import Release
from serve.app import create_app
from serve.index import SearchIndex


@pytest.fixture(scope="module")
def http(release: Release, film_index: SearchIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """The application on a database of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESEARCH_DATABASE_URL", f"sqlite:///{tmp_path_factory.mktemp('database')}/reports.db")
        with TestClient(create_app(), client=("127.0.0.1", 50_000)) as client:
            yield client


@pytest.fixture
def reports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of reports of another home."""
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path))
    folder = tmp_path / "reports"
    folder.mkdir()
    return folder


def test_reports_are_listed_the_newest_first(http: TestClient, reports: Path) -> None:
    for age, name in enumerate(("new.html", "old.html")):
        (reports / name).write_text("<p>")
        os.utime(reports / name, (1_000_000 - age, 1_000_000 - age))
    (reports / "new.json").write_text("{}")
    answer = http.get("/v1/admin/reports").json()
    assert [report["name"] for report in answer["reports"]] == ["new.html", "old.html"]
    assert answer["reports"][0]["bytes"] == 3


def test_without_a_folder_there_are_no_reports(http: TestClient, reports: Path) -> None:
    reports.rmdir()
    assert http.get("/v1/admin/reports").json() == {"reports": []}


def test_a_report_is_served_under_a_policy_that_reaches_nothing(http: TestClient, reports: Path) -> None:
    (reports / "a.html").write_text("<p>figures")
    (reports / "a.json").write_text("{}")
    page = http.get("/v1/admin/reports/a.html")
    assert (page.status_code, page.text) == (200, "<p>figures")
    assert "connect-src 'none'" in page.headers["content-security-policy"]
    assert http.get("/v1/admin/reports/a.json").headers["content-type"] == "application/json"


@pytest.mark.parametrize("name", ["gone.html", "..%2Fvoicesearch.db", "%2e%2e/secret.html", ".hidden.html", "a.db"])
def test_what_is_no_report_is_not_served(http: TestClient, reports: Path, name: str) -> None:
    (reports.parent / "secret.html").write_text("secret")
    (reports.parent / "voicesearch.db").write_text("secret")
    (reports / ".hidden.html").write_text("secret")
    (reports / "a.db").write_text("secret")
    answer = http.get(f"/v1/admin/reports/{name}")
    assert answer.status_code in (404, 422)
    assert "secret" not in answer.text


def test_callers_from_elsewhere_need_a_key(http: TestClient, reports: Path) -> None:
    elsewhere = TestClient(http.app, client=("192.0.2.7", 50_000))
    for address in ("/v1/admin/reports", "/v1/admin/reports/a.html"):
        assert elsewhere.get(address).status_code == 401
