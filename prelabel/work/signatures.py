"""Signatures by which the receiver of a webhook knows that a message is ours, and new."""

import hashlib
import hmac
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)


def signature(secret: str, body: bytes, at: datetime) -> str:
    """What `X-Prelabel-Signature` says: `t=` Unix seconds, `v1=` HMAC-SHA256 of `t.body` in hex."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(secret, body, seconds)}"


def signature_fits(
    header: str, secret: str, body: bytes, now: datetime, tolerance: timedelta = TOLERANCE
) -> bool:
    """Whether a message was signed with the secret, and no longer ago than `tolerance`."""
    parts = dict(part.strip().partition("=")[::2] for part in header.split(","))
    told, digest = parts.get("t", ""), parts.get("v1", "")
    if not (told.isascii() and told.isdigit() and len(told) <= 12 and digest.isascii()):
        return False
    fresh = abs(now.timestamp() - int(told)) <= tolerance.total_seconds()
    return hmac.compare_digest(digest, _digest(secret, body, int(told))) and fresh


def _digest(secret: str, body: bytes, seconds: int) -> str:
    return hmac.digest(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hex()
