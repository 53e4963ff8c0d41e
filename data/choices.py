"""What a person chooses among on the command line; imports nothing, so that help comes at once."""

from enum import StrEnum


class Fetchable(StrEnum):
    """Corpora that can be fetched."""

    ASTERISK = "asterisk"


class SplitBy(StrEnum):
    """What must not be shared between splits."""

    AUTO = "auto"
    SPEAKER = "speaker"
    TEXT = "text"
    TIME = "time"


class Effect(StrEnum):
    """What can happen to a clip, in the order in which sound meets it."""

    SPEED = "speed"
    ROOM = "room"
    NOISE = "noise"
    GAIN = "gain"
    CLIPPING = "clipping"
    TELEPHONE = "telephone"
