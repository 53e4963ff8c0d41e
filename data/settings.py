"""Settings from environment variables: one mechanism, each package declares its own.

A setting is a field of a `Settings` subclass; its variable is `VOICESEARCH_` and the field's name in capitals.
"""

from pathlib import Path
from typing import Self

from platformdirs import user_data_path
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from data.errors import SettingsError


class Settings(BaseSettings):
    """Base of every settings class; reads `VOICESEARCH_*`."""

    model_config = SettingsConfigDict(env_prefix="VOICESEARCH_", frozen=True)

    @classmethod
    def load(cls) -> Self:
        """Read the settings from the environment.

        Raises:
            SettingsError: naming the variable, its value and what is expected.
        """
        try:
            return cls()
        except ValidationError as error:
            first = error.errors()[0]
            name = "VOICESEARCH_" + "_".join(str(part) for part in first["loc"]).upper()
            raise SettingsError(f"{name}={first['input']!r}: {first['msg']}; correct or unset it") from error


class HomeSettings(Settings):
    """Where everything that is written lives."""

    home: Path = Field(
        default_factory=lambda: user_data_path("voicesearch", appauthor=False),
        description="Folder of models, indexes, corpora and the database.",
    )
    database_url: str | None = Field(
        default=None, description="SQLAlchemy address of the database; by default SQLite in the home folder."
    )

    @field_validator("home")
    @classmethod
    def _expand(cls, home: Path) -> Path:
        return home.expanduser()

    @property
    def models(self) -> Path:
        """Folder of the models, one folder each."""
        return self.home / "models"

    @property
    def indexes(self) -> Path:
        """Folder of the search indexes."""
        return self.home / "indexes"

    @property
    def corpora(self) -> Path:
        """Folder of fetched and prepared speech."""
        return self.home / "corpora"

    @property
    def reports(self) -> Path:
        """Folder of the error reports."""
        return self.home / "reports"

    @property
    def database(self) -> str:
        """Address of the database in use."""
        return self.database_url or f"sqlite:///{self.home / 'voicesearch.db'}"
