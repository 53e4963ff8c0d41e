"""What tests share: a home of their own, the real model fetched once, the real server as a process, real recordings."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest
from platformdirs import user_cache_path

from asr.recognizer import Recognizer
from asr.settings import RecognizerSettings
from asr.weights import prepare_published, prepare_release
from data.audio import AudioLimits, decode
from data.catalogue import read_catalogue
from data.records import Release, Samples
from data.settings import HomeSettings
from serve.index import SearchIndex, build_index

hypothesis.settings.register_profile("voicesearch", deadline=None)  # a busy machine is no failure
hypothesis.settings.load_profile("voicesearch")

ROOT = Path(__file__).parent.parent
FILMS = ROOT / "examples" / "films" / "catalogue.csv"
SPEECH = ROOT / "examples" / "speech"
QUERIES = ROOT / "examples" / "films" / "queries"


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A fresh home folder; only the fetched models are kept from run to run."""
    folder = tmp_path_factory.mktemp("home")
    models = user_cache_path("voicesearch-tests") / "models"
    models.mkdir(parents=True, exist_ok=True)
    (folder / "models").symlink_to(models)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VOICESEARCH_HOME", str(folder))
        yield folder


@pytest.fixture(scope="session")
def release(home: Path) -> Release:
    """The default model, verified."""
    return prepare_release("tiny.en", HomeSettings.load().models, print)


@pytest.fixture(scope="session")
def published(home: Path) -> Release:
    """The weights that the default model was made of, verified."""
    return prepare_published("tiny.en", HomeSettings.load().models, print)


@pytest.fixture(scope="session")
def recognizer(release: Release) -> Recognizer:
    """The default model, loaded."""
    return Recognizer(release, RecognizerSettings.load())


@pytest.fixture(scope="session")
def film_index(home: Path) -> SearchIndex:
    """The film catalogue, indexed."""
    indexes = HomeSettings.load().indexes
    build_index(read_catalogue(FILMS), indexes)
    return SearchIndex.open(indexes)


@pytest.fixture(scope="session")
def clip() -> Callable[[str], Samples]:
    """Decodes a shipped recording by name, for example `auth-thankyou` or `jurassic-park`."""

    def load(name: str) -> Samples:
        path = next(folder / f"{name}.flac" for folder in (SPEECH, QUERIES) if (folder / f"{name}.flac").is_file())
        return decode(path.read_bytes(), AudioLimits()).samples

    return load


@pytest.fixture(scope="session")
def film_recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spoken film query as a 16 kHz WAV file with a second of silence on both sides."""
    import numpy as np
    import soundfile

    samples = decode((QUERIES / "jurassic-park.flac").read_bytes(), AudioLimits()).samples
    silence = np.zeros(16_000, np.float32)
    path = tmp_path_factory.mktemp("recording") / "jurassic-park.wav"
    soundfile.write(path, np.concatenate([silence, samples, silence]), 16_000, subtype="PCM_16")
    return path


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server in a process of its own."""

    url: str
    pid: int
    home: Path


@pytest.fixture(scope="session")
def server(release: Release, film_index: SearchIndex, home: Path) -> Iterator[RunningServer]:
    """The real server on a free port of the loopback address, with the film catalogue."""
    with start_server(home) as running:
        yield running


class start_server:  # noqa: N801  used as a context manager, read as a verb
    """Starts `voicesearch serve run` and waits until it is ready; terminates it at the end."""

    def __init__(self, home: Path, **environment: str) -> None:
        self._home = home
        self._environment = environment

    def __enter__(self) -> RunningServer:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "voicesearch", "serve", "run", "--port", str(port)]
        environment = {**os.environ, "VOICESEARCH_HOME": str(self._home), **self._environment}
        self._log = (self._home / f"server-{port}.log").open("wb")
        self._process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=self._log, stderr=self._log)
        url = f"http://127.0.0.1:{port}"
        try:
            self._wait_until_ready(url)
        except BaseException:
            self.__exit__()
            raise
        return RunningServer(url, self._process.pid, self._home)

    def exit_code(self) -> int:
        """Wait for the end of a server that was told to end."""
        return self._process.wait(timeout=30)

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait_until_ready(self, url: str) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with urllib.request.urlopen(f"{url}/readyz", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        pytest.fail(f"the server did not start: {Path(self._log.name).read_text()[-2000:]}")


@pytest.fixture(scope="session")
def needs_tool() -> Callable[[str], str]:
    """Gives the path of a program; without it the test is skipped, or fails where `CI=true`."""

    def find(name: str) -> str:
        path = shutil.which(name) or shutil.which(name, path="/usr/lib/sctk/bin")
        if path is None:
            reason = f"{name} is not installed (run tests/install-tools.sh as root)"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
        return path

    return find
