"""What can go wrong with the store."""

from prelabel.datasets.errors import PrelabelError


class StoreError(PrelabelError):
    """The store cannot be opened, read or written as asked."""


class StoreTooNewError(StoreError):
    """The store was written by a newer prelabel than this one."""


class UnknownEntryError(StoreError):
    """A frame, class or round that the store does not have is named."""


class ConflictError(StoreError):
    """What is to be recorded contradicts what has been recorded before."""
