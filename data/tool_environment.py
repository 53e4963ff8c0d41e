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
    check: Callable[[Path], None] = lambda folder: None,
) -> Path:
    """Give the environment of a program, installing it on first use.

    Args:
        name: Of the program.
        requirements: Requirement strings, pinned.
        home: Folder of everything that is written.
        report: Called with a line when the program is to be installed; without it nothing is installed.
        check: Called with the folder once the packages are in it; raises where they do not hold what they should.

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
    for command in (
        [sys.executable, "-m", "venv", str(folder)],
        [
            str(folder / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            *requirements,
        ],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  fixed arguments
        if done.returncode != 0:
            reason = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise ToolMissingError(
                f"{name} cannot be installed ({''.join(reason)}); check the package index, or choose voices without it "
                f"with --voice"
            )
    check(folder)
    with atomic_writer(folder / READY) as file:
        file.write("\n".join(requirements) + "\n")
    return folder
