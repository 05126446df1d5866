"""Named errors of lidar data; each message says what is wrong, where, and what to do."""

from prelabel.datasets.errors import BadInputError, InvalidValueError


class PointFileError(BadInputError):
    """A file of points cannot be read as what it claims to be."""


class TruncatedPointsError(PointFileError):
    """A file of points ends in the middle of a point, or holds fewer than it says."""


class NotFinitePointsError(PointFileError):
    """A file of points holds NaN or infinite coordinates."""


class NoPointsError(PointFileError):
    """A file of points holds none."""


class TooManyPointsError(PointFileError):
    """A file of points holds more than the limit."""


class CalibrationError(BadInputError):
    """A calibration is missing, incomplete, or of a wrong size."""


class CoordinateFrameError(InvalidValueError):
    """Values of two different coordinate frames are used as if they were of one."""
