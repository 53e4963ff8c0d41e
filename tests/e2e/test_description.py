"""The OpenAPI description is true of the real server: whatever schemathesis makes of it, no answer is off it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from data.records import Release
from serve.index import SearchIndex
from tests.conftest import RunningServer, start_server

pytestmark = pytest.mark.slow

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
"""Not those that hold a refusal to the description: what FastAPI turns into a number is more than the schema says."""


@pytest.fixture(scope="module")
def own(
    release: Release, film_index: SearchIndex, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningServer]:
    """A server on a database of its own, which fills with what nobody said."""
    folder = tmp_path_factory.mktemp("described")
    for name in ("models", "indexes"):
        (folder / name).symlink_to(home / name)
    with start_server(folder) as running:
        yield running


def test_no_answer_to_generated_requests_is_off_the_description(own: RunningServer, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{own.url}/openapi.json", "--no-color"]
    command += ["--checks", ",".join(CHECKS), "--phases", "examples,coverage,fuzzing,stateful", "--max-examples", "50"]
    command += ["--seed", "1"]  # other seeds find more; a test must not fail by chance
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    counted = re.search(r"(\d+) generated, (\d+) passed", done.stdout)
    assert counted is not None
    assert int(counted[1]) == int(counted[2]) > 500
