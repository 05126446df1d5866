"""Changed pictures of a frame, to see whether a detector says the same of them."""

from enum import StrEnum

SMALLER_SCALE = 0.8  # of the sides of the picture as a detector sees it otherwise


class View(StrEnum):
    """How a picture is changed before a detector sees it; boxes are those of the unchanged one."""

    AS_IS = "as_is"
    MIRRORED = "mirrored"  # left for right
    SMALLER = "smaller"
