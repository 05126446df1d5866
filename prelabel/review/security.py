"""What every request passes, whatever it asks for: names, origins, sizes, headers, mishaps."""

import logging
import secrets

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from prelabel.review.address import Address

MAX_BODY_BYTES = 4 << 20
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

_LOG = logging.getLogger(__name__)
_HEADERS = {
    # Pictures drawn by the page itself are blobs; nothing comes from other hosts.
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",  # the address of a one-time link is a secret
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Gate:
    """Refuses what was not meant for this server, and puts safe headers on every answer.

    Refused are requests under a foreign name, unsafe ones from another site's page, and bodies of
    more than `max_body_bytes`. A mishap that nobody foresaw is logged in full under a mark, and the
    answer gives the mark and nothing else.
    """

    def __init__(
        self, app: ASGIApp, address: Address, max_body_bytes: int = MAX_BODY_BYTES
    ) -> None:
        self._app = app
        self._address = address
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send)
        refused = self._refusal(scope["method"], Headers(scope=scope))
        try:
            if refused is not None:
                await refused(scope, receive, answer)
            else:
                await self._app(scope, _Counted(receive, self._max_body_bytes), answer)
        except Exception:
            mark = secrets.token_hex(4)
            _LOG.exception("mishap %s in %s %s", mark, scope["method"], scope["path"])
            if answer.begun:
                raise  # the answer is cut off; the browser must see that
            told = f"something went wrong in the server; its log tells what under {mark}"
            await JSONResponse({"error": told}, 500)(scope, receive, answer)

    def _refusal(self, method: str, headers: Headers) -> JSONResponse | None:
        host = headers.get("host", "")
        if not self._address.answers_to(host):
            return _refused(400, f"this server does not answer to the name {host!r}")
        if method not in SAFE_METHODS and not self._is_own_page(headers, host):
            return _refused(403, "the request comes from a page of another site")
        declared = headers.get("content-length", "0")
        if declared.isdigit() and int(declared) > self._max_body_bytes:
            return _refused(413, _too_large(self._max_body_bytes))
        return None

    def _is_own_page(self, headers: Headers, host: str) -> bool:
        origin = headers.get("origin")
        if origin is not None:
            return self._address.is_own_origin(origin, host)
        # Programs send neither header; what protects them from misuse is the CSRF token.
        return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


class _Counted:
    """Receives a body as long as it is not too large; a sender may lie about its length."""

    def __init__(self, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._bytes = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._max_bytes:
            raise HTTPException(413, _too_large(self._max_bytes))
        return message


class _Answer:
    """Sends an answer with the safe headers added."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers.setdefault("Cache-Control", "no-store")
        await self._send(message)


def _refused(status: int, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)


def _too_large(limit: int) -> str:
    return f"the request is larger than the limit of {limit >> 20} MiB: send it in parts"
