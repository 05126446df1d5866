"""What a person may be called."""

import unicodedata

from prelabel.datasets.errors import InvalidValueError

MAX_LENGTH = 64


def checked_name(name: str) -> str:
    """The name as it is kept: composed letters, no spaces around; InvalidValueError if unfit.

    1 to 64 printable characters with a letter or digit among them, and no slash: names are parts
    of addresses.
    """
    kept = unicodedata.normalize("NFC", name).strip()
    if not 1 <= len(kept) <= MAX_LENGTH:
        raise InvalidValueError(f"a name has 1 to {MAX_LENGTH} characters, but this {len(kept)}")
    if not kept.isprintable():
        raise InvalidValueError(f"a name has printable characters only: {kept!r}")
    if "/" in kept or not any(letter.isalnum() for letter in kept):
        raise InvalidValueError(f"a name has a letter or digit and no slash: {kept!r}")
    return kept


def name_key(name: str) -> str:
    """Equal for names that people take for the same: upper and lower case, wide and narrow."""
    folded = unicodedata.normalize("NFKC", name.strip()).casefold()
    return unicodedata.normalize("NFKC", folded)
