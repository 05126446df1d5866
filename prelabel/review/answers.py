"""How the answers of routes are described in the OpenAPI document."""

from typing import Any

from fastapi import APIRouter

from prelabel.review.views import ErrorView

_TOLD = {
    400: "The request cannot be read, or came under a name that is not this server's.",
    401: "Nobody is logged in.",
    403: "The person may not do this, or the CSRF token is missing.",
    404: "There is no such thing, or the person may not know of it.",
    409: "It contradicts what has happened meanwhile.",
    413: "The body is larger than the limit: send it in parts.",
    422: "The request breaks a rule.",
    429: "Too many tries; the header Retry-After says how many seconds to wait.",
    503: "The database does not answer; try again.",
}
_EXAMPLES = {
    401: "log in first: POST /api/login",
    403: "this needs the role owner, but ada is annotator",
    404: "there is no task 12",
    409: "2 proposals are still undecided",
    422: "body.reason: must say something",
    429: "too many tries: wait 30 s, then try again",
}
Answers = dict[int | str, dict[str, Any]]


def failing_with(*statuses: int) -> Answers:
    """Descriptions of answers with these statuses, all of them an `ErrorView`."""
    return {status: _described(status) for status in statuses}


def api_router(subject: str, *statuses: int) -> APIRouter:
    """A router below /api whose answers may always fail in the usual ways, and with `statuses`."""
    return APIRouter(
        prefix="/api", tags=[subject], responses=failing_with(400, 413, 503, *statuses)
    )


def _described(status: int) -> dict[str, Any]:
    described: dict[str, Any] = {"model": ErrorView, "description": _TOLD[status]}
    if status in _EXAMPLES:
        described["content"] = {"application/json": {"example": {"error": _EXAMPLES[status]}}}
    return described
