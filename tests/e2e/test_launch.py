"""Starting: over TLS with proof, refusing what cannot work, stopping in order."""

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from data.records import Release
from serve.index import SearchIndex
from tests.conftest import QUERIES, ROOT


@pytest.mark.usefixtures("release", "film_index")
def test_the_service_runs_over_tls_proves_itself_and_stops_in_order(home: Path, tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "1",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    command = [sys.executable, "-m", "voicesearch", "serve", "run", "--port", "8943", "--tls-cert", str(certificate)]
    command += ["--tls-key", str(key), "--proof", str(QUERIES / "jurassic-park.flac")]
    environment = {**os.environ, "VOICESEARCH_HOME": str(home)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("ready: "):
                break
        assert re.search(r"said “Jurassic Park”, first result: Jurassic Park, \d+ ms", "".join(said))
        assert said[-1].startswith("ready: open https://localhost:8943")
        context = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen("https://localhost:8943/healthz", context=context) as response:
            assert response.read() == b"ok\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_corrupted_model_is_refused_with_both_hashes(
    release: Release, film_index: SearchIndex, tmp_path: Path
) -> None:
    model = tmp_path / "models" / release.name
    model.mkdir(parents=True)
    for file in Path(release.directory).iterdir():
        (model / file.name).write_bytes(file.read_bytes())
    with (model / "model.bin").open("r+b") as weights:
        weights.seek(1_000_000)
        weights.write(b"\0\0\0\0")
    refused = subprocess.run(
        [sys.executable, "-m", "voicesearch", "serve", "run", "--port", "8944"],
        env={**os.environ, "VOICESEARCH_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode == 2
    assert release.sha256 in refused.stderr
    assert len(set(re.findall(r"[0-9a-f]{64}", refused.stderr))) == 2


@pytest.mark.usefixtures("release", "film_index")
def test_a_port_in_use_is_refused_in_one_line(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        refused = subprocess.run(
            [sys.executable, "-m", "voicesearch", "serve", "run", "--port", port],
            env={**os.environ, "VOICESEARCH_HOME": str(home)}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert refused.returncode == 2
    assert (
        refused.stderr
        == f"voicesearch: cannot listen on 127.0.0.1:{port} (Address already in use); try another --host or --port\n"
    )


@pytest.mark.usefixtures("release", "film_index")
def test_a_recording_that_is_not_answered_ends_the_start_in_one_line(home: Path) -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "voicesearch", "serve", "run", "--port", "8945", "--proof", str(ROOT / "README.md")],
        env={**os.environ, "VOICESEARCH_HOME": str(home), "http_proxy": "http://127.0.0.1:9"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert refused.returncode == 1
    assert "README.md: the service did not answer this recording (HTTP Error 415" in refused.stderr


@pytest.mark.usefixtures("release", "film_index")
def test_a_refused_start_leaves_the_index_alone(home: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.csv"
    small.write_text("id,title\n1,The Only Film\n")
    pointer = home / "indexes" / "current.json"
    before = pointer.read_text()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = [sys.executable, "-m", "voicesearch", "serve", "run", "--catalogue", str(small)]
        refused = subprocess.run(
            [*command, "--port", str(taken.getsockname()[1])],
            env={**os.environ, "VOICESEARCH_HOME": str(home)}, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
    assert refused.returncode == 2
    assert pointer.read_text() == before
