"""Programs from the package index that are only ever run, never imported: each in a virtual environment of its own."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from data.errors import ToolMissingError
from data.files import atomic_writer

READY = "ready"
"""Written last, so that an environment that was not finished is made again."""


def tool_environment(
    name: str,
    requirements: Sequence[str],
    home: Path,
    report: Callable[[str], None] | None,
    finish: Callable[[Path], None],
) -> Path:
    """Give the environment of a program, installing it on first use.

    Args:
        name: Of the program.
        requirements: Requirement strings, pinned.
        home: Folder of everything that is written.
        report: Called with a line when the program is to be installed; without it nothing is installed.
        finish: Called with the folder once the packages are in it, to add and check files.

    Returns:
        The environment's folder; its Python is `bin/python`.

    Raises:
        ToolMissingError: The program is not there and cannot be installed.
    """
    folder = home / "tools" / name
    if (folder / READY).is_file():
        return folder
    if report is None:
        raise ToolMissingError(f"{name} is not installed; run `voicesearch data synthesize` once with its voice")
    report(f"installing {name} from the package index")
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    python = str(folder / "bin" / "python")
    run_installer([sys.executable, "-m", "venv", str(folder)], name)
    run_installer([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements], name)
    finish(folder)
    with atomic_writer(folder / READY) as file:
        file.write("\n".join(requirements) + "\n")
    return folder


def run_installer(command: Sequence[str], name: str, folder: Path | None = None) -> None:
    """Run a step of an installation.

    Args:
        command: What to run.
        name: Of the program that is installed.
        folder: Where to run it, by default here.

    Raises:
        ToolMissingError: It fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)  # noqa: S603  fixed arguments
    except FileNotFoundError as error:
        raise ToolMissingError(f"{name} needs {command[0]}, which is not installed") from error
    if done.returncode != 0:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
        raise ToolMissingError(
            f"{name} cannot be installed ({''.join(reason)}); check the package index, or choose voices without it "
            f"with --voice"
        )
