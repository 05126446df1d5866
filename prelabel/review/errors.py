"""Errors as answers: a status, and one sentence that says what is wrong and what to do."""

import logging
import math
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from prelabel.datasets.errors import InvalidValueError, PrelabelError
from prelabel.datasets.pictures import UnusablePictureError
from prelabel.review.access import ForbiddenError, LoginNeededError
from prelabel.review.limits import TooManyTriesError
from prelabel.review.views import ErrorView
from prelabel.store.errors import ConflictError, StoreError, UnknownEntryError
from prelabel.work.errors import LeaseLostError, NotAllowedError, UndecidedError, UnknownTaskError
from prelabel.work.people_errors import DisabledPersonError, InvalidLinkError

_LOG = logging.getLogger(__name__)

# Of the classes of an error, the first one that stands here decides.
STATUS_OF_ERROR: dict[type[PrelabelError], int] = {
    LoginNeededError: 401,
    InvalidLinkError: 401,
    ForbiddenError: 403,
    NotAllowedError: 409,
    DisabledPersonError: 409,
    UnknownTaskError: 404,
    UnknownEntryError: 404,
    UnusablePictureError: 404,
    ConflictError: 409,
    LeaseLostError: 409,
    UndecidedError: 409,
    InvalidValueError: 422,
    TooManyTriesError: 429,
    StoreError: 503,
    PrelabelError: 400,
}
_TOLD_OF_STATUS = {
    404: "there is nothing at this address",
    405: "this address does not take that method",
}
_MOST_MISTAKES = 3


def answer_errors(app: FastAPI) -> None:
    """Let the app answer every foreseen error with its status and one sentence."""
    app.add_exception_handler(PrelabelError, _on_own_error)
    app.add_exception_handler(RequestValidationError, _on_bad_request)
    app.add_exception_handler(HTTPException, _on_http_error)


def _on_own_error(request: Request, error: Exception) -> Response:
    status = next(STATUS_OF_ERROR[one] for one in type(error).__mro__ if one in STATUS_OF_ERROR)
    told, headers = str(error), {}
    if isinstance(error, StoreError) and status == 503:
        # The sentence names the database, which is nothing to people who only label.
        _LOG.error("%s %s: %s", request.method, request.url.path, error)
        told, headers["Retry-After"] = "the project's database does not answer: try again", "5"
    if isinstance(error, UnusablePictureError):
        told = f"the picture {error.reason}"  # people who only label need not know where it lies
    if isinstance(error, TooManyTriesError):
        headers["Retry-After"] = str(math.ceil(error.wait_s))
    taken = True if isinstance(error, LeaseLostError) else None
    return _answer(status, ErrorView(error=told, taken_by_other=taken), headers)


def _on_bad_request(request: Request, error: Exception) -> Response:
    mistakes = error.errors() if isinstance(error, RequestValidationError) else []
    told = [_mistake(one) for one in mistakes[:_MOST_MISTAKES]]
    if len(mistakes) > _MOST_MISTAKES:
        told.append(f"and {len(mistakes) - _MOST_MISTAKES} more mistakes")
    return _answer(422, ErrorView(error="; ".join(told)))


def _on_http_error(request: Request, error: Exception) -> Response:
    status, told, headers = 500, "", dict[str, str]()
    if isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        told = _TOLD_OF_STATUS.get(status, error.detail)
    if status == 405:
        headers["Allow"] = ", ".join(_methods(request))
    return _answer(status, ErrorView(error=told), headers)


def _methods(request: Request) -> list[str]:
    """All methods that the address of a request takes; a route by itself knows only its own."""
    routes = iter_route_contexts(request.app.routes)
    found = [one.methods or () for one in routes if one.matches(request.scope)[0] != Match.NONE]
    return sorted({method for methods in found for method in methods})


def _mistake(one: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in one["loc"])
    return f"{place}: {one['msg']}"


def _answer(status: int, view: ErrorView, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse(view.model_dump(exclude_none=True), status, headers)
