"""Named errors; every message says what is wrong, where, and what to do."""


class PrelabelError(Exception):
    """Root of all errors raised on purpose; the edges turn it into one line or one status code."""


class InvalidValueError(PrelabelError, ValueError):
    """A value breaks a rule of its type."""


class BadInputError(PrelabelError):
    """A file or folder that the user gave cannot be used at all."""


class MissingExtraError(PrelabelError, ImportError):
    """An optional part of the installation is needed and not there."""

    def __init__(self, extra: str, purpose: str) -> None:
        super().__init__(
            f"{purpose} needs the extra {extra!r}, which is not installed: "
            f"pip install 'prelabel[{extra}]'"
        )
        self.extra = extra
