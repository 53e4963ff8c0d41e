"""What the client of a stream says besides sound: an utterance begins, is over, is not wanted."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from data.errors import InvalidRequestError
from data.records import SAMPLE_RATE
from serve.listening import Encoding
from serve.search import SessionId


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Start(_Message):
    """An utterance begins.

    `rate` is that of `pcm16`, in Hz; `endpoint` says whether it is over by itself when the speech is, or only with
    `end`; `key` is for browsers, which can send no header.
    """

    type: Literal["start"]
    format: Encoding = "pcm16"
    rate: int = Field(default=SAMPLE_RATE, ge=8_000, le=48_000)
    limit: int = Field(default=10, ge=1, le=50)
    session_id: SessionId | None = None
    consent: bool = False
    endpoint: bool = True
    key: str | None = Field(default=None, max_length=200)


class End(_Message):
    """The utterance is over: the person let go."""

    type: Literal["end"]


class Cancel(_Message):
    """The utterance is not wanted any more."""

    type: Literal["cancel"]


Control: TypeAlias = Start | End | Cancel

_CONTROL: TypeAdapter[Control] = TypeAdapter(Annotated[Control, Field(discriminator="type")])


def control_of(text: str) -> Control:
    """Read a control message.

    Args:
        text: As it came.

    Returns:
        The message.

    Raises:
        InvalidRequestError: It is none; says what is wrong with it.
    """
    try:
        return _CONTROL.validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "message"
        raise InvalidRequestError(f"{where}: {first['msg'].lower()}") from error
