"""Times and lists in words."""

from collections.abc import Sequence

SHOWN = 8


def time_told(seconds: float) -> str:
    """A length of time as a person would say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def first_lines(items: Sequence[str], what: str = "problems") -> list[str]:
    """The first few items, one a line, and how many more there are."""
    lines = [f"  {item}" for item in items[:SHOWN]]
    if len(items) > SHOWN:
        lines.append(f"  … and {len(items) - SHOWN:,} more {what}")
    return lines
