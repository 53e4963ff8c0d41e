"""Starting the service: check, listen, prove with one recording that it answers, stay up."""

import json
import math
import signal
import socket
import ssl
import threading
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import InputError, VoiceSearchError
from data.records import Release

if TYPE_CHECKING:
    import uvicorn


@dataclass(frozen=True, slots=True)
class Proof:
    """A recording to answer once everything is up, and the secret of a key to ask with."""

    recording: Path
    secret: str


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
        here = ("127.0.0.1", "0.0.0.0", "::", "::1")  # noqa: S104  only shown
        host = "localhost" if self.host in here else f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls_cert else 'http'}://{host}:{self.port}"


def launch(listen: Listen, proof: Path | None, prepare: Callable[[], Release], report: Callable[[str], None]) -> None:
    """Serve until stopped.

    Args:
        listen: Where.
        proof: A recording to answer once everything is up; None for none.
        prepare: Makes ready what is served; called only once it is sure that this process can listen.
        report: Called with the lines that a person should see.

    Raises:
        InputError: A certificate without its key, a file that cannot be used, or an address that cannot be listened on.
        VoiceSearchError: Something cannot be made ready, or the recording was not answered.
    """
    import uvicorn

    from data.settings import HomeSettings
    from data.store import Store
    from serve.access import refuse_unguarded
    from serve.choices import Scope
    from serve.keys import KeyStore, digest_of, new_key
    from serve.logs import write_logs
    from serve.process import load_libraries
    from serve.settings import ServeSettings
    from serve.stream import MAX_MESSAGE_BYTES

    if (listen.tls_cert is None) != (listen.tls_key is None):
        raise InputError("--tls-cert and --tls-key go together; give both or neither")
    for path in (listen.tls_cert, listen.tls_key, proof):
        if path is not None and not path.is_file():
            raise InputError(f"{path}: there is no such file")
    settings = ServeSettings.load()
    load_libraries()
    with closing(Store.open(HomeSettings.load().database)) as store:
        refuse_unguarded(listen.host, settings.access, bool(KeyStore(store).active()))
    write_logs(settings.log_format)
    config = uvicorn.Config(
        "serve.app:app",
        log_config=None,
        ssl_certfile=listen.tls_cert,
        ssl_keyfile=listen.tls_key,
        log_level="warning",
        timeout_graceful_shutdown=math.ceil(settings.deadline_seconds) + 1,
        server_header=False,
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_per_message_deflate=False,  # sound does not shrink, and what was blown up must not be unpacked
    )
    with _bound(listen) as listening:
        release = prepare()
        try:
            config.load()
        except ssl.SSLError as error:
            raise InputError(f"{listen.tls_cert}: not a certificate that goes with its key ({error.reason})") from error
        from serve.app import app

        app.state.release = release  # verified a moment ago
        key, secret = new_key("proof", (Scope.QUERY,))
        app.state.own_keys = {digest_of(secret): key}
        # Linux ends a connection whose other end takes nothing for so long; the accepted ones inherit this.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(1000 * settings.unread_seconds))
        listening.listen(config.backlog)
        server = uvicorn.Server(config)
        failures: list[VoiceSearchError] = []
        asked = Proof(proof, secret) if proof else None
        watcher = threading.Thread(target=_announce, args=(server, listen, asked, report, failures), daemon=True)
        watcher.start()
        signal.signal(signal.SIGTERM, lambda *_: None)  # the server raises it again once it has ended in order
        server.run(sockets=[listening])
    if failures:
        raise failures[0]


def _bound(listen: Listen) -> socket.socket:
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listening = socket.socket(family)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((listen.host, listen.port))
    except OSError as error:
        listening.close()
        reason = f"cannot listen on {listen.host}:{listen.port} ({error.strerror})"
        raise InputError(f"{reason}; try another --host or --port") from error
    return listening


def prove(listen: Listen, proof: Proof) -> str:
    """Ask the running service one recorded query.

    Args:
        listen: Where it listens.
        proof: What to ask, and with what key.

    Returns:
        One line: what was heard, what came first, and the time it took.
    """
    boundary = uuid.uuid4().hex
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="audio"; filename="{proof.recording.name}"\r\n\r\n'
    body = head.encode() + proof.recording.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(  # noqa: S310  our own http(s) address
        f"{listen.address}/v1/search",
        body,
        {"content-type": f"multipart/form-data; boundary={boundary}", "authorization": f"Bearer {proof.secret}"},
    )
    context = ssl.create_default_context(cafile=listen.tls_cert) if listen.tls_cert else ssl.create_default_context()
    context.check_hostname = False  # the certificate names the public host, and this asks the local one
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # an intermediate certificate in the file is enough
    # The recording stays on the machine: no proxy, whatever the environment says.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    with opener.open(request, timeout=60) as response:
        answer = json.load(response)
    found = answer["results"][0]["title"] if answer["results"] else "nothing"
    said = answer["transcript"]["text"] or answer["null_reason"]
    return f"a recording said “{said}”, first result: {found}, {answer['timings_ms']['total']:.0f} ms"


def _announce(
    server: "uvicorn.Server",
    listen: Listen,
    proof: Proof | None,
    report: Callable[[str], None],
    failures: list[VoiceSearchError],
) -> None:
    wake = threading.Event()
    while not server.started:
        if server.should_exit:
            return
        wake.wait(0.05)
    if proof is not None:
        try:
            report(prove(listen, proof))
        except (OSError, ValueError) as error:
            failures.append(VoiceSearchError(f"{proof.recording}: the service did not answer this recording ({error})"))
            server.should_exit = True
            return
    report(f"ready: open {listen.address} (stop with Ctrl-C)")
