"""Running the server: where it may listen, its thread of control, and a clean end."""

import contextlib
import errno
import os
import socket
import ssl
import webbrowser
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from prelabel.review.address import Address, AddressError, TlsFiles, is_loopback

_GRACE_S = 10  # how long requests under way may take when the server is told to stop
_BACKLOG = 1024
_KEPT_OPEN_S = 30  # pages tell of activity every few seconds; a new connection each time is dear


def check_allowed(address: Address, owner_can_log_in: bool) -> None:
    """AddressError where people could reach the server without a login."""
    if address.is_private or owner_can_log_in:
        return
    where = address.public_url or address.host
    raise AddressError(
        f"{where}: others could reach the page without a login; first name an owner: "
        "`prelabel people add NAME --role owner`, or serve on 127.0.0.1 only"
    )


def check_tls(files: TlsFiles) -> None:
    """AddressError where the files are no certificate and its key."""
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
            files.certificate, files.key
        )
    except ssl.SSLError as error:
        raise AddressError(
            f"{files.certificate}: is no PEM certificate that belongs to the key {files.key}: "
            f"{error.reason or error}"
        ) from error


def warning(address: Address) -> str | None:
    """What the person who starts the server should know of its address; None: nothing."""
    if address.is_secure or address.public_url is not None or is_loopback(address.host):
        return None
    return (
        "passwords and pictures travel in the clear: give --tls-cert and --tls-key, or put a "
        "proxy with TLS in front and say --behind-proxy URL"
    )


def listening_socket(address: Address) -> socket.socket:
    """A socket that listens where the server is to; AddressError where that cannot be."""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise AddressError(f"{address.host}: is no address of this machine") from error
    # With its protocol named, as asyncio then sends small packets at once (TCP_NODELAY): without
    # it answers wait 40 ms for an acknowledgement.
    listener = socket.socket(found[0], socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(found[4])
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise AddressError(f"{address.host}:{address.port}: {_reason(error, address)}") from error
    return listener


def serve(
    app: FastAPI,
    address: Address,
    listener: socket.socket,
    announce: Callable[[str], None],
    open_browser: bool = False,
) -> None:
    """Answer until the process is told to stop (SIGINT, SIGTERM); requests under way are ended.

    `announce` is given the address as soon as the server answers.
    """
    server = _Server(configuration(app, address), lambda: _begun(address, announce, open_browser))
    with contextlib.suppress(KeyboardInterrupt):  # how uvicorn tells that it was stopped
        server.run(sockets=[listener])


class _Server(uvicorn.Server):
    """Says when it answers."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun = begun

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._begun()


def configuration(app: FastAPI, address: Address) -> uvicorn.Config:
    """How uvicorn serves an app under an address."""
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,  # its messages go where the program's go
        proxy_headers=False,  # `access.address_of` reads them, and only behind a proxy
        server_header=False,
        timeout_keep_alive=_KEPT_OPEN_S,
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=address.tls.certificate if address.tls else None,
        ssl_keyfile=address.tls.key if address.tls else None,
    )


def _begun(address: Address, announce: Callable[[str], None], open_browser: bool) -> None:
    announce(address.url)
    if open_browser:
        webbrowser.open(address.url)


def _reason(error: OSError, address: Address) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"something listens there already; take another one: --port {address.port + 1}"
    if error.errno == errno.EACCES:
        return "this port may not be used; take one above 1023: --port 8000"
    return error.strerror or str(error)
