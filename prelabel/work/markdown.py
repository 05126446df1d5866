"""Markdown of guidelines as HTML that neither runs nor loads anything."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from io import StringIO
from itertools import pairwise
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Before every anchor: headings that people write must not take the ids of the page's own parts.
_PREFIX = "guide-"
_OUTSIDE = ("http", "https", "mailto")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what follows it up to the next one; the first may have no heading.

    `anchor` is the id of the heading in the HTML, unique in the text; `level` 1 to 6, 0: no
    heading. `source` is its Markdown with the heading.
    """

    anchor: str
    title: str
    level: int
    source: str


@lru_cache(maxsize=8)  # everybody reads the same text
def rendered(text: str) -> str:
    """HTML of a text.

    HTML in it is shown as it is written; links lead to http, https, mailto or a heading of the
    text; a picture becomes a link to it, because pages load nothing from outside.
    """
    parser = _parser()
    tokens = parser.parse(text)
    _place_anchors(tokens)
    html: str = parser.renderer.render(tokens, parser.options, {})
    return html


@lru_cache(maxsize=8)
def sections_of(text: str) -> tuple[Section, ...]:
    """The sections of a text in order; together their sources are the text."""
    lines = list(StringIO(text))  # cut at \n alone, as the parser does
    tokens = _parser().parse(text)
    _place_anchors(tokens)
    starts = [
        (token.map[0], str(token.attrs["id"]), _plain(inline), int(token.tag[1:]))
        for token, inline in pairwise(tokens)
        if token.type == "heading_open" and token.level == 0 and token.map
    ]
    bounds = [start for start, *_ in starts] + [len(lines)]
    head = "".join(lines[: bounds[0]])
    before = [Section("", "", 0, head)] if head.strip() else []
    named = [
        Section(anchor, title, level, "".join(lines[start:end]))
        for (_, anchor, title, level), (start, end) in zip(starts, pairwise(bounds), strict=True)
    ]
    return (*before, *named)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = _may_lead_to  # type: ignore[method-assign]  # its documented way
    parser.add_render_rule("image", _picture_as_link)
    parser.add_render_rule("link_open", _link)
    return parser


def _may_lead_to(url: str) -> bool:
    if url.startswith("#"):
        return True
    try:
        scheme = urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return False
    return scheme in _OUTSIDE


def _link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    token = tokens[index]
    target = str(token.attrs.get("href", ""))
    if target.startswith("#"):
        token.attrSet("href", f"#{_PREFIX}{target[1:].removeprefix(_PREFIX)}")
    else:
        token.attrSet("target", "_blank")
        token.attrSet("rel", "noopener noreferrer nofollow")
    return renderer.renderToken(tokens, index, options, env)


def _picture_as_link(
    renderer: RendererHTML,
    tokens: Sequence[Token],
    index: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    token = tokens[index]
    told = renderer.renderInlineAsText(token.children, options, env) or "picture"
    opening = Token("link_open", "a", 1, attrs={"href": str(token.attrs.get("src", ""))})
    text, closing = Token("text", "", 0, content=told), Token("link_close", "a", -1)
    return renderer.renderInline([opening, text, closing], options, env)


def _place_anchors(tokens: Sequence[Token]) -> None:
    """Give every heading an id that no other has."""
    newest: dict[str, int] = {}  # the number of the last heading of the same words
    for token, inline in pairwise(tokens):
        if token.type != "heading_open":
            continue
        wanted = _PREFIX + (re.sub(r"\W+", "-", _plain(inline).casefold()).strip("-") or "section")
        anchor = wanted
        while anchor in newest:
            newest[wanted] += 1
            anchor = f"{wanted}-{newest[wanted]}"
        newest[anchor] = 1
        token.attrSet("id", anchor)


def _plain(inline: Token) -> str:
    """The words of a heading without their markup."""
    kinds = ("text", "code_inline", "softbreak")
    children = inline.children or []
    words = (one.content or " " for one in children if one.type in kinds)
    return " ".join("".join(words).split())
