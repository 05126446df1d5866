"""Lists in words."""

from collections.abc import Sequence

SHOWN = 8


def first_lines(items: Sequence[str], what: str = "problems") -> list[str]:
    """The first few items, one a line, and how many more there are."""
    lines = [f"  {item}" for item in items[:SHOWN]]
    if len(items) > SHOWN:
        lines.append(f"  … and {len(items) - SHOWN:,} more {what}")
    return lines
