"""The stream of the real server: real recordings sent as a client would, at the pace of speech or faster."""

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2
import numpy as np
import pytest
from sqlalchemy import select
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.uri import parse_uri

from data.audio import AudioLimits, decode
from data.clips import to_pcm
from data.records import Release
from data.store import Store, utterances
from serve.choices import Scope
from serve.index import SearchIndex
from serve.keys import KeyStore
from serve.utterance import wav_of
from tests.conftest import QUERIES, ROOT, SPEECH, RunningServer, start_server

Reply: TypeAlias = dict[str, Any]

CLIPS = sorted([*QUERIES.glob("*.flac"), *SPEECH.glob("*.flac")])
MESSAGE_BYTES = 2 * 640
"""Forty milliseconds at 16 kHz."""


def pcm_of(path: Path, before_s: float = 0.5, after_s: float = 1.5) -> bytes:
    """A recording as 16-bit samples at 16 kHz, with silence around it."""
    samples = decode(path.read_bytes(), AudioLimits()).samples
    whole = np.concatenate(
        [np.zeros(round(before_s * 16_000), np.float32), samples, np.zeros(round(after_s * 16_000), np.float32)]
    )
    return to_pcm(whole).tobytes()


JURASSIC = pcm_of(QUERIES / "jurassic-park.flac")


def open_stream(server: RunningServer, **options: Any) -> ClientConnection:
    opened: ClientConnection = connect(server.url.replace("http", "ws") + "/v1/stream", **options)
    return opened


def in_messages(pcm: bytes) -> list[bytes]:
    return [pcm[at : at + MESSAGE_BYTES] for at in range(0, len(pcm), MESSAGE_BYTES)]


def say(stream: ClientConnection, *, paced: bool = False, parts: list[bytes] | None = None, **start: Any) -> None:
    """Starts an utterance and sends sound."""
    stream.send(json.dumps({"type": "start", **start}))
    begun = time.monotonic()
    for number, part in enumerate(parts or in_messages(JURASSIC)):
        if paced:
            time.sleep(max(begun + 0.04 * number - time.monotonic(), 0.0))
        stream.send(part)


def replies_to(stream: ClientConnection) -> list[Reply]:
    """Everything up to the answer or the refusal."""
    replies: list[Reply] = []
    while not replies or replies[-1]["type"] not in ("final", "error"):
        replies.append(json.loads(stream.recv(timeout=30)))
    return replies


def refusal_of(stream: ClientConnection) -> tuple[int, Reply]:
    """The code with which the server closes, and its last words."""
    replies: list[Reply] = []
    with contextlib.suppress(ConnectionClosed):
        for reply in stream:
            replies.append(json.loads(reply))  # noqa: PERF401  what came before it closed is kept
    assert stream.close_code is not None
    return stream.close_code, replies[-1] if replies else {}


def upload(server: RunningServer, pcm: bytes) -> Reply:
    answer = httpx2.post(f"{server.url}/v1/search", files={"audio": ("a.wav", wav_of(pcm))}, timeout=30)
    answered: Reply = answer.json()
    return answered


def test_words_come_while_the_person_speaks_and_the_answer_when_they_have_finished(server: RunningServer) -> None:
    with open_stream(server) as stream:
        say(stream, paced=True)
        replies = replies_to(stream)
    kinds = [reply["type"] for reply in replies]
    assert [kinds[0], kinds[1], *kinds[-2:]] == ["ready", "speech_started", "endpoint", "final"]
    partials = [reply for reply in replies if reply["type"] == "partial"]
    assert partials
    assert partials[-1]["results"][0]["title"] == "Jurassic Park"
    for before, after in pairwise(partials):
        assert after["stable"].startswith(before["stable"])
    final = replies[-1]
    assert (final["reason"], final["transcript"]["text"]) == ("silence", "Jurassic Park")
    assert final["results"][0]["title"] == "Jurassic Park"
    assert 0.4 < replies[1]["at"] < 0.8
    assert replies[-2]["at"] - final["end"] <= 0.4  # what came after the speech had settled was not waited for


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if place % 3 == 0 else pytest.mark.slow) for place, path in enumerate(CLIPS)],
    ids=lambda path: path.stem,
)
def test_uploading_the_samples_of_an_utterance_gives_the_same_answer(server: RunningServer, path: Path) -> None:
    pcm = pcm_of(path)
    with open_stream(server) as stream:
        say(stream, parts=[pcm[at : at + 2500] for at in range(0, len(pcm), 2500)])
        final = replies_to(stream)[-1]
    start, end = round(final["start"] * 16_000), round(final["end"] * 16_000)
    uploaded = upload(server, pcm[2 * start : 2 * end])
    for name in ("transcript", "results", "sure", "null_reason", "conditioning", "release"):
        assert final[name] == uploaded[name], name


def test_the_example_of_the_guide_runs(server: RunningServer, film_recording: Path, tmp_path: Path) -> None:
    (tmp_path / "query.wav").write_bytes(film_recording.read_bytes())
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "streaming.md").read_text(), re.DOTALL)
    code = code.replace("ws://localhost:8000", server.url.replace("http", "ws"))
    shown = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert shown.stdout.splitlines()[-1].startswith("Jurassic Park ['Jurassic Park'"), shown.stderr


def test_letting_go_ends_the_utterance_at_once(server: RunningServer) -> None:
    spoken = JURASSIC[: -2 * 24_000]  # without the silence after
    with open_stream(server) as stream:
        say(stream, parts=[spoken[:20_000], spoken[20_000:]])
        stream.send(json.dumps({"type": "end"}))
        final = replies_to(stream)[-1]
    assert (final["reason"], final["results"][0]["title"]) == ("end", "Jurassic Park")
    assert round(final["end"] * 32_000) == len(spoken)


def test_who_holds_a_button_may_pause(server: RunningServer) -> None:
    spoken = JURASSIC + pcm_of(QUERIES / "finding-nemo.flac", after_s=0.1)
    with open_stream(server) as stream:
        say(stream, endpoint=False, parts=[spoken[at : at + 40_000] for at in range(0, len(spoken), 40_000)])
        stream.send(json.dumps({"type": "end"}))
        final = replies_to(stream)[-1]
    assert final["reason"] == "end"
    assert final["transcript"]["text"] == "Jurassic Park Finding Nemo"


def test_a_pause_in_which_the_last_hearing_began_costs_no_word(server: RunningServer) -> None:
    spoken = pcm_of(QUERIES / "jurassic-park.flac", 0.5, 0.25) + pcm_of(QUERIES / "finding-nemo.flac", 0.0, 1.0)
    with open_stream(server) as stream:
        say(stream, paced=True, parts=in_messages(spoken))
        replies = replies_to(stream)
    assert [reply["type"] for reply in replies].count("endpoint") == 1
    assert replies[-1]["transcript"]["text"] == "Jurassic Park Finding Nemo"


def test_one_utterance_follows_another_on_one_connection(server: RunningServer) -> None:
    with open_stream(server) as stream:
        finals = []
        for name in ("jurassic-park", "finding-nemo"):
            pcm = pcm_of(QUERIES / f"{name}.flac")
            say(stream, parts=[pcm[at : at + 16_000] for at in range(0, len(pcm), 16_000)])
            finals.append(replies_to(stream)[-1])
    assert [final["results"][0]["title"] for final in finals] == ["Jurassic Park", "Finding Nemo"]


def test_what_is_cancelled_is_not_answered(server: RunningServer) -> None:
    with open_stream(server) as stream:
        say(stream, parts=[JURASSIC[:30_000]])
        stream.send(json.dumps({"type": "cancel"}))
        stream.send(JURASSIC[30_000:60_000])  # on its way when the person thought better of it
        say(stream)
        replies = replies_to(stream)
    assert [reply["type"] for reply in replies].count("ready") == 2
    assert [reply["type"] for reply in replies].count("final") == 1


def test_silence_is_told_from_speech_as_in_an_upload(server: RunningServer) -> None:
    with open_stream(server) as stream:
        say(stream, parts=[bytes(16_000)])
        stream.send(json.dumps({"type": "end"}))
        ended = replies_to(stream)[-1]
        say(stream, parts=[bytes(32_000)] * 11)
        given_up = replies_to(stream)[-1]
    assert (ended["reason"], ended["null_reason"]) == ("end", "silence")
    assert (given_up["reason"], given_up["null_reason"], given_up["end"]) == ("no_speech", "silence", 10.016)


def test_nobody_speaks_for_longer_than_the_recogniser_hears(server: RunningServer) -> None:
    spoken = JURASSIC[16_000 : 16_000 + 2 * 14_000]
    with open_stream(server) as stream:
        say(stream, parts=[spoken] * 45)
        final = replies_to(stream)[-1]
    assert final["reason"] == "length"
    assert 28 < final["end"] - final["start"] <= 30


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_any_rate_is_heard(server: RunningServer, rate: int) -> None:
    from scipy.signal import resample_poly

    samples = np.frombuffer(JURASSIC, "<i2").astype(np.float64)
    common = np.gcd(rate, 16_000)
    sent = np.clip(resample_poly(samples, rate // common, 16_000 // common), -32768, 32767).astype("<i2").tobytes()
    with open_stream(server) as stream:
        say(stream, rate=rate, parts=[sent[at : at + 8_000] for at in range(0, len(sent), 8_000)])
        final = replies_to(stream)[-1]
    assert final["results"][0]["title"] == "Jurassic Park"


def test_opus_packets_are_heard(server: RunningServer) -> None:
    with open_stream(server) as stream:
        say(stream, format="opus", parts=list(opus_packets(JURASSIC)))
        final = replies_to(stream)[-1]
    assert (final["reason"], final["results"][0]["title"]) == ("silence", "Jurassic Park")


def opus_packets(pcm: bytes) -> Iterator[bytes]:
    import av

    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format = 16_000, "mono", "s16"
    encoder.time_base = Fraction(1, 16_000)
    encoder.open()
    samples = np.frombuffer(pcm, "<i2")
    for at in range(0, len(samples) - encoder.frame_size, encoder.frame_size):
        frame = av.AudioFrame.from_ndarray(samples[None, at : at + encoder.frame_size], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 16_000, at
        yield from (bytes(packet) for packet in encoder.encode(frame))


START = json.dumps({"type": "start"})
OPUS = json.dumps({"type": "start", "format": "opus"})


@pytest.mark.parametrize(
    ("messages", "code", "kind", "words"),
    [
        ([b"\0\0"], 1007, "invalid_request", "sound before a start message"),
        (["hello"], 1007, "invalid_request", "invalid json"),
        (["[1]"], 1007, "invalid_request", "message:"),
        (['{"type": "begin"}'], 1007, "invalid_request", "'start', 'end', 'cancel'"),
        (['{"type": "end"}'], 1007, "invalid_request", "send a start message first"),
        ([START, START], 1007, "invalid_request", "send end or cancel"),
        ([json.dumps({"type": "start", "rate": 1})], 1007, "invalid_request", "start.rate: "),
        ([json.dumps({"type": "start", "format": "mp3"})], 1007, "invalid_request", "start.format: "),
        ([json.dumps({"type": "start", "session_id": "<b>"})], 1007, "invalid_request", "start.session_id: "),
        ([START, b"\0"], 1003, "unsupported_audio", "whole 16-bit samples"),
        ([OPUS, b"\xff" * 40], 1003, "unsupported_audio", "not an Opus packet"),
        ([OPUS, b""], 1003, "unsupported_audio", "an empty message"),
    ],
)
def test_a_wrong_message_gets_one_clear_line(
    server: RunningServer, messages: list[str | bytes], code: int, kind: str, words: str
) -> None:
    with open_stream(server) as stream:
        for message in messages:
            stream.send(message)
        closed_with, last = refusal_of(stream)
    assert (closed_with, last["type"], last["error"]["code"]) == (code, "error", kind)
    assert words in last["error"]["message"]
    assert last["error"]["request_id"]
    assert_it_still_answers(server)


def test_a_message_that_is_too_large_ends_the_stream(server: RunningServer) -> None:
    with open_stream(server) as stream:
        stream.send(START)
        stream.send(bytes(70_000))
        assert refusal_of(stream)[0] == 1009
    assert_it_still_answers(server)


def assert_it_still_answers(server: RunningServer) -> None:
    with open_stream(server) as stream:
        say(stream, parts=[JURASSIC[:40_000], JURASSIC[40_000:80_000]])
        stream.send(json.dumps({"type": "end"}))
        assert replies_to(stream)[-1]["results"][0]["title"] == "Jurassic Park"


def test_pages_from_elsewhere_may_not_stream(server: RunningServer) -> None:
    with open_stream(server, origin=server.url):
        pass
    with pytest.raises(InvalidStatus) as refused:
        open_stream(server, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["error"]["code"] == "forbidden"


@pytest.mark.parametrize("consent", [False, True])
def test_an_utterance_is_kept_only_with_consent(server: RunningServer, consent: bool) -> None:
    with open_stream(server) as stream:
        say(stream, consent=consent, session_id="stream-test")
        final = replies_to(stream)[-1]
    time.sleep(0.5)
    with closing(Store.open(f"sqlite:///{server.home}/voicesearch.db")) as store, store.begin() as connection:
        wanted = select(utterances.c.audio).where(utterances.c.query_id == final["query_id"])
        kept = connection.execute(wanted).scalars().all()
    start, end = round(final["start"] * 16_000), round(final["end"] * 16_000)
    assert [content[44:] for content in kept] == ([JURASSIC[2 * start : 2 * end]] if consent else [])


@pytest.fixture(scope="module")
def strict_home(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("strict")
    for name in ("models", "indexes"):
        (folder / name).symlink_to(home / name)
    return folder


@pytest.fixture(scope="module")
def secrets(strict_home: Path) -> dict[Scope, str]:
    """A key for each of two scopes, made before the server starts."""
    with closing(Store.open(f"sqlite:///{strict_home}/voicesearch.db")) as store:
        return {scope: KeyStore(store).create("test", [scope])[1] for scope in (Scope.QUERY, Scope.FEEDBACK)}


@pytest.fixture(scope="module")
def strict(
    release: Release, film_index: SearchIndex, strict_home: Path, secrets: dict[Scope, str]
) -> Iterator[RunningServer]:
    """A server that wants a key, for one stream at a time that is never idle for longer than a second."""
    settings = {"ACCESS": "keys", "MAX_STREAMS": "1", "STREAM_IDLE_SECONDS": "1", "LOG_FORMAT": "json"}
    with start_server(strict_home, **{f"VOICESEARCH_{name}": value for name, value in settings.items()}) as running:
        yield running


def test_a_key_comes_in_the_header_or_for_browsers_in_the_start_message(
    strict: RunningServer, secrets: dict[Scope, str]
) -> None:
    secret, other = secrets[Scope.QUERY], secrets[Scope.FEEDBACK]
    for start, code, kind in (({}, 1008, "unauthorized"), ({"key": other}, 1008, "forbidden")):
        with open_stream(strict) as stream:
            stream.send(json.dumps({"type": "start", **start}))
            closed_with, last = refusal_of(stream)
        assert (closed_with, last["error"]["code"]) == (code, kind)
    with open_stream(strict) as stream:
        say(stream, key=secret)
        assert replies_to(stream)[-1]["type"] == "final"
    with open_stream(strict, additional_headers={"authorization": f"Bearer {secret}"}) as stream:
        say(stream)
        assert replies_to(stream)[-1]["type"] == "final"
    written = log_of(strict)
    assert secret not in written
    assert "jurassic" not in written.lower()


def test_an_idle_stream_is_closed_and_its_place_is_free(strict: RunningServer) -> None:
    for _ in range(2):
        with open_stream(strict) as stream:
            code, last = refusal_of(stream)
            assert (code, last["error"]["code"]) == (1008, "idle")


def test_sound_that_only_trickles_keeps_no_stream_open(strict: RunningServer, secrets: dict[Scope, str]) -> None:
    secret = secrets[Scope.QUERY]
    with open_stream(strict) as stream:
        stream.send(json.dumps({"type": "start", "key": secret}))
        for _ in range(8):
            with contextlib.suppress(ConnectionClosed):
                stream.send(bytes(32))
            time.sleep(0.2)
        code, last = refusal_of(stream)
    assert (code, last["error"]["code"]) == (1008, "idle")
    assert "late" in last["error"]["message"]


def test_what_is_not_heard_keeps_no_stream_open(strict: RunningServer, secrets: dict[Scope, str]) -> None:
    secret = secrets[Scope.QUERY]
    with open_stream(strict) as stream:
        say(stream, key=secret)
        assert replies_to(stream)[-1]["type"] == "final"
        begun = time.monotonic()
        with contextlib.suppress(ConnectionClosed):
            while time.monotonic() < begun + 5:
                stream.send(bytes(1280))
                stream.send('{"type": "cancel"}')
                time.sleep(0.1)
        assert time.monotonic() < begun + 4
        code, last = refusal_of(stream)
    assert (code, last["error"]["code"]) == (1008, "idle")


DROPPED = r"WS /v1/stream 100[68]"
"""In the log: by the service (1008), or by the connection (1006) where what is not read piles up more slowly."""


@pytest.mark.slow
def test_who_does_not_read_is_dropped_and_others_are_answered(
    release: Release, film_index: SearchIndex, home: Path, tmp_path: Path
) -> None:
    for name in ("models", "indexes"):
        (tmp_path / name).symlink_to(home / name)
    with start_server(tmp_path, VOICESEARCH_STREAM_SEND_SECONDS="1") as running:
        address = urlsplit(running.url)
        deaf = ClientProtocol(parse_uri(f"ws://{address.netloc}/v1/stream"))
        request = deaf.connect()
        request.headers["x-request-id"] = "a" * 64  # comes back in every answer, so that they are long
        deaf.send_request(request)
        with socket.socket() as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            line.settimeout(5)
            line.connect((address.hostname, address.port))
            line.sendall(b"".join(deaf.data_to_send()))
            deaf.receive_data(line.recv(4096))
            deadline = time.monotonic() + 90
            while not re.search(DROPPED, log_of(running)) and time.monotonic() < deadline:
                for text in [START, '{"type": "cancel"}'] * 500:
                    deaf.send_text(text.encode())
                with contextlib.suppress(OSError):  # the server does not read on either
                    line.sendall(b"".join(deaf.data_to_send()))
            assert re.search(DROPPED, log_of(running))
            assert "voicesearch_streams_open 0.0" in httpx2.get(f"{running.url}/metrics").text
            assert_it_still_answers(running)


def log_of(server: RunningServer) -> str:
    return "".join(path.read_text() for path in server.home.glob("server-*.log"))


@pytest.mark.slow
def test_a_server_that_stops_says_goodbye_to_its_streams(
    release: Release, film_index: SearchIndex, home: Path, tmp_path: Path
) -> None:
    for name in ("models", "indexes"):
        (tmp_path / name).symlink_to(home / name)
    with start_server(tmp_path) as running, open_stream(running) as stream:
        say(stream, parts=[JURASSIC[:30_000]])
        assert json.loads(stream.recv())["type"] == "ready"
        os.kill(running.pid, signal.SIGTERM)
        assert refusal_of(stream)[0] == 1012


def test_too_many_streams_are_told_to_come_back_until_one_hangs_up(strict: RunningServer) -> None:
    first = open_stream(strict)
    with open_stream(strict) as second:
        code, last = refusal_of(second)
    assert (code, last["error"]["code"], last["error"]["retry_after"]) == (1013, "overloaded", 1)
    first.socket.close()  # without a word
    time.sleep(0.3)
    with open_stream(strict) as third:
        assert refusal_of(third)[1]["error"]["code"] == "idle"


def test_one_log_line_for_each_stream_names_it_and_how_it_ended(strict: RunningServer) -> None:
    with open_stream(strict, additional_headers={"x-request-id": "stream-log-test"}) as stream:
        refusal_of(stream)
    time.sleep(0.3)
    (line,) = (json.loads(each) for each in log_of(strict).splitlines() if "stream-log-test" in each)
    assert (line["method"], line["route"], line["status"]) == ("WS", "/v1/stream", 1008)
