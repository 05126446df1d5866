"""Numbers as people read them."""

import math

from prelabel.active.comparison import CONFIDENCE, Difference

MINUS = "\N{MINUS SIGN}"
UNKNOWN = "\N{EN DASH}"


def count(value: float) -> str:
    """A whole number with separators: 12,480."""
    return f"{round(value):,}"


def plural(value: int, noun: str, many: str | None = None) -> str:
    """A count with its noun: "1 box", "3 boxes"."""
    return f"{count(value)} {noun if value == 1 else many or noun + 's'}"


def figure(value: float | None, digits: int = 2) -> str:
    """A figure with a fixed number of decimals, or a dash for none."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.{digits}f}".replace("-", MINUS)


def signed(value: float, digits: int = 2) -> str:
    """A difference with its sign; what rounds to nothing is "±0"."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0:
        return f"±{text}"
    return ("+" if value > 0 else MINUS) + text


def percent(share: float) -> str:
    """A share in whole per cent; the sign does not part from its number at a line's end."""
    return f"{100 * share:.0f}\N{NO-BREAK SPACE}%"


def seconds(value: float) -> str:
    """A span of human time in seconds: "1,240 s"."""
    return f"{count(value)} s" if value >= 10 else f"{value:.1f} s"


def clock(value: float) -> str:
    """The same in the units of a clock: "20 min 40 s", "3 h 12 min"."""
    whole = round(value)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes} min" if minutes else f"{hours:,} h"


def interval(difference: Difference, digits: int = 2) -> str:
    """The interval of a difference in words; of a single seed, that it has none."""
    if difference.low is None or difference.high is None:
        return "one seed, so no interval"
    low, high = signed(difference.low, digits), signed(difference.high, digits)
    return f"{percent(CONFIDENCE)} interval {low} to {high}"


def listed(words: list[str]) -> str:
    """A list in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
