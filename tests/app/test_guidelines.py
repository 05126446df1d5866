"""Guidelines: every version is kept, and people are shown what changed."""

import re
import threading
import time
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.datasets.errors import InvalidValueError
from prelabel.store.changes import Clock
from prelabel.store.errors import UnknownEntryError
from prelabel.store.records import EventKind
from prelabel.store.store import Store
from prelabel.work.changes import ChangeKind, changes_html, section_changes
from prelabel.work.guidelines import MAX_CHARACTERS, Guidelines

FIRST = "# Birds\nLook twice.\n\n## Heron\nGrey, with a long neck.\n\n## Egret\nWhite.\n"
SECOND = "# Birds\nLook twice.\n\n## Heron\nGrey, with a very long bill.\n\n## Stork\nRed <legs>.\n"


@pytest.fixture
def guidelines(store: Store, clock: Clock) -> Guidelines:
    return Guidelines(store.database, clock)


def test_versions_are_kept_in_order(guidelines: Guidelines, store: Store) -> None:
    assert guidelines.current() is None
    assert guidelines.current_number() == 0
    first = guidelines.write(FIRST, "olga")
    second = guidelines.write(SECOND, "ann")
    assert (first.number, first.text, first.author) == (1, FIRST, "olga")
    assert guidelines.current() == second
    assert guidelines.current_number() == 2
    assert guidelines.version(1) == first
    assert '<h2 id="guide-heron">Heron</h2>' in first.html
    with pytest.raises(UnknownEntryError, match="the guidelines have no version 3"):
        guidelines.version(3)
    written = [one for one in store.events() if one.kind is EventKind.GUIDELINE_WRITTEN]
    assert [(one.author, one.details["version"]) for one in written] == [("olga", 1), ("ann", 2)]


def test_the_same_text_is_no_new_version(guidelines: Guidelines) -> None:
    first = guidelines.write(FIRST, "olga")
    assert guidelines.write(FIRST.replace("\n", "\r\n"), "ann") == first
    guidelines.write(SECOND, "ann")
    assert guidelines.write(FIRST, "ann").number == 3  # going back is a version too


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" \n", "must not be empty"),
        ("x" * (MAX_CHARACTERS + 1), "at most 200,000 characters"),
        ("a\0b", "zero character"),
        ("\ud800", "must be text"),
    ],
)
def test_what_is_no_text_is_refused(guidelines: Guidelines, text: str, message: str) -> None:
    with pytest.raises(InvalidValueError, match=message):
        guidelines.write(text, "olga")
    assert guidelines.current() is None


def test_writers_at_the_same_time_lose_nothing(guidelines: Guidelines) -> None:
    threads = [
        threading.Thread(target=guidelines.write, args=(f"text {number}", "olga"))
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    texts = {guidelines.version(number).text for number in range(1, 9)}
    assert texts == {f"text {number}" for number in range(8)}


def test_changes_are_told_by_section(guidelines: Guidelines) -> None:
    guidelines.write(FIRST, "olga")
    guidelines.write(SECOND, "olga")
    changes = guidelines.changes(1)
    assert (changes.old, changes.new) == (1, 2)
    assert [(one.title, one.kind) for one in changes.sections] == [
        ("Heron", ChangeKind.CHANGED),
        ("Egret", ChangeKind.REMOVED),
        ("Stork", ChangeKind.ADDED),
    ]
    heron, egret, stork = changes.sections
    assert heron.anchor == "guide-heron"
    assert "with a <ins>very </ins>long <del>neck</del><ins>bill</ins>." in heron.html
    assert egret.html == "<del>## Egret<br>\nWhite.</del>"
    assert stork.html == "<ins>## Stork<br>\nRed &lt;legs&gt;.</ins>"
    assert "Look twice" not in changes.html
    assert changes.html.count('<section class="change ') == 3
    assert guidelines.changes(2).sections == ()
    assert guidelines.changes(2, 1).sections[-1].kind is ChangeKind.ADDED


def test_everything_is_new_to_whoever_read_nothing(guidelines: Guidelines) -> None:
    guidelines.write(FIRST, "olga")
    assert {one.kind for one in guidelines.changes(0).sections} == {ChangeKind.ADDED}
    with pytest.raises(UnknownEntryError):
        guidelines.changes(7)


def test_titles_are_escaped() -> None:
    html = changes_html(section_changes("", "text\n\n# <b>&\n"))
    assert "<h3>Before the first heading <small>added</small></h3>" in html
    assert "<h3>&lt;b&gt;&amp; <small>added</small></h3>" in html


texts = st.text(st.sampled_from("ab <&>\n#"), max_size=60)


@given(texts, texts)
def test_both_texts_can_be_read_off_the_changes(old: str, new: str) -> None:
    """What is not struck out is the new text of a section, what is not inserted the old one."""
    for one in section_changes(old, new):
        assert not re.search(r"<(?!/?(ins|del|br)>)", one.html)
        sources = {"del": new, "ins": old}
        for tag, text in sources.items():
            kept = re.sub(f"<{tag}>.*?</{tag}>", "", one.html, flags=re.DOTALL)
            plain = unescape(re.sub(r"<br>|</?(ins|del)>", "", kept))
            assert plain.strip() in text


def test_long_texts_are_compared_in_time() -> None:
    words = [f"word{number}" for number in range(20_000)]
    old, new = " ".join(words), " ".join(word for word in words if not word.endswith("7"))
    begun = time.process_time()
    (change,) = section_changes(old, new)
    assert time.process_time() - begun < 5  # about 0.01 on a quiet machine
    assert change.kind is ChangeKind.CHANGED
