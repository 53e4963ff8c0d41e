"""Hostile streams: frames that no client would send, sound that is none, floods and silence, to the real server."""

import json
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from websockets.sync.client import connect

from data.audio import AudioLimits, decode
from data.records import Release
from serve.index import SearchIndex
from tests.conftest import QUERIES, RunningServer, start_server
from tests.e2e.test_faults import family

pytestmark = pytest.mark.slow

IDLE_S = 3
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DROPPED = 0
"""Code of a connection that was closed without one."""

CRLF = "\r\n"
HANDSHAKE = CRLF.join(
    ("GET /v1/stream HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
     "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "", "")
)  # fmt: skip


@pytest.fixture(scope="module")
def server(release: Release, film_index: SearchIndex, home: Path) -> Iterator[RunningServer]:
    settings = {"VOICESEARCH_STREAM_IDLE_SECONDS": str(IDLE_S), "VOICESEARCH_MAX_STREAMS": "20"}
    with start_server(home, **settings) as running:
        yield running


def frame(
    opcode: int, payload: bytes = b"", *, head: int = 0x80, mask: bool = True, length: int | None = None
) -> bytes:
    """Write a frame (RFC 6455, section 5.2); `length` is what it claims to hold."""
    size = len(payload) if length is None else length
    flag = 0x80 if mask else 0
    if size < 126:
        sizes = bytes([flag | size])
    elif size < 65_536:
        sizes = bytes([flag | 126]) + struct.pack(">H", size)
    else:
        sizes = bytes([flag | 127]) + struct.pack(">Q", size)
    return bytes([head | opcode]) + sizes + (b"\0\0\0\0" if mask else b"") + payload  # a mask of zeros changes nothing


def control(**content: object) -> bytes:
    return frame(TEXT, json.dumps(content).encode())


def exchange(server: RunningServer, frames: Sequence[bytes], handshake: str = HANDSHAKE) -> int:
    """Send frames after a handshake, and give the code with which the server closes."""
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=30) as connection:
        connection.sendall(handshake.encode())
        received = connection.recv(4096)
        assert received.startswith(b"HTTP/1.1 101 "), received
        received = received.split(b"\r\n\r\n", 1)[1]
        with suppress(ConnectionError):
            connection.sendall(b"".join(frames))  # at once: what comes after a close resets what the server said before
            while part := connection.recv(65_536):
                received += part
                if (code := close_code(received)) != DROPPED:
                    return code
    return close_code(received)


def close_code(received: bytes) -> int:
    while len(received) >= 2:
        opcode, size, start = received[0] & 0x0F, received[1] & 0x7F, 2
        if size == 126:
            size, start = struct.unpack(">H", received[2:4])[0], 4
        elif size == 127:
            size, start = struct.unpack(">Q", received[2:10])[0], 10
        if opcode == CLOSE and len(received) >= start + 2:
            return int(struct.unpack(">H", received[start : start + 2])[0])
        received = received[start + size :]
    return DROPPED


def speech() -> bytes:
    samples = decode((QUERIES / "jurassic-park.flac").read_bytes(), AudioLimits()).samples
    pcm: bytes = (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()
    return pcm


SPEECH = speech()


def assert_answers(server: RunningServer) -> None:
    with connect(server.url.replace("http", "ws") + "/v1/stream") as stream:
        stream.send('{"type": "start"}')
        for at in range(0, len(SPEECH), 6400):
            stream.send(SPEECH[at : at + 6400])
        stream.send('{"type": "end"}')
        final = next(reply for reply in map(json.loads, stream) if reply["type"] in ("final", "error"))
    assert final["results"][0]["title"] == "Jurassic Park"


NOISE = np.random.default_rng(1).bytes(64_000)
START = control(type="start")
OPUS = control(type="start", format="opus")

ROWS: dict[str, tuple[list[bytes], int]] = {
    "bytes that are no frame": ([b"\xff" * 512], 1002),
    "a frame without a mask": ([frame(TEXT, b"{}", mask=False)], 1002),
    "an unknown kind of frame": ([frame(5)], 1002),
    "reserved bits": ([frame(TEXT, b"{}", head=0xF0)], 1002),
    "a frame that claims 2^63 bytes": ([frame(BINARY, b"x", length=2**63)], 1009),
    "a frame that claims 1 GB": ([frame(BINARY, b"x", length=10**9)], 1009),
    "a frame that is never finished": ([frame(BINARY, b"x" * 100, length=1000)], 1008),
    "a message that is never finished": ([frame(BINARY, b"x", head=0)], 1008),
    "a message in 100,000 parts": ([frame(BINARY, b"", head=0), frame(0, b"x", head=0) * 100_000], 1009),
    "a continuation of nothing": ([frame(0, b"x")], 1002),
    "a ping of 200 bytes": ([frame(PING, b"x" * 200)], 1002),
    "10,000 pings, then nothing": ([frame(PING, b"x") * 10_000], 1008),
    "a text that is not UTF-8": ([frame(TEXT, b"\xff\xfe")], 1007),
    "a text of 10,000 brackets": ([frame(TEXT, b"[" * 10_000)], 1007),
    "a text with a null byte": ([frame(TEXT, b'{"type": "\\u0000"}')], 1007),
    "a number of 5,000 digits": ([frame(TEXT, b'{"type": "start", "limit": ' + b"9" * 5_000 + b"}")], 1007),
    "an unknown field": ([control(type="start", volume=11)], 1007),
    "a key that is none": ([control(type="start", key="k" * 201)], 1007),
    "a close code that is none": ([frame(CLOSE, struct.pack(">H", 9999))], 1002),
    "a close without a reason": ([frame(CLOSE)], DROPPED),
    "frames after a close": ([frame(CLOSE, struct.pack(">H", 1000)), START, frame(BINARY, NOISE[:64])], 1000),
    "random bytes as samples, then nothing": ([START, *[frame(BINARY, NOISE[:6400])] * 10], 1008),
    "full scale up and down": ([START, *[frame(BINARY, b"\xff\x7f\x00\x80" * 1600)] * 10], 1008),
    "a single sample": ([START, frame(BINARY, b"\0\0"), control(type="end")], 1008),
    "no sample at all": ([START, control(type="end")], 1007),
    "5,000 empty messages": ([START, frame(BINARY) * 5_000, control(type="end")], 1007),
    "5,000 messages of one sample": ([START, frame(BINARY, b"\1\0") * 5_000, control(type="end")], 1008),
    "an hour of sound at once": ([START, *[frame(BINARY, bytes(64_000))] * 1_800], 1008),
    "a thousand starts and cancels": ([(START + control(type="cancel")) * 1_000], 1008),
    "half a sample": ([START, frame(BINARY, b"\0")], 1003),
    "random bytes as Opus": ([OPUS, frame(BINARY, b"\xff" + NOISE[:500])], 1003),
    "an Opus packet of 60 KB": ([OPUS, frame(BINARY, NOISE[:60_000])], 1003),
}  # fmt: skip
"""What is sent after the handshake, and the code of the close; 1008 is for who says nothing more."""


@pytest.mark.parametrize("row", ROWS)
def test_what_a_stream_brings_is_closed_as_it_should_and_disturbs_nobody(server: RunningServer, row: str) -> None:
    frames, expected = ROWS[row]
    assert exchange(server, frames) == expected
    assert_answers(server)


@pytest.mark.parametrize(
    "changed",
    [("Version: 13", "Version: 99"), ("dGhlIHNhbXBsZSBub25jZQ==", "short"), ("Upgrade: websocket" + CRLF, "")],
    ids=["another version", "a broken key", "no upgrade"],
)
def test_a_handshake_that_is_none_is_refused(server: RunningServer, changed: tuple[str, str]) -> None:
    with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=30) as connection:
        connection.sendall(HANDSHAKE.replace(*changed).encode())
        status = int(connection.recv(4096).split()[1])
    assert 400 <= status < 500
    assert_answers(server)


def test_streams_that_are_dropped_in_mid_speech_leave_their_places(server: RunningServer) -> None:
    for _ in range(60):  # three times as many as may be open
        with socket.create_connection(("127.0.0.1", int(server.url.rsplit(":", 1)[1])), timeout=30) as connection:
            connection.sendall(HANDSHAKE.encode() + START + frame(BINARY, SPEECH[:6400]))
            connection.recv(16)
    time.sleep(0.5)
    assert_answers(server)


def test_what_listens_to_streams_is_killed_and_comes_back(server: RunningServer) -> None:
    assert_answers(server)
    for pid in family(server.pid):  # also the process that it, like the recognisers, is forked from
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while True:
        try:
            assert_answers(server)
            return
        except (OSError, KeyError, StopIteration):
            assert time.monotonic() < deadline
            time.sleep(0.5)
