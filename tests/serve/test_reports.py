"""The addresses of error reports: listed and served to this machine, nothing else of the home folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from data.records import Release
from data.settings import HomeSettings
from serve.app import create_app
from serve.index import SearchIndex

LOCAL = ("127.0.0.1", 50_000)


@pytest.fixture(scope="module")
def http(
    release: Release, film_index: SearchIndex, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """The application on a home of its own."""
    own = tmp_path_factory.mktemp("home")
    for name in ("models", "indexes"):
        (own / name).symlink_to(home / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESEARCH_HOME", str(own))
        with TestClient(create_app(), client=LOCAL) as client:
            yield client


@pytest.fixture
def reports(http: TestClient) -> Path:
    """The folder of reports, empty."""
    folder = HomeSettings.load().reports
    shutil.rmtree(folder, ignore_errors=True)
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


@pytest.mark.usefixtures("reports")
def test_callers_from_elsewhere_need_a_key(http: TestClient) -> None:
    elsewhere = TestClient(http.app, client=("192.0.2.7", 50_000))
    for address in ("/v1/admin/reports", "/v1/admin/reports/a.html"):
        assert elsewhere.get(address).status_code == 401
