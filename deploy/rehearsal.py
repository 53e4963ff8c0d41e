"""Carries out the container file on this machine, where there is no container engine, and asks the result a query.

    python -m deploy.rehearsal

Every step runs in a root of its own (bubblewrap), the service then as in `podman run --read-only`: read-only root, user
10001 without capabilities, a volume for its state, a network namespace with nothing but its loopback. What stands in
for the base image is this machine's own /usr and Python 3.11, so that this proves the steps, the result and its rights,
and does not prove the base image, the layers, or what an engine makes of the file.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from deploy.containerfile import Instruction, read_instructions

CONTEXT = Path(__file__).parent.parent
RECORDING = CONTEXT / "examples" / "films" / "queries" / "jurassic-park.flac"
READY_WITHIN_S = 60.0
PASSED_ON = ("PIP_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy")
"""Settings of this machine's way to the package index; a build gets them as build arguments."""

FROM_HOST = ("/usr", "/etc/ssl", "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf")
"""What stands in for the base image, besides Python in /usr/local."""

SCRATCH = "/tmp"  # noqa: S108  a folder of the container, not of this machine


@dataclass(frozen=True, slots=True)
class Image:
    """What the instructions of a stage have made: a root, and how a container of it runs."""

    root: Path
    environment: dict[str, str] = field(
        default_factory=lambda: {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    )
    folder: str = "/"
    user: str = "0:0"
    volumes: tuple[str, ...] = ()
    health: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()

    def megabytes(self) -> float:
        """Size of all that was put on the base image."""
        files = (path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        return sum(path.stat().st_size for path in files) / 1e6


def build(containerfile: Path, scratch: Path) -> Image:
    """Carry out every instruction of a container file.

    Args:
        containerfile: The file.
        scratch: An empty folder, for the roots of the stages.

    Returns:
        The image of the last stage.

    Raises:
        subprocess.CalledProcessError: A step failed.
        ValueError: An instruction that is not known.
    """
    stages: dict[str, Image] = {}
    image, name = Image(scratch), ""
    for step in read_instructions(containerfile):
        print(f"{containerfile.name}:{step.line}: {step.name} {step.text}", flush=True)
        if step.name == "FROM":
            name = step.words[2] if len(step.words) == 3 else ""
            image = Image(_base(scratch / f"stage-{len(stages)}", step.words[0]))
        else:
            image = _carried_out(step, image, stages)
        stages[name] = image
    return image


def sandbox(image: Image, command: Sequence[str], *options: str, user: str | None = None) -> list[str]:
    """Give the command line that runs a command in an image.

    Args:
        image: The image.
        command: What to run in it.
        options: Further options of bubblewrap.
        user: `uid:gid`; by default the image's.

    Returns:
        The command line.
    """
    uid, gid = (user or image.user).split(":")
    rights = ["setpriv", "--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
    host = [word for path in FROM_HOST if Path(path).exists() for word in ("--ro-bind", path, path)]
    mounts = [*options, *host, "--ro-bind", sys.base_prefix, "/usr/local", "--proc", "/proc", "--dev", "/dev"]
    mounts += ["--tmpfs", SCRATCH, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]
    settings = [word for pair in image.environment.items() for word in ("--setenv", *pair)]
    return [
        "bwrap",
        *mounts,
        "--clearenv",
        *settings,
        "--chdir",
        image.folder,
        *(rights if uid != "0" else []),
        *command,
    ]


def _base(root: Path, image: str) -> Path:
    if "/python:3.11-" not in image:
        raise ValueError(f"FROM {image}: only Python 3.11's own image has a stand-in here")
    for folder in ("usr", "etc", "proc", "dev", "tmp", "var", "opt"):
        (root / folder).mkdir(parents=True)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    (root / "etc" / "ld.so.conf").write_text("/usr/local/lib\n")
    subprocess.run(sandbox(Image(root), ["ldconfig"], "--bind", str(root), "/"), check=True)
    return root


def _carried_out(step: Instruction, image: Image, stages: dict[str, Image]) -> Image:
    match step.name:
        case "RUN":
            passed = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
            build = replace(image, environment={**passed, **image.environment})
            subprocess.run(sandbox(build, ["sh", "-ec", step.text], "--bind", str(image.root), "/"), check=True)
            return image
        case "COPY":
            _copy(step, image, stages)
            return image
        case "ENV":
            return replace(image, environment=image.environment | dict(word.split("=", 1) for word in step.words))
        case "WORKDIR":
            (image.root / step.text.lstrip("/")).mkdir(parents=True, exist_ok=True)
            return replace(image, folder=step.text)
        case "USER":
            return replace(image, user=step.text)
        case "VOLUME":
            return replace(image, volumes=tuple(step.listed))
        case "HEALTHCHECK":
            return replace(image, health=tuple(step.listed))
        case "ENTRYPOINT":
            return replace(image, entrypoint=tuple(step.listed))
        case "CMD":
            return replace(image, command=tuple(step.listed))
    return image  # EXPOSE says something to people


def _copy(step: Instruction, image: Image, stages: dict[str, Image]) -> None:
    source = stages[step.options["from"]].root if "from" in step.options else CONTEXT
    *names, target = [word for word in step.words if not word.startswith("--")]
    into = image.root / (Path(image.folder) / target).relative_to("/")
    for name in names:
        path = source / name.lstrip("/")
        if path.is_dir():
            ignored = None if "from" in step.options else shutil.ignore_patterns("__pycache__")
            shutil.copytree(path, into, symlinks=True, ignore=ignored, dirs_exist_ok=True)
            continue
        place = into / path.name if target.endswith("/") else into
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)


@dataclass(frozen=True, slots=True)
class Container:
    """A running container: the process that is its first, and the image that it runs."""

    process: "subprocess.Popen[bytes]"
    pid: int
    image: Image

    def execute(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the image in the container, as its user."""
        uid, gid = self.image.user.split(":")
        inside = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--wd=/", "setpriv"]
        rights = ["--reuid", uid, "--regid", gid, "--clear-groups", "--no-new-privs", "--bounding-set=-all"]
        return _quietly([*inside, *rights, *command], self.image.environment)

    def ask(self, recording: Path, key: str) -> "dict[str, object]":
        """Send a recording to the service from within its network."""
        sent = ["-F", f"audio=@{recording}", "-H", f"Authorization: Bearer {key}", "http://127.0.0.1:8000/v1/search"]
        asked = ["nsenter", "--target", str(self.pid), "--net", "curl", "--silent", "--fail", "--max-time", "20", *sent]
        answer: dict[str, object] = json.loads(_quietly(asked).stdout or "{}")
        return answer

    def is_healthy(self) -> bool:
        """Run the health check of the container file."""
        return self.execute(*self.image.health).returncode == 0


@contextmanager
def running(image: Image, volume: Path) -> Iterator[Container]:
    """Run an image as a container with a read-only root and without a network.

    Args:
        image: The image.
        volume: A folder that its first volume is.

    Yields:
        The container; it is killed at the end where it still runs.
    """
    reading, writing = os.pipe()
    alone = ("--unshare-net", "--as-pid-1", "--info-fd", str(writing))
    command = sandbox(image, [*image.entrypoint, *image.command], *_closed(image, volume), *alone)
    with subprocess.Popen(command, pass_fds=[writing]) as process:
        os.close(writing)
        with os.fdopen(reading) as told:
            pid = json.load(told)["child-pid"]
        try:
            yield Container(process, pid, image)
        finally:
            process.kill()


def _closed(image: Image, volume: Path) -> tuple[str, ...]:
    return ("--ro-bind", str(image.root), "/", "--bind", str(volume), image.volumes[0])


def rehearse(scratch: Path) -> dict[str, object]:
    """Build, run, ask, and look at what runs.

    Args:
        scratch: An empty folder.

    Returns:
        What was found, by name.
    """
    image = build(Path(__file__).parent / "Containerfile", scratch)
    volume = scratch / "volume"
    volume.mkdir(mode=0o700)
    os.chown(volume, *map(int, image.user.split(":")))
    closed = _closed(image, volume)
    unguarded = _quietly(sandbox(image, [*image.entrypoint, *image.command], *closed))
    key = _quietly(sandbox(image, [*image.entrypoint, "serve", "key", "create", "rehearsal"], *closed)).stdout.strip()
    torch = _quietly(sandbox(image, ["python", "-c", "import torch"], *closed)).stderr
    with running(image, volume) as container:
        begun = time.monotonic()
        while not container.is_healthy():
            if container.process.poll() is not None or time.monotonic() - begun > READY_WITHIN_S:
                raise SystemExit("the container did not become healthy")
            time.sleep(0.2)
        ready_s = time.monotonic() - begun
        answer = container.ask(RECORDING, key)
        status = Path(f"/proc/{container.pid}/status").read_text()
        state = {line.split(":")[0]: line.split()[1] for line in status.splitlines() if len(line.split()) > 1}
        written = {place: container.execute("touch", f"{place}/x").returncode == 0 for place in ("/", "/opt", "/etc")}
        stop = _quietly(["kill", "-TERM", str(container.pid)])
        exit_code = container.process.wait(timeout=40)
    results = answer.get("results")
    return {
        "first_result": results[0]["title"] if isinstance(results, list) and results else None,
        "healthy_after_s": round(ready_s, 1),
        "added_mb": round(image.megabytes()),
        "uid": int(state["Uid"]),
        "capabilities": int(state["CapEff"], 16),
        "no_new_privileges": state["NoNewPrivs"] == "1",
        "root_is_read_only": not any(written.values()),
        "torch": "No module named" not in torch,
        "refuses_without_a_key": unguarded.returncode == 2,
        "exit_code": exit_code if stop.returncode == 0 else None,
    }


def _quietly(command: Sequence[str], environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def main() -> int:
    """Rehearse in a temporary folder; the last line is JSON."""
    missing = [name for name in ("bwrap", "setpriv", "nsenter", "curl") if shutil.which(name) is None]
    if missing or os.geteuid() != 0:
        print(f"rehearsal: needs root and {', '.join(missing) or 'nothing more'}", file=sys.stderr)
        return 2
    print(__doc__)
    with tempfile.TemporaryDirectory(prefix="voicesearch-rehearsal-") as scratch:
        Path(scratch).chmod(0o755)  # user 10001 must reach its root
        print(json.dumps(rehearse(Path(scratch))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
