"""Log lines: what happened to which request, for people or as JSON for machines; never what was said, nor a key."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime

from serve.choices import LogFormat

request_id: ContextVar[str] = ContextVar("request_id", default="-")
"""The id of the request that is being served."""

FIGURES = ("method", "route", "status", "ms")
"""What a line on an answered request says besides."""


class TextFormatter(logging.Formatter):
    """One line for a person."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        trace = f"\n{self.formatException(record.exc_info)}" if record.exc_info else ""
        return f"{at} {record.levelname.lower():7s} {request_id.get()} {record.getMessage()}{trace}"


class JsonFormatter(logging.Formatter):
    """One line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "request_id": request_id.get(),
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIGURES if hasattr(record, name)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def write_logs(log_format: LogFormat) -> None:
    """Write this process's log lines to standard error.

    Args:
        log_format: How.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format is LogFormat.JSON else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("voicesearch").setLevel(logging.INFO)
