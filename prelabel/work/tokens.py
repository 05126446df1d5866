"""Secrets that stand for a person: only their hashes are kept."""

import base64
import hashlib
import hmac
import secrets

_TOKEN_BYTES = 32
_MAX_LENGTH = 200  # of what a stranger may make us hash


def new_token() -> str:
    """256 random bits, safe in an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def token_hash(token: str) -> str:
    """What is kept of a token; a fast hash is enough for 256 random bits."""
    return hashlib.sha256(_bytes(token)).hexdigest()


def csrf_token(session_token: str) -> str:
    """The token that pages of a session send along; it follows from the session's own."""
    digest = hmac.digest(_bytes(session_token), b"prelabel csrf", "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _bytes(token: str) -> bytes:
    return token[:_MAX_LENGTH].encode(errors="surrogatepass")
