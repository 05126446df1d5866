"""Who one is, and logging in and out."""

import unicodedata
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Request, Response
from pydantic import AfterValidator, Field

from prelabel.review.access import (
    Anybody,
    Caller,
    LoginNeededError,
    address_of,
    drop_cookie,
    new_local_token,
    set_cookie,
)
from prelabel.review.answers import api_router, failing_with
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.views import STORABLE, Body, DoneView, ShortText, View
from prelabel.work.names import name_key
from prelabel.work.passwords import MAX_LENGTH, MIN_LENGTH
from prelabel.work.people import Person

router = api_router("session")
_OPEN: dict[str, Any] = {"security": []}  # may be asked by whoever is not logged in


def _long_enough(password: str | None) -> str | None:
    # Before the link is used up: who mistypes must be able to try again.
    if password is not None and len(unicodedata.normalize("NFKC", password)) < MIN_LENGTH:
        raise ValueError(f"must have at least {MIN_LENGTH} characters")
    return password


class LoginBody(Body):
    """A name and a password."""

    name: ShortText = Field(examples=["ada"])
    password: Annotated[str, Field(strict=True, min_length=1, max_length=MAX_LENGTH), STORABLE]


class LinkBody(Body):
    """The token of a one-time link, and the password to be used from now on, if any."""

    token: Annotated[str, Field(strict=True, min_length=1, max_length=200), STORABLE]
    password: Annotated[
        Annotated[str, Field(strict=True, min_length=MIN_LENGTH, max_length=MAX_LENGTH), STORABLE]
        | None,
        AfterValidator(_long_enough),
    ] = None


class MeView(View):
    """Who is logged in; `csrf` goes into the header X-CSRF-Token of unsafe requests."""

    person: str
    role: str
    csrf: str
    login_needed: bool = Field(description="False where one person works alone on this machine.")
    seconds_today: float = Field(description="Active time since midnight, by the server's zone.")


@router.get("/me", responses=failing_with(401))
def me(caller: Anybody, response: Response, services: ServicesOfApp) -> MeView:
    """Who one is; on a server without login this begins a session."""
    if caller.token is None:
        caller = Caller(caller.person, caller.role, new_local_token(), caller.login_needed)
        set_cookie(response, services.address, str(caller.token))
    return _me(caller, services)


@router.post("/login", responses=failing_with(401, 403, 409, 429), openapi_extra=_OPEN)
def login(body: LoginBody, request: Request, response: Response, services: ServicesOfApp) -> MeView:
    """Log in with a password. A wrong name and a wrong password get the same answer."""
    by_address, by_name = services.limits.by_address, services.limits.by_name
    address, name = address_of(request, services.address), name_key(body.name)
    by_address.take(address)
    by_name.take(name)
    person = services.people.check_password(body.name, body.password)
    if person is None:
        raise LoginNeededError("this name and password do not belong together")
    by_address.give_back(address)
    by_name.give_back(name)
    return _begun(person, request, response, services)


@router.post("/link", responses=failing_with(401, 403, 409, 429), openapi_extra=_OPEN)
def redeem_link(
    body: LinkBody, request: Request, response: Response, services: ServicesOfApp
) -> MeView:
    """Log in with a one-time link, and choose a password."""
    address = address_of(request, services.address)
    services.limits.by_address.take(address)
    person = services.people.redeem(body.token)
    services.limits.by_address.give_back(address)
    if body.password is not None:
        person = services.people.set_password(person.name, body.password)
    return _begun(person, request, response, services)


@router.post("/logout", responses=failing_with(401, 403))
def logout(caller: Anybody, response: Response, services: ServicesOfApp) -> DoneView:
    """End the session."""
    if caller.token is not None:
        services.sessions.end(caller.token)
    drop_cookie(response, services.address)
    return DoneView()


def _begun(person: Person, request: Request, response: Response, services: Services) -> MeView:
    """A new session in the place of an older one, so that nobody's old token lives on."""
    older = request.cookies.get(services.address.cookie_name)
    if older is not None:
        services.sessions.end(older)
    token = services.sessions.begin(person)
    set_cookie(response, services.address, token)
    return _me(Caller(person.name, person.role, token, True), services)


def _me(caller: Caller, services: Services) -> MeView:
    seconds = services.time_sheet.total_seconds(caller.person, _midnight(services.clock()))
    return MeView(
        person=caller.person,
        role=str(caller.role),
        csrf=caller.csrf or "",
        login_needed=caller.login_needed,
        seconds_today=seconds,
    )


def _midnight(now: datetime) -> datetime:
    here = now.astimezone()
    return here - timedelta(
        hours=here.hour,
        minutes=here.minute,
        seconds=here.second,
        microseconds=here.microsecond,
    )
