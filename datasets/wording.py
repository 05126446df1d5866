"""Numbers in words."""


def counted(count: int, noun: str) -> str:
    """A number with its noun, "1 box" or "12,000 boxes"."""
    if count == 1:
        return f"1 {noun}"
    return f"{count:,} {noun}{'es' if noun.endswith('x') else 's'}"
