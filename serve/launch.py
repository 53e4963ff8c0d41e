"""Starting the service: check, listen, prove with one recording that it answers, stay up."""

import json
import socket
import ssl
import threading
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data.errors import InputError


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; with a certificate and its key over TLS, which microphones need off localhost."""

    host: str = "127.0.0.1"
    port: int = 8000
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @property
    def address(self) -> str:
        """The address to open in a browser."""
        host = "localhost" if self.host in ("127.0.0.1", "0.0.0.0", "::") else self.host  # noqa: S104  only shown
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def launch(listen: Listen, proof: Path | None, report: Callable[[str], None]) -> None:
    """Serve until stopped.

    Args:
        listen: Where.
        proof: A recording to answer once everything is up; None for none.
        report: Called with the lines that a person should see.

    Raises:
        InputError: A certificate without its key, a file that is missing, or an address that cannot be listened on.
    """
    import uvicorn

    if (listen.tls_cert is None) != (listen.tls_key is None):
        raise InputError("--tls-cert and --tls-key go together; give both or neither")
    for path in (listen.tls_cert, listen.tls_key, proof):
        if path is not None and not path.is_file():
            raise InputError(f"{path}: there is no such file")
    server = uvicorn.Server(
        uvicorn.Config(
            "serve.app:app",
            host=listen.host,
            port=listen.port,
            ssl_certfile=listen.tls_cert,
            ssl_keyfile=listen.tls_key,
            log_level="warning",
            server_header=False,
        )
    )
    with _bound(listen) as listening:
        watcher = threading.Thread(target=_announce, args=(server, listen, proof, report), daemon=True)
        watcher.start()
        server.run(sockets=[listening])


def _bound(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((listen.host, listen.port))
    except OSError as error:
        listening.close()
        raise InputError(
            f"cannot listen on {listen.host}:{listen.port} ({error.strerror}); try another --port"
        ) from error
    return listening


def prove(listen: Listen, recording: Path) -> str:
    """Ask the running service one recorded query.

    Args:
        listen: Where it listens.
        recording: An audio file.

    Returns:
        One line: what was heard, what came first, and the time it took.
    """
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="{recording.name}"\r\n\r\n'
    body = head.encode() + recording.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(  # noqa: S310  our own http(s) address
        f"{listen.address}/v1/search", body, {"content-type": f"multipart/form-data; boundary={boundary}"}
    )
    context = ssl.create_default_context(cafile=listen.tls_cert) if listen.tls_cert else None
    if context is not None:
        context.check_hostname = False  # the certificate names the public host, and this asks the local one
    with urllib.request.urlopen(request, timeout=60, context=context) as response:  # noqa: S310
        answer = json.load(response)
    found = answer["results"][0]["title"] if answer["results"] else "nothing"
    said = answer["transcript"]["text"] or answer["null_reason"]
    return f"a recording said “{said}”, first result: {found}, {answer['timings_ms']['total']:.0f} ms"


def _announce(server: "object", listen: Listen, proof: Path | None, report: Callable[[str], None]) -> None:
    wake = threading.Event()
    while not getattr(server, "started", False):
        if getattr(server, "should_exit", False):
            return
        wake.wait(0.05)
    if proof is not None:
        report(prove(listen, proof))
    report(f"ready: open {listen.address} (stop with Ctrl-C)")
