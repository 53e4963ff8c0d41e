"""The nginx example: nginx reads it, and the real service answers through it, as it answers without it."""

import json
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from data.audio import AudioLimits, decode
from tests.conftest import QUERIES, ROOT, RunningServer

JURASSIC = (QUERIES / "jurassic-park.flac").read_bytes()
SHORT_TIMEOUT_S = 1


@dataclass(frozen=True, slots=True)
class Proxy:
    """nginx as it runs: its ports, its certificate, what is behind it."""

    https: int
    http: int
    certificate: Path
    server: RunningServer

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))


@pytest.fixture(scope="module")
def proxy(
    server: RunningServer, tmp_path_factory: pytest.TempPathFactory, needs_tool: Callable[[str], str]
) -> Iterator[Proxy]:
    nginx = needs_tool("nginx")
    folder = tmp_path_factory.mktemp("nginx")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    https, http = free_port(), free_port()
    example = (ROOT / "deploy" / "nginx.conf").read_text()
    for shipped, here in {
        "127.0.0.1:8000": server.url.removeprefix("http://"),
        "443 ssl": f"{https} ssl",
        "listen 80;": f"listen {http};",
        "[::]:80;": f"[::]:{http};",
        "/etc/ssl/voicesearch": str(folder),
        "_timeout 10s": f"_timeout {SHORT_TIMEOUT_S}s",
    }.items():
        assert shipped in example or shipped.replace("_timeout", "_timeout  ") in example, shipped
        example = example.replace(shipped, here)
    example = example.replace("client_body_timeout   10s", f"client_body_timeout {SHORT_TIMEOUT_S}s")
    (folder / "example.conf").write_text(example)
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("client_body", "proxy", "fastcgi"))
    unused = "".join(f"{name}_temp_path {folder}/{name};\n" for name in ("uwsgi", "scgi"))
    main = folder / "main.conf"
    main.write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log {folder}/error.log;\nevents {{ }}\n"
        f"http {{\naccess_log off;\n{temporary}{unused}include {folder}/example.conf;\n}}\n"
    )
    folder.chmod(0o755)
    checked = subprocess.run([nginx, "-t", "-q", "-c", main], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    with subprocess.Popen([nginx, "-c", main], stderr=subprocess.DEVNULL) as process:
        running = Proxy(https, http, certificate, server)
        wait_for(https)
        yield running
        process.terminate()
    shutil.rmtree(folder)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("nginx does not listen")


def test_a_spoken_query_is_answered_over_tls(proxy: Proxy) -> None:
    answer = httpx2.post(f"{proxy.url}/v1/search", files={"audio": JURASSIC}, verify=proxy.trust, timeout=30)
    assert answer.json()["results"][0]["title"] == "Jurassic Park"
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert "default-src 'self'" in answer.headers["content-security-policy"]


def test_plain_http_is_sent_to_https_with_its_method(proxy: Proxy) -> None:
    moved = httpx2.get(f"http://localhost:{proxy.http}/review?x=1")
    assert (moved.status_code, moved.headers["location"]) == (308, "https://localhost/review?x=1")


def test_a_caller_from_elsewhere_is_not_taken_for_this_machine_whatever_it_claims(proxy: Proxy) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing; says which address packets would come from
        except OSError:
            pytest.skip("this machine has no address but the loopback")
        address = probe.getsockname()[0]
    claimed = {"x-forwarded-for": "127.0.0.1"}
    refused = httpx2.get(f"https://{address}:{proxy.https}/v1/search?q=jaws", headers=claimed, verify=False)
    assert refused.status_code == 401


def test_figures_are_not_shown_to_the_outside(proxy: Proxy) -> None:
    assert httpx2.get(f"{proxy.url}/metrics", verify=proxy.trust).status_code == 404


def test_a_body_over_the_limit_is_refused_by_the_proxy(proxy: Proxy) -> None:
    refused = httpx2.post(f"{proxy.url}/v1/search", content=b"\0" * (11 * 1024 * 1024), verify=proxy.trust, timeout=30)
    assert refused.status_code == 413


@pytest.mark.parametrize(
    "begun",
    [
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1",
    ],
    ids=["headers", "body"],
)
def test_who_sends_a_request_drop_by_drop_is_let_go(proxy: Proxy, begun: bytes) -> None:
    with (
        socket.create_connection(("127.0.0.1", proxy.https), timeout=20) as plain,
        proxy.trust.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(begun)
        answer = connection.recv(4096)
    assert answer == b"" or b" 408 " in answer


def test_a_page_from_here_streams_over_tls_and_one_from_elsewhere_does_not(proxy: Proxy) -> None:
    address = proxy.url.replace("https", "wss") + "/v1/stream"
    pcm = (np.clip(decode(JURASSIC, AudioLimits()).samples, -1, 1) * 32767).astype("<i2").tobytes()
    with connect(address, ssl=proxy.trust, origin=Origin(proxy.url)) as stream:
        stream.send(json.dumps({"type": "start"}))
        for at in range(0, len(pcm), 1280):
            stream.send(pcm[at : at + 1280])
        stream.send(json.dumps({"type": "end"}))
        replies = [json.loads(stream.recv(timeout=30))]
        while replies[-1]["type"] not in ("final", "error"):
            replies.append(json.loads(stream.recv(timeout=30)))
    assert replies[-1]["results"][0]["title"] == "Jurassic Park"
    with pytest.raises(InvalidStatus) as refused:
        connect(address, ssl=proxy.trust, origin=Origin("https://evil.example"))
    assert refused.value.response.status_code == 403
