"""Where the server listens, and what follows from it for logins, cookies and names."""

import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from prelabel.datasets.errors import PrelabelError

_EVERYWHERE = frozenset({"", "0.0.0.0", "::"})
LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})


class AddressError(PrelabelError):
    """The server may not, or cannot, listen where it was asked to."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with its chain, and its private key, both PEM."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens, and how people reach it.

    `public_url` is what people type where a proxy stands in front, such as
    `https://labels.example.org`; None: they reach the server itself.

    Raises AddressError where the parts do not go together.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    tls: TlsFiles | None = None
    public_url: str | None = None

    def __post_init__(self) -> None:
        if self.public_url is not None:
            _check_public_url(self.public_url)
        if self.public_url is not None and self.tls is not None:
            raise AddressError(
                "--behind-proxy and --tls-cert exclude each other: behind a proxy, the proxy "
                "speaks TLS"
            )

    @property
    def is_private(self) -> bool:
        """Whether only programs on this machine reach the server, so that it may go without login.

        A proxy on the same machine would let everybody in.
        """
        return self.public_url is None and is_loopback(self.host)

    @property
    def is_secure(self) -> bool:
        """Whether browsers reach the server over TLS."""
        return self.tls is not None or urlsplit(self.public_url or "").scheme == "https"

    @property
    def url(self) -> str:
        """What people type into their browser; of all addresses of a machine, by its name."""
        host = socket.gethostname() if self.host in _EVERYWHERE else self.host
        return self.url_under(f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}")

    def url_under(self, host_header: str) -> str:
        """The same, for somebody whose browser sends this Host header."""
        if self.public_url is not None:
            return self.public_url.rstrip("/")
        return f"{'https' if self.tls else 'http'}://{host_header}"

    @property
    def cookie_name(self) -> str:
        """The session's cookie; browsers keep `__Host-` ones from other hosts and plain HTTP.

        Cookies know no ports, so the port is in the name: two servers on one machine do not log
        each other's people out.
        """
        return "__Host-prelabel" if self.is_secure else f"prelabel_{self.port}"

    def answers_to(self, host_header: str) -> bool:
        """Whether a request with this Host header was meant for this server.

        A private server answers to names of this machine alone: the page of a stranger whose name
        was made to point here (DNS rebinding) gets nothing. A server with a login answers to every
        name, since what opens it, the cookie, belongs to the one name people logged in under.
        """
        name = host_name(host_header)
        if self.public_url is not None:
            # What reaches the server past the proxy, from this machine, knows only its address.
            return name == urlsplit(self.public_url).hostname or is_loopback(name)
        return is_loopback(name) if self.is_private else bool(name)

    def is_own_origin(self, origin: str, host_header: str) -> bool:
        """Whether a page of this Origin header is one of this server's."""
        if self.public_url is not None and origin == origin_of(self.public_url):
            return True
        return origin == f"{'https' if self.tls else 'http'}://{host_header.lower()}"


def tls_files(certificate: Path | None, key: Path | None) -> TlsFiles | None:
    """What serves TLS, or nothing; AddressError where one of the two is missing."""
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise AddressError("--tls-cert and --tls-key come together: name both files")
    return TlsFiles(certificate, key)


def host_name(host_header: str) -> str:
    """The name of a Host header, without its port, in lower case; empty where it makes no sense."""
    try:
        return urlsplit(f"//{host_header}").hostname or ""
    except ValueError:
        return ""


def origin_of(url: str) -> str:
    """Scheme, host and port of an address, as browsers write it in the Origin header."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own."""
    if host.lower() in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _check_public_url(url: str) -> None:
    parts = urlsplit(url)
    plain = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        raise AddressError(
            f"--behind-proxy {url}: write the address that people type, such as "
            "https://labels.example.org"
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise AddressError(
            f"--behind-proxy {url}: passwords would travel in the clear; let the proxy speak TLS "
            "and write https://"
        )
