"""Settings of the service."""

from pathlib import Path

from pydantic import Field, field_validator

from data.audio import AudioLimits
from data.settings import Settings
from data.workers import core_count
from serve.choices import Access, LogFormat


class ServeSettings(Settings):
    """What the service answers from, and what it refuses."""

    catalogue: Path = Field(
        default=Path("examples/films/catalogue.csv"),
        description="The catalogue, CSV or JSONL; when set it is indexed whenever the index is of another file.",
    )
    max_audio_bytes: int = Field(default=10 * 1024 * 1024, ge=1, description="Most bytes of one upload.")
    max_audio_seconds: float = Field(
        default=30.0, gt=0, le=30.0, description="Most seconds of one recording; the recogniser hears at most 30."
    )
    workers: int = Field(
        default_factory=core_count,
        ge=1,
        le=64,
        description="Processes that recognise at the same time; by default one for each processor core.",
    )
    max_waiting: int = Field(
        default=32, ge=0, le=10_000, description="Recordings that wait for their turn; those beyond are refused (503)."
    )
    deadline_seconds: float = Field(
        default=10.0, gt=0, le=600, description="Seconds after which a recording is given up (504)."
    )
    upload_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Seconds within which a request has to be whole (408)."
    )
    unread_seconds: float = Field(
        default=30.0, gt=0, le=600, description="Seconds for which a caller may leave an answer unread."
    )

    access: Access = Field(
        default=Access.LOOPBACK,
        description="Who needs no key: `loopback`: callers on this machine; `open`: all who search; `keys`: nobody.",
    )
    rate_limit: str = Field(
        default="300/minute", description="Most requests of a key, or of an address without one; not of this machine."
    )
    cors_origins: str | None = Field(
        default=None, description="Origins whose pages may ask, separated by spaces, like `https://shop.example`."
    )
    log_format: LogFormat = Field(default=LogFormat.TEXT, description="Log lines as `text` or as `json`.")

    @field_validator("rate_limit")
    @classmethod
    def _check_rate(cls, rate: str) -> str:
        from limits import parse

        try:
            parse(rate)
        except ValueError as error:
            raise ValueError("a number and a time are expected, like 300/minute") from error
        return rate

    @property
    def audio_limits(self) -> AudioLimits:
        """The limits that decoding holds."""
        return AudioLimits(max_bytes=self.max_audio_bytes, max_seconds=self.max_audio_seconds)
