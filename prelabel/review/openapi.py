"""The OpenAPI document, with who may call what and how errors look."""

from typing import Any

from fastapi import FastAPI

from prelabel.review.access import CSRF_HEADER
from prelabel.review.address import Address
from prelabel.review.security import SAFE_METHODS

_SESSION, _CSRF = "session", "csrf"
_OWN_ERROR = {"$ref": "#/components/schemas/ErrorView"}
_NOT_OURS = ("HTTPValidationError", "ValidationError")


def described(document: dict[str, Any], address: Address) -> dict[str, Any]:
    """FastAPI's document, made to say what this server does.

    Every operation but logging in needs the session's cookie, unsafe ones its CSRF token too, and
    a request that breaks a rule is answered with an `ErrorView`.
    """
    components = document["components"]
    components["securitySchemes"] = {
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": address.cookie_name,
            "description": "Set by logging in, or by GET /api/me where no login is asked.",
        },
        _CSRF: {
            "type": "apiKey",
            "in": "header",
            "name": CSRF_HEADER,
            "description": "As GET /api/me gives it.",
        },
    }
    for name in _NOT_OURS:
        components["schemas"].pop(name, None)
    for path in document["paths"].values():
        for method, operation in path.items():
            _describe(method, operation)
    return document


def _describe(method: str, operation: dict[str, Any]) -> None:
    needed: dict[str, list[str]] = {_SESSION: []}
    if method.upper() not in SAFE_METHODS:
        needed[_CSRF] = []
    operation.setdefault("security", [needed])
    broken = operation["responses"].get("422")
    if broken is not None:
        broken["description"] = "The request breaks a rule."
        broken["content"] = {"application/json": {"schema": _OWN_ERROR}}


class DescribedApp(FastAPI):
    """An app whose OpenAPI document is completed once, when it is first asked for."""

    address = Address()

    def openapi(self) -> dict[str, Any]:
        if self.openapi_schema is None:
            self.openapi_schema = described(super().openapi(), self.address)
        return self.openapi_schema
