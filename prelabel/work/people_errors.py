"""What can be refused where people and their logins are kept."""

from prelabel.datasets.errors import PrelabelError
from prelabel.store.errors import ConflictError, UnknownEntryError


class UnknownPersonError(UnknownEntryError):
    """Nobody has the name that is given."""


class NameTakenError(ConflictError):
    """Somebody has this name already, or one that people would take for it."""


class LastOwnerError(ConflictError):
    """Without this person nobody could look after the project any more."""


class InvalidLinkError(PrelabelError):
    """A one-time link was used before, has run out, or never was."""


class DisabledPersonError(PrelabelError):
    """Somebody who was disabled is to log in."""
