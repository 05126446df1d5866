"""Who may work on the project; for its owners."""

from typing import Annotated, Literal

from fastapi import Path, Request
from pydantic import Field

from prelabel.review.access import Owner
from prelabel.review.answers import api_router, failing_with
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.views import STORABLE, Body, Moment, View
from prelabel.store.errors import ConflictError
from prelabel.work.names import MAX_LENGTH
from prelabel.work.people import LINK_VALID, Person, Role

router = api_router("people", 401, 403)

RoleName = Literal["annotator", "reviewer", "owner"]
Name = Annotated[str, Path(min_length=1, max_length=MAX_LENGTH), STORABLE]


class NewPersonBody(Body):
    """Somebody new, who cannot log in before a link is made."""

    name: Annotated[
        str, Field(strict=True, min_length=1, max_length=MAX_LENGTH, examples=["ada"]), STORABLE
    ]
    role: RoleName


class RoleBody(Body):
    """What somebody may do from now on."""

    role: RoleName


class PersonView(View):
    """Somebody who may work on the project, or might before."""

    name: str
    role: RoleName
    disabled: bool
    has_login: bool
    added_at: Moment


class PeopleView(View):
    """Everybody."""

    people: list[PersonView]


class LinkView(View):
    """A link that logs its reader in once; shown only here."""

    link: str
    valid_until: Moment


@router.get("/people")
def everybody(caller: Owner, services: ServicesOfApp) -> PeopleView:
    """Everybody, disabled people too, in the order they were added."""
    return PeopleView(people=[_view(one) for one in services.people.all()])


@router.post("/people", responses=failing_with(409))
def add_person(body: NewPersonBody, caller: Owner, services: ServicesOfApp) -> PersonView:
    """Add somebody; make a link for them next."""
    return _view(services.people.add(body.name, Role(body.role), caller.person))


@router.post("/people/{name}/link", responses=failing_with(404, 409))
def make_link(name: Name, caller: Owner, request: Request, services: ServicesOfApp) -> LinkView:
    """A one-time link, which replaces earlier ones; it leads where the owner is now."""
    _check_owner_can_get_in(name, caller, services)
    valid_until = services.clock() + LINK_VALID
    token = services.people.one_time_link(name, caller.person, LINK_VALID)
    here = services.address.url_under(request.headers["host"])
    return LinkView(link=f"{here}/link/{token}", valid_until=valid_until)


@router.post("/people/{name}/disable", responses=failing_with(404, 409))
def disable(name: Name, caller: Owner, services: ServicesOfApp) -> PersonView:
    """Shut somebody out; what they did stays."""
    return _view(services.people.disable(name, caller.person))


@router.post("/people/{name}/enable", responses=failing_with(404))
def enable(name: Name, caller: Owner, services: ServicesOfApp) -> PersonView:
    """Let somebody in again."""
    return _view(services.people.enable(name, caller.person))


@router.post("/people/{name}/role", responses=failing_with(404, 409))
def set_role(name: Name, body: RoleBody, caller: Owner, services: ServicesOfApp) -> PersonView:
    """Give somebody another role."""
    return _view(services.people.set_role(name, Role(body.role), caller.person))


def _check_owner_can_get_in(name: str, caller: Owner, services: Services) -> None:
    """From the first link on a login is asked: of the owner, too, who must have one by then."""
    if caller.login_needed or services.people.any_with_login(Role.OWNER):
        return
    if services.people.get(name).role is not Role.OWNER:
        raise ConflictError(
            "with this link everybody will have to log in, and no owner can yet: make a link for "
            f"an owner first, such as {caller.person}"
        )


def _view(person: Person) -> PersonView:
    return PersonView(
        name=person.name,
        role=person.role.value,
        disabled=person.disabled,
        has_login=person.has_login,
        added_at=person.added_at,
    )
