"""Hostile HTTP: every row goes to the real server as bytes, gets the answer expected, and disturbs nobody else."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from data.records import Release
from serve.index import SearchIndex
from tests.conftest import QUERIES, RunningServer, start_server

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
UPLOAD_S = 2
CLOSED = 0
"""Status of a connection that was closed without an answer."""

CRLF = b"\r\n"


@pytest.fixture(scope="module")
def server(release: Release, film_index: SearchIndex, home: Path) -> Iterator[RunningServer]:
    with start_server(home, VOICESEARCH_UPLOAD_SECONDS=str(UPLOAD_S)) as running:
        yield running


def port_of(server: RunningServer) -> int:
    return int(server.url.rsplit(":", 1)[1])


def exchange(server: RunningServer, sent: bytes, *, hang_up: bool = False) -> tuple[int, bytes]:
    """Send bytes, and give the status and the body of the first answer."""
    with socket.create_connection(("127.0.0.1", port_of(server)), timeout=30) as connection:
        received = b""
        try:
            connection.sendall(sent)
            if hang_up:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65_536):
                received += part
                head, separator, body = received.partition(CRLF * 2)
                if separator and len(body) >= declared_length(head):
                    break
        except (ConnectionResetError, BrokenPipeError):
            pass
    head, _, body = received.partition(CRLF * 2)
    return (int(head.split()[1]) if head else CLOSED), body


def declared_length(head: bytes) -> int:
    lengths = [line.split(b":")[1] for line in head.lower().split(CRLF) if line.startswith(b"content-length:")]
    return int(lengths[0]) if lengths else 0


def request(head: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; `headers` take the place of the usual ones, an empty one leaves its own out."""
    usual = {"host": "localhost", "content_length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in usual.items() if value]
    return CRLF.join([f"{head} HTTP/1.1".encode(), *(line.encode("latin-1") for line in lines), b"", body])


def part(name: str, content: bytes, file: str | None = None) -> bytes:
    named = f'; filename="{file}"' if file is not None else ""
    head = f'Content-Disposition: form-data; name="{name}"{named}'.encode("utf-8", "surrogateescape")
    return b"--b" + CRLF + head + CRLF * 2 + content + CRLF


def form(*parts: bytes, boundary: str = "b", **headers: str) -> bytes:
    kind = {"content_type": f"multipart/form-data; boundary={boundary}"}
    return request("POST /v1/search", b"".join(parts) + b"--b--" + CRLF, **kind | headers)


def spoken(file: str = "a.flac", **fields: str) -> bytes:
    return form(part("audio", JURASSIC, file), *(part(name, value.encode()) for name, value in fields.items()))


def feedback(body: bytes, **headers: str) -> bytes:
    return request("POST /v1/feedback", body, **{"content_type": "application/json"} | headers)


def typed(query: str) -> bytes:
    return request(f"GET /v1/search?q={query}")


WHOLE = spoken()
HEAD, BODY = WHOLE.split(CRLF * 2, 1)
FORM = {"content_type": "multipart/form-data; boundary=b"}
CHUNKED = {"content_length": "", "transfer_encoding": "chunked"}

MANY = {f"x_{number}": "y" for number in range(1_000)}

ROWS: dict[str, tuple[bytes, int]] = {
    # framing of the body
    "a body longer than its length": (WHOLE.replace(str(len(BODY)).encode(), b"100", 1), 400),
    "a body shorter than its length, nothing more comes": (WHOLE[:-100], 408),
    "a length below nothing": (request("POST /v1/search", BODY, content_length="-1"), 400),
    "a length that is no number": (request("POST /v1/search", BODY, content_length="ten"), 400),
    "a length of 10^30": (request("POST /v1/search", BODY, content_length="1" + "0" * 30), 400),
    "a length over the limit": (form(part("audio", JURASSIC, "a"), content_length="99999999"), 413),
    "two lengths": (HEAD + CRLF + b"content-length: 5" + CRLF * 2 + BODY, 400),
    "a length and chunks": (form(part("audio", JURASSIC, "a"), transfer_encoding="chunked"), 400),
    "a chunk whose size is no number": (feedback(b"zz\r\nx\r\n0\r\n\r\n", **CHUNKED), 400),
    "a chunk without an end": (feedback(b"ffffff\r\nx", **CHUNKED), 408),
    "a chunk of 2^64": (feedback(b"1" + b"0" * 16 + b"\r\nx", **CHUNKED), 400),
    "a compressed body": (form(part("audio", JURASSIC, "a"), content_encoding="gzip"), 200),
    "no body where one is expected": (request("POST /v1/search"), 422),
    # forms
    "a boundary of 60 KB": (form(part("audio", JURASSIC, "a"), boundary="b" * 60_000), 400),
    "no boundary": (form(part("audio", JURASSIC, "a"), content_type="multipart/form-data"), 400),
    "another boundary than the one announced": (form(part("audio", JURASSIC, "a"), boundary="c"), 400),
    "a form that is cut off": (request("POST /v1/search", BODY[:200], **FORM), 422),
    "500 fields beside the recording": (form(part("audio", JURASSIC, "a"), *[part("x", b"y")] * 500), 200),
    "900 files": (form(*[part("audio", JURASSIC[:100], "a")] * 900), 415),
    "2,000 parts": (form(*[part("x", b"y")] * 2_000), 400),
    "a field of 2 MB": (form(part("session_id", b"s" * 2_000_000), part("audio", JURASSIC, "a")), 400),
    "a part without a name": (form(b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n", BODY), 400),
    "a part without headers": (form(b"--b\r\n\r\nx\r\n", part("audio", JURASSIC, "a")), 400),
    "the recording as a field": (form(part("audio", b"RIFF....WAVE")), 422),
    "a name of a file that leads elsewhere": (spoken("../../../../etc/passwd"), 200),
    "a name of a file with a null byte": (spoken("a\0.flac"), 200),
    "a name of a file that is markup": (spoken("<img src=x onerror=alert(1)>"), 200),
    "a name of a file of 8 KB": (spoken("a" * 8_000), 400),
    "a name of a file that is not UTF-8": (spoken("\udcff\udcfe"), 200),
    "a limit below one": (spoken(limit="-1"), 422),
    "a limit that is no number": (spoken(limit="nan"), 422),
    "a limit of 5,000 digits": (spoken(limit="9" * 5_000), 422),
    "a session id that is markup": (spoken(session_id="<script>"), 422),
    "a session id with a null byte": (spoken(session_id="a\0b"), 422),
    "consent that is neither": (spoken(consent="perhaps"), 422),
    # typed queries
    "a query that is not UTF-8": (typed("%ff%fe"), 200),
    "a query with a lone surrogate": (typed("%ed%a0%80"), 200),
    "a query with a null byte": (typed("jaws%00"), 200),
    "a query of 2,000 letters": (typed("a" * 2_000), 200),
    "a query of 1,000 words": (typed("a+" * 1_000), 200),
    "a query over the limit": (typed("a" * 2_001), 422),
    "the longest query that there is": (typed("%F2%95%9E%94" * 2_000), 200),
    "a query in the index's syntax": (typed("title:*%20AND%20(%22x"), 200),
    "a query of combining marks": (typed("a" + "%CC%81" * 1_999), 200),
    "the query twice": (typed("jaws&q=alien"), 200),
    # JSON
    "JSON that is cut off": (feedback(b'{"query_id": "'), 422),
    "JSON of 100,000 brackets": (feedback(b"[" * 100_000), 400),
    "JSON that is not UTF-8": (feedback(b'{"query_id": "\xff"}'), 400),
    "JSON with a lone surrogate": (feedback(b'{"query_id": "\\ud800", "kind": "click", "item_id": "1"}'), 422),
    "JSON with a number of 5,000 digits": (feedback(b'{"rank": ' + b"9" * 5_000 + b"}"), 400),
    "JSON that is not a number": (feedback(b'{"query_id": "q", "kind": "click", "rank": NaN}'), 422),
    "JSON of another type": (feedback(b"[1, 2]"), 422),
    "JSON that says it is text": (feedback(b'{"query_id": "q"}', content_type="text/plain"), 422),
    "feedback for an unknown query": (feedback(b'{"query_id": "q", "kind": "click", "item_id": "1"}'), 404),
    # addresses, methods, headers
    "a path that leads elsewhere": (request("GET /static/../../pyproject.toml"), 404),
    "the same, escaped": (request("GET /static/%2e%2e/%2e%2e/pyproject.toml"), 404),
    "a report's name that leads elsewhere": (request("GET /v1/admin/reports/..%2f..%2fvoicesearch.db"), 404),
    "a path of 60 KB": (request("GET /" + "a" * 60_000), 404),
    "a method that is not offered": (request("PUT /v1/search"), 405),
    "a method that nobody knows": (request("SPEAK /v1/search"), 400),
    "a tunnel": (request("CONNECT example.org:443"), 400),
    "another version of HTTP": (b"GET /healthz HTTP/9.9\r\n\r\n", 400),
    "no version of HTTP": (b"GET /healthz\r\n\r\n", 200),
    "a TLS greeting": (bytes.fromhex("16030100c8010000c40303") + b"\0" * 64, 400),
    "random bytes": (bytes(range(256)) * 8, 400),
    "a header without a colon": (b"GET /healthz HTTP/1.1\r\nhost localhost\r\n\r\n", 400),
    "a header with a null byte": (request("GET /healthz", x_a="a\0b"), 400),
    "1,000 headers": (request("GET /healthz", b"", **MANY), 200),
    "a key of 8 KB": (request("GET /v1/search?q=jaws", authorization="Bearer " + "k" * 8_000), 200),
    "a key that is not ASCII": (request("GET /v1/search?q=jaws", authorization="Bearer \xff\xfe"), 200),
    "a request id of 8 KB": (request("GET /healthz", x_request_id="i" * 8_000), 200),
    "an upgrade to HTTP/2": (request("GET /healthz", connection="upgrade", upgrade="h2c"), 200),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS)
def test_what_http_brings_is_answered_as_it_should_and_disturbs_nobody(server: RunningServer, row: str) -> None:
    sent, expected = ROWS[row]
    status, body = exchange(server, sent)
    assert status == expected, body[:300]
    if status >= 400 and body.startswith(b"{"):
        error = json.loads(body)["error"]
        assert {"code", "message", "request_id"} <= set(error) <= {"code", "message", "request_id", "retry_after"}
        assert "\n" not in error["message"]
    answer = httpx2.post(f"{server.url}/v1/search", files={"audio": JURASSIC}, timeout=30)
    assert answer.json()["results"][0]["title"] == "Jurassic Park"
