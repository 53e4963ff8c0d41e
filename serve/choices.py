"""What a person chooses among on the command line and in settings; imports nothing, so that help comes at once."""

from enum import StrEnum


class Scope(StrEnum):
    """What a key allows; `admin` allows everything."""

    QUERY = "query"
    FEEDBACK = "feedback"
    REVIEW = "review"
    ADMIN = "admin"


class Access(StrEnum):
    """Who needs no key: callers on this machine, everybody (for what is public), or nobody."""

    LOOPBACK = "loopback"
    OPEN = "open"
    KEYS = "keys"


class LogFormat(StrEnum):
    """How lines are written."""

    TEXT = "text"
    JSON = "json"
