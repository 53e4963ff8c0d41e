"""Files from Debian packages, fetched with apt-get and dpkg, which need no root for this."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from data.errors import CorpusUnavailableError, ToolMissingError


def unpack_packages(packages: Sequence[str], scratch: Path) -> tuple[Path, str]:
    """Fetch packages and unpack them.

    Args:
        packages: Their names.
        scratch: An empty folder to work in, absolute.

    Returns:
        The folder that holds their files, below `scratch`, and the first one's version.

    Raises:
        ToolMissingError: apt-get or dpkg is not there.
        CorpusUnavailableError: The packages cannot be fetched.
    """
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing:
        raise ToolMissingError(
            f"{missing[0]} is not installed, and the files are Debian packages; fetch {' and '.join(packages)} on a "
            f"Debian or Ubuntu system and copy the folder from there"
        )
    files = _download(packages, scratch)
    unpacked = scratch / "unpacked"
    for file in files:
        _run(["dpkg", "-x", str(file), str(unpacked)], scratch)
    return unpacked, files[0].name.split("_")[1]


def _download(packages: Sequence[str], scratch: Path) -> list[Path]:
    """Fetch the packages with the system's package lists or, where it has none, with lists of our own."""
    try:
        _run(["apt-get", "download", *packages], scratch)
    except CorpusUnavailableError:
        state = scratch / "apt"
        (state / "lists" / "partial").mkdir(parents=True)
        own = ["-o", f"Dir::State::lists={state / 'lists'}", "-o", f"Dir::Cache={state / 'cache'}"]
        (state / "cache" / "archives" / "partial").mkdir(parents=True)
        _run(["apt-get", *own, "update"], scratch)
        _run(["apt-get", *own, "download", *packages], scratch)
    return [next(scratch.glob(f"{package}_*.deb")) for package in packages]


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603  no shell
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()[-1:]
        reason = " ".join(lines) or f"exit code {done.returncode}"
        raise CorpusUnavailableError(
            f"{' '.join(command[:1])} failed: {reason}; check the network and the package sources"
        )
