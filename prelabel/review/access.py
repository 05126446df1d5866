"""Who asks, and what they may do."""

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from prelabel.datasets.errors import PrelabelError
from prelabel.review.address import Address
from prelabel.review.security import SAFE_METHODS
from prelabel.review.services import Services, ServicesOfApp
from prelabel.work.people import Role
from prelabel.work.tokens import csrf_token, new_token

CSRF_HEADER = "X-CSRF-Token"
_COOKIE_SECONDS = 7 * 24 * 3600  # the server ends sessions earlier; a cookie need not outlive them


class LoginNeededError(PrelabelError):
    """Nobody is logged in."""


class ForbiddenError(PrelabelError):
    """Somebody is logged in who may not do this."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `token` is the session's; None: nobody has one yet, on a server without login."""

    person: str
    role: Role
    token: str | None
    login_needed: bool

    @property
    def csrf(self) -> str | None:
        """What unsafe requests of this session must carry."""
        return None if self.token is None else csrf_token(self.token)

    def may(self, role: Role) -> bool:
        return self.role >= role


def who_asks(request: Request, services: ServicesOfApp) -> Caller:
    """The caller behind the session's cookie.

    Raises LoginNeededError where there must be one and is none, ForbiddenError where an unsafe
    request does not carry the session's CSRF token.
    """
    token = request.cookies.get(services.address.cookie_name)
    caller = _caller(token, services)
    if request.method not in SAFE_METHODS:
        _check_csrf(caller, request.headers.get(CSRF_HEADER, ""))
    return caller


async def reviewer(caller: Annotated[Caller, Depends(who_asks)]) -> Caller:
    """The caller, who is a reviewer or more."""
    return _with_role(caller, Role.REVIEWER)


async def owner(caller: Annotated[Caller, Depends(who_asks)]) -> Caller:
    """The caller, who is an owner."""
    return _with_role(caller, Role.OWNER)


Anybody = Annotated[Caller, Depends(who_asks)]
Reviewer = Annotated[Caller, Depends(reviewer)]
Owner = Annotated[Caller, Depends(owner)]


def set_cookie(response: Response, address: Address, token: str) -> None:
    """Let the browser keep a session."""
    response.set_cookie(
        address.cookie_name,
        token,
        max_age=_COOKIE_SECONDS,
        path="/",
        secure=address.is_secure,
        httponly=True,
        samesite="strict",
    )


def drop_cookie(response: Response, address: Address) -> None:
    """Let the browser forget a session."""
    response.delete_cookie(
        address.cookie_name, path="/", secure=address.is_secure, httponly=True, samesite="strict"
    )


def address_of(request: Request, address: Address) -> str:
    """The address that a request comes from.

    Behind a proxy it is the last one of X-Forwarded-For, which the proxy has added; those before it
    are what the client claims.
    """
    told = request.headers.get("x-forwarded-for", "") if address.public_url is not None else ""
    nearest = told.rpartition(",")[2].strip()
    return nearest or (request.client.host if request.client else "")


def new_local_token() -> str:
    """A session of a server without login: its cookie and CSRF token, kept by the browser alone."""
    return new_token()


def _caller(token: str | None, services: Services) -> Caller:
    if token is not None:
        session = services.sessions.find(token)
        if session is not None:
            return Caller(session.person.name, session.person.role, token, True)
    if services.login_needed():
        raise LoginNeededError("log in first: POST /api/login")
    return Caller(services.local_user, Role.OWNER, token, False)


def _check_csrf(caller: Caller, sent: str) -> None:
    expected = caller.csrf
    if expected is None or not hmac.compare_digest(expected.encode(), sent.encode()):
        raise ForbiddenError(
            f"the header {CSRF_HEADER} is missing or not this session's: GET /api/me gives it"
        )


def _with_role(caller: Caller, needed: Role) -> Caller:
    if not caller.may(needed):
        raise ForbiddenError(f"this needs the role {needed}, but {caller.person} is {caller.role}")
    return caller
