"""Passwords: hashed with argon2id, and checked in the same time whether or not there is one."""

import threading
import unicodedata
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from prelabel.datasets.errors import InvalidValueError

MIN_LENGTH = 10
MAX_LENGTH = 1000  # far above what anybody types; bounds the work a stranger can cause
_AT_ONCE = 2  # each check takes 64 MiB and all cores for a moment


class Passwords:
    """Hashes and checks passwords; its methods may be called from many threads."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)

    def hashed(self, password: str) -> str:
        """What is kept of a password; InvalidValueError where it is too short or too long."""
        normal = _normal(password)
        if normal is None:
            raise InvalidValueError("a password has characters that can be written as text")
        if not MIN_LENGTH <= len(normal) <= MAX_LENGTH:
            raise InvalidValueError(
                f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters, but this {len(normal)}"
            )
        with self._turns:
            return self._hasher.hash(normal)

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether a password is the one kept; without one it takes as long, and is False."""
        normal = _normal(password) if len(password) <= MAX_LENGTH else None
        possible = kept is not None and normal is not None
        with self._turns:
            decoy = self._decoy  # made by whoever comes first, known or not
            try:
                self._hasher.verify(kept if kept is not None and possible else decoy, normal or "")
            except (VerificationError, InvalidHashError):
                return False
        return possible

    def outdated(self, kept: str) -> bool:
        """Whether a hash was made with other parameters than are used now."""
        return self._hasher.check_needs_rehash(kept)

    @cached_property
    def _decoy(self) -> str:
        return self._hasher.hash("nobody has this password")


def _normal(password: str) -> str | None:
    """The password with equal code points for equal keys; None where it is no text."""
    try:
        password.encode()  # refuses lone halves of surrogate pairs, which JSON lets through
    except UnicodeEncodeError:
        return None
    return unicodedata.normalize("NFKC", password)
