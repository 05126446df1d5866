"""What can go wrong between a project and FiftyOne."""

from prelabel.datasets.errors import PrelabelError


class CurationError(PrelabelError):
    """FiftyOne, its database or its dataset cannot be used as asked."""
