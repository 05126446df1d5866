"""What can be wrong with a label."""

from enum import StrEnum


class ErrorKind(StrEnum):
    """One way in which labels and picture disagree."""

    MISSING = "missing"  # an object without a box
    SPURIOUS = "spurious"  # a box without an object
    WRONG_CLASS = "wrong class"
    BADLY_LOCATED = "badly located"
    DUPLICATE = "duplicate"  # a second box for an object that has one
