"""The guidelines that people label by: Markdown, of which every version is kept."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.changes import Clock, Entry, changing
from prelabel.store.database import Database
from prelabel.store.errors import UnknownEntryError
from prelabel.store.people_tables import guidelines
from prelabel.store.records import EventKind
from prelabel.work.changes import SectionChange, changes_html, section_changes
from prelabel.work.markdown import rendered, sections_of

MAX_CHARACTERS = 200_000


@dataclass(frozen=True, slots=True)
class GuidelineVersion:
    """One version, numbered from 1; `text` is Markdown, `at` UTC."""

    number: int
    text: str
    author: str
    at: datetime

    @property
    def html(self) -> str:
        """The text as HTML that neither runs nor loads anything; headings have ids."""
        return rendered(self.text)


@dataclass(frozen=True, slots=True)
class GuidelineChanges:
    """What changed from version `old` to version `new`."""

    old: int
    new: int
    sections: tuple[SectionChange, ...]

    @property
    def html(self) -> str:
        """The changes as HTML, section by section."""
        return changes_html(self.sections)


class Guidelines:
    """Versions of the guidelines, never changed and never removed."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def write(self, text: str, author: str) -> GuidelineVersion:
        """Append a version; the text that is there already changes nothing.

        Raises InvalidValueError where it is empty, longer than 200,000 characters, or no text.
        """
        kept = _checked(text)
        with changing(self._database, author, self._clock) as change:
            newest = change.connection.execute(_newest()).first()
            if newest is not None and newest.text == kept:
                return _version(newest)
            version = GuidelineVersion(
                1 if newest is None else newest.number + 1, kept, author, change.at
            )
            row = {"number": version.number, "text": kept, "author": author, "at": change.at}
            change.connection.execute(insert(guidelines), row)
            told = {"version": version.number, "characters": len(kept)}
            change.log(EventKind.GUIDELINE_WRITTEN, [Entry(told)])
        return version

    def current(self) -> GuidelineVersion | None:
        """The newest version; None where nobody has written any."""
        with self._database.reading() as connection:
            row = connection.execute(_newest()).first()
        return None if row is None else _version(row)

    def current_number(self) -> int:
        """The number of the newest version, 0 where there is none; cheaper than the text."""
        with self._database.reading() as connection:
            return connection.execute(select(func.max(guidelines.c.number))).scalar() or 0

    def version(self, number: int) -> GuidelineVersion:
        """The version with this number; UnknownEntryError where there is none."""
        with self._database.reading() as connection:
            wanted = select(guidelines).where(guidelines.c.number == number)
            row = connection.execute(wanted).first()
        if row is None:
            raise UnknownEntryError(f"the guidelines have no version {number}")
        return _version(row)

    def changes(self, old: int, new: int | None = None) -> GuidelineChanges:
        """What changed from one version to another, None: the newest; version 0 is empty."""
        newer = self.current_number() if new is None else new
        texts = ["" if number == 0 else self.version(number).text for number in (old, newer)]
        return GuidelineChanges(old, newer, tuple(section_changes(*texts)))


def section_of_class(text: str, class_name: str) -> str | None:
    """The anchor of the section about a class: its heading is the name, or else holds it.

    Upper and lower case do not matter; None where no heading names the class.
    """
    name = " ".join(class_name.casefold().split())
    if not name:
        return None
    titles = [(one.anchor, one.title.casefold()) for one in sections_of(text) if one.level]
    whole = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    same = [anchor for anchor, title in titles if title == name]
    naming = [anchor for anchor, title in titles if whole.search(title)]
    return next(iter(same + naming), None)


def _checked(text: str) -> str:
    kept = text.replace("\r\n", "\n").replace("\r", "\n")
    if not kept.strip():
        raise InvalidValueError("guidelines must not be empty")
    if len(kept) > MAX_CHARACTERS:
        raise InvalidValueError(
            f"guidelines have at most {MAX_CHARACTERS:,} characters, but these {len(kept):,}"
        )
    try:
        kept.encode()
    except UnicodeEncodeError as error:
        raise InvalidValueError(f"guidelines must be text: {error}") from error
    if "\0" in kept:
        raise InvalidValueError("guidelines must be text, but hold a zero character")
    return kept


def _newest() -> Select[Any]:
    return select(guidelines).order_by(guidelines.c.number.desc()).limit(1)


def _version(row: Row[Any]) -> GuidelineVersion:
    return GuidelineVersion(row.number, row.text, row.author, row.at)
