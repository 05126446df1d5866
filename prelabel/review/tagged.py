"""Answers that a browser keeps, and asks for again by their tag."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response


def tagged(
    request: Request, tag: str, keep: str, content: Callable[[], tuple[bytes, str]]
) -> Response:
    """Bytes with their media type from `content`, or 304 where the browser has them already.

    `tag` is different for different bytes, `keep` the Cache-Control header.
    """
    headers = {"ETag": f'"{tag}"', "Cache-Control": keep}
    if tag in _known_tags(request.headers.get("if-none-match", "")):
        return Response(status_code=304, headers=headers)
    data, media_type = content()
    return Response(data, media_type=media_type, headers=headers)


def _known_tags(header: str) -> set[str]:
    return {one.strip().removeprefix("W/").strip('"') for one in header.split(",")}
