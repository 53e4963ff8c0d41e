"""Files that are either whole or absent."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give the name of a file to write that appears under its own name only when the block ends well.

    Args:
        path: Where the file is to be; its folder is made.

    Yields:
        The name to write to, in the same folder.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(descriptor)
    try:
        yield Path(partial)
        with open(partial, "rb") as file:
            os.fsync(file.fileno())
        Path(partial).chmod(0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


@contextmanager
def atomic_writer(path: Path, mode: str = "w") -> Iterator[IO[str]]:
    """Open a text file that appears under its name only when the block ends well.

    Args:
        path: Where the file is to be; its folder is made.
        mode: `w` to replace.

    Yields:
        A writable UTF-8 text file in the same folder.
    """
    with atomic_path(path) as partial, partial.open(mode, encoding="utf-8", newline="") as file:
        yield file


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread works in a folder, then keep the others waiting.

    Args:
        folder: The folder; it is made where it is missing.

    Yields:
        Nothing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def sha256_of(path: Path) -> str:
    """Hash a file's content.

    Args:
        path: The file.

    Returns:
        Its SHA-256 in hexadecimal.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_bytes(path: Path, content: bytes) -> None:
    """Write a file that is whole or absent however this process ends; it does not wait for the disk.

    Args:
        path: Where the file is to be; its folder is made.
        content: All of it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
        Path(partial).chmod(0o644)
        os.replace(partial, path)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise
