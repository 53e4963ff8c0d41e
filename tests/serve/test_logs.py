"""Log lines carry the request's id in either form."""

import json
import logging
import sys

from serve.logs import JsonFormatter, TextFormatter, request_id


def record(message: str, *, failed: bool = False, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("voicesearch", logging.INFO, __file__, 1, message, None, None)
    made.__dict__.update(extra)
    if failed:
        try:
            raise ValueError("broken")
        except ValueError:
            made.exc_info = sys.exc_info()
    return made


def test_a_line_is_one_json_object_with_the_id_and_the_figures_of_its_request() -> None:
    token = request_id.set("r-1")
    line = json.loads(JsonFormatter().format(record("GET\n/x", status=200, ms=1.5, said="no")))
    request_id.reset(token)
    assert (line["request_id"], line["message"], line["status"], line["ms"]) == ("r-1", "GET\n/x", 200, 1.5)
    assert "said" not in line
    assert "ValueError: broken" in json.loads(JsonFormatter().format(record("x", failed=True)))["trace"]


def test_a_line_for_people_has_the_id_too() -> None:
    assert TextFormatter().format(record("started")).endswith(" info    - started")
    assert "ValueError: broken" in TextFormatter().format(record("x", failed=True))
