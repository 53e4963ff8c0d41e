"""Settings: from the environment, with the variable named when it is wrong."""

from pathlib import Path

import pytest

from data.errors import SettingsError
from data.settings import HomeSettings
from serve.settings import ServeSettings


def test_the_home_folder_and_the_database_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VOICESEARCH_HOME", str(tmp_path))
    monkeypatch.delenv("VOICESEARCH_DATABASE_URL", raising=False)
    assert HomeSettings.load().models == tmp_path / "models"
    assert HomeSettings.load().database == f"sqlite:///{tmp_path}/voicesearch.db"
    monkeypatch.setenv("VOICESEARCH_DATABASE_URL", "postgresql://db/voice")
    assert HomeSettings.load().database == "postgresql://db/voice"


def test_a_setting_with_a_wrong_value_is_named_with_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICESEARCH_MAX_AUDIO_SECONDS", "an hour")
    with pytest.raises(SettingsError, match="VOICESEARCH_MAX_AUDIO_SECONDS='an hour'"):
        ServeSettings.load()
