"""Numbers and times in words."""


def counted(count: int, noun: str) -> str:
    """A number with its noun, "1 box" or "12,000 boxes"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('x') else 's'}"


def time_told(seconds: float) -> str:
    """A length of time as a person would say it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
