"""The pages themselves; they hold no data, so they are for everybody."""

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.tagged import tagged

router = APIRouter(include_in_schema=False)

_PAGES = {
    "/": "index.html",
    "/reviewing": "reviewing.html",
    "/record": "record.html",
    "/owner": "owner.html",
    "/login": "login.html",
    "/docs": "docs.html",
}
_GET = ["GET", "HEAD"]


def page(request: Request, services: ServicesOfApp) -> Response:
    """The page at this address."""
    return _file(_PAGES[request.url.path], request, services)


for _path in _PAGES:
    router.add_api_route(_path, page, methods=_GET)


@router.api_route("/link/{token}", methods=_GET)
def link_page(token: str, request: Request, services: ServicesOfApp) -> Response:
    """Where a one-time link leads; its token is read by the page, which sends it on."""
    return _file("login.html", request, services)


@router.api_route("/page/{name:path}", methods=_GET)
def page_file(name: str, request: Request, services: ServicesOfApp) -> Response:
    """A module, style or picture of the pages."""
    return _file(name, request, services)


def _file(name: str, request: Request, services: Services) -> Response:
    found = services.files.find(name)
    if found is None:
        raise HTTPException(404)
    return tagged(request, found.tag, "no-cache", lambda: (found.data, found.media_type))
