"""Guidelines as HTML: nothing that an author writes runs, loads, or takes the page's ids."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prelabel.work.guidelines import section_of_class
from prelabel.work.markdown import rendered, sections_of

HARMLESS = {
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "em", "strong", "s", "code", "pre"),
    *("ul", "ol", "li", "blockquote", "a", "table", "thead", "tbody", "tr", "th", "td"),
}
ATTRIBUTES = {"href", "id", "target", "rel", "title", "class", "style", "start"}


class Tags(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def tags_of(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def assert_harmless(html: str) -> None:
    for tag, attributes in tags_of(html):
        assert tag in HARMLESS
        assert set(attributes) <= ATTRIBUTES
        assert (attributes.get("style") or "text-align:").startswith("text-align:")
        assert (attributes.get("id") or "guide-").startswith("guide-")
        target = attributes.get("href")
        assert target is None or target.startswith(("http://", "https://", "mailto:", "#guide-"))


NASTY = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a <b onclick='x'>b</b>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html,<script>1</script>)",
    "[x](vbscript:1) [y](file:///etc/passwd) [z](//evil.example/x) [w](/api/logout) [v](a.html)",
    "<javascript:alert(1)>",
    "![x](data:image/png;base64,AAAA)",
    "![x](https://evil.example/pixel.png)",
    "![x](picture.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://a.example "\\" onclick=\\"alert(1)")',
    "# x {onclick=alert(1)}",
    '```html" onclick="x\n<script>\n```',
    "# login-form\n# <script>",
]


@pytest.mark.parametrize("text", NASTY)
def test_nothing_runs_and_nothing_is_loaded(text: str) -> None:
    html = rendered(text)
    assert_harmless(html)
    assert "<script" not in html
    assert "<img" not in html


@given(st.text(st.sampled_from("#*_[]()<>!`|-:/\\\n \"'&;=abh1jpst\u2028\x0c"), max_size=120))
def test_no_text_at_all_does_harm(text: str) -> None:
    assert_harmless(rendered(text))
    assert "".join(one.source for one in sections_of(text)).strip() == text.strip()


def test_what_authors_need_is_there() -> None:
    html = rendered(
        "# Birds\n\n*Grey* **big** ~~old~~ `code`\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n"
        "1. one\n2. two\n\n> said\n\n[site](https://a.example/x?y=1&z=2) [mail](mailto:a@b.example)"
        " [below](#heron)\n\n## Heron\n"
    )
    assert {"h1", "em", "strong", "s", "code", "table", "ol", "blockquote"} <= {
        tag for tag, _ in tags_of(html)
    }
    links = [attributes for tag, attributes in tags_of(html) if tag == "a"]
    assert [link["href"] for link in links] == [
        "https://a.example/x?y=1&z=2",
        "mailto:a@b.example",
        "#guide-heron",
    ]
    assert links[0]["rel"] == "noopener noreferrer nofollow"
    assert "target" not in links[2]
    assert '<h2 id="guide-heron">Heron</h2>' in html


def test_a_picture_is_a_link_to_it() -> None:
    html = rendered("![a *grey* heron](https://a.example/h.png)")
    assert ">a grey heron</a>" in html
    assert 'href="https://a.example/h.png"' in html


def test_headings_of_the_same_words_have_ids_of_their_own() -> None:
    text = "# A\n# A\n# A 2\n# !\n# ?\n# a\n"
    anchors = [one.anchor for one in sections_of(text)]
    assert anchors == [
        "guide-a",
        "guide-a-2",
        "guide-a-2-2",
        "guide-section",
        "guide-section-2",
        "guide-a-3",
    ]
    assert [attributes["id"] for _, attributes in tags_of(rendered(text))] == anchors


def test_sections_are_cut_at_headings_only() -> None:
    text = "Before.\n\n# One\n\n```\n# no heading\n```\n> # nor this\n\nTwo *words*\n===\n\nEnd\n"
    found = sections_of(text)
    assert [(one.title, one.level) for one in found] == [("", 0), ("One", 1), ("Two words", 1)]
    assert "".join(one.source for one in found) == text
    assert sections_of("") == ()


GUIDE = """# Birds
## Grey heron and egret
## Heron
### The `great egret`
## Van & car
## C++
## Автобус
"""


@pytest.mark.parametrize(
    ("class_name", "anchor"),
    [
        ("heron", "guide-heron"),  # the heading that is the name, before one that holds it
        ("Egret", "guide-grey-heron-and-egret"),
        ("GREAT  egret", "guide-the-great-egret"),
        ("car", "guide-van-car"),
        ("c++", "guide-c"),
        ("автобус", "guide-автобус"),
        ("bird", None),  # parts of words do not count
        ("ar", None),
        ("", None),
    ],
)
def test_the_section_of_a_class(class_name: str, anchor: str | None) -> None:
    assert section_of_class(GUIDE, class_name) == anchor
