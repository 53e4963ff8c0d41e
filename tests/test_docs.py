"""The documentation is true: settings, links, commands."""

import re
from pathlib import Path

import pytest

import asr.settings
import data.settings
import serve.settings
from data.settings import Settings

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "deploy" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
CLASSES: list[type[Settings]] = [
    data.settings.HomeSettings,
    asr.settings.RecognizerSettings,
    serve.settings.ServeSettings,
    serve.settings.StreamSettings,
]


def test_every_setting_is_listed_once_with_its_description_and_default() -> None:
    listed = (ROOT / "docs" / "settings.md").read_text()
    names = set()
    for settings in CLASSES:
        for name, field in settings.model_fields.items():
            variable = f"VOICESEARCH_{name.upper()}"
            names.add(variable)
            default = "" if field.default_factory else f"`{field.default}`"
            assert f"| `{variable}` | {default} | {field.description} |\n" in listed
    assert set(re.findall(r"^\| `(VOICESEARCH_\w+)`", listed, re.MULTILINE)) == names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("http"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([\w-]+)", page.read_text(), re.MULTILINE)) <= targets
