"""What changed between two versions of the guidelines, section by section."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from html import escape

from prelabel.work.markdown import Section, sections_of

_MAX_WORK = 1_000_000  # pairs of words compared for one passage; more are replaced as a whole


class ChangeKind(StrEnum):
    """What happened to a section."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class SectionChange:
    """One section that is not as before.

    `anchor` is its heading's id in the newer text (removed sections: in the older one), `html` the
    Markdown with `<ins>` and `<del>` around what came and went.
    """

    anchor: str
    title: str
    kind: ChangeKind
    html: str


def section_changes(old: str, new: str) -> list[SectionChange]:
    """Sections that were added, removed or changed, in the order of the texts."""
    before, after = sections_of(old), sections_of(new)
    matcher = SequenceMatcher(None, _keys(before), _keys(after), autojunk=False)
    found: list[SectionChange] = []
    for tag, first, last, start, stop in matcher.get_opcodes():
        if tag == "equal":
            pairs = zip(before[first:last], after[start:stop], strict=True)
            found += [_changed(was, now) for was, now in pairs if was.source != now.source]
        else:
            found += [_whole(one, ChangeKind.REMOVED) for one in before[first:last]]
            found += [_whole(one, ChangeKind.ADDED) for one in after[start:stop]]
    return found


def changes_html(changes: Sequence[SectionChange]) -> str:
    """All changes as HTML: a `<section class="change …">` each, lines broken as in the source."""
    return "\n".join(
        f'<section class="change {one.kind}">'
        f"<h3>{escape(one.title) or 'Before the first heading'} <small>{one.kind}</small></h3>"
        f"<p>{one.html}</p></section>"
        for one in changes
    )


def _keys(sections: Sequence[Section]) -> list[tuple[int, str]]:
    return [(one.level, one.anchor) for one in sections]


def _whole(section: Section, kind: ChangeKind) -> SectionChange:
    mark = "ins" if kind is ChangeKind.ADDED else "del"
    return SectionChange(section.anchor, section.title, kind, _marked(mark, section.source.strip()))


def _changed(was: Section, now: Section) -> SectionChange:
    html = "".join(_pieces(was.source.strip(), now.source.strip()))
    return SectionChange(now.anchor, now.title, ChangeKind.CHANGED, html)


def _pieces(old: str, new: str) -> Iterator[str]:
    """HTML of the new text with what came and went: lines first, then words of changed lines."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    for tag, first, last, start, stop in _steps(before, after):
        if tag == "equal":
            yield _shown("".join(after[start:stop]))
        else:
            yield from _word_pieces(_words(before[first:last]), _words(after[start:stop]))


def _word_pieces(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    for tag, first, last, start, stop in _steps(before, after):
        if tag == "equal":
            yield _shown("".join(after[start:stop]))
            continue
        if last > first:
            yield _marked("del", "".join(before[first:last]))
        if stop > start:
            yield _marked("ins", "".join(after[start:stop]))


def _steps(before: Sequence[str], after: Sequence[str]) -> Sequence[tuple[str, int, int, int, int]]:
    if len(before) * len(after) > _MAX_WORK:
        return [("replace", 0, len(before), 0, len(after))]
    return SequenceMatcher(None, before, after, autojunk=False).get_opcodes()


def _words(lines: Sequence[str]) -> list[str]:
    # The space after a word belongs to it: spaces of their own would match everywhere.
    return re.findall(r"\w+\s*|[^\w\s]\s*|\s+", "".join(lines))


def _marked(tag: str, text: str) -> str:
    return f"<{tag}>{_shown(text)}</{tag}>"


def _shown(text: str) -> str:
    return escape(text).replace("\n", "<br>\n")
