"""The guidelines: reading them, what changed, and writing them."""

from typing import Annotated

from fastapi import Query
from pydantic import Field

from prelabel.review.access import Anybody, Owner
from prelabel.review.answers import api_router, failing_with
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.views import STORABLE, Body, Moment, Number, View
from prelabel.work.guidelines import MAX_CHARACTERS, GuidelineVersion, section_of_class
from prelabel.work.markdown import rendered

router = api_router("guidelines", 401, 403)


class GuidelineBody(Body):
    """Guidelines in Markdown."""

    text: Annotated[str, Field(strict=True, min_length=1, max_length=MAX_CHARACTERS), STORABLE]


class GuidelineView(View):
    """One version of the guidelines; version 0: nobody has written any."""

    version: int
    text: str
    html: str = Field(description="The text rendered; it neither runs nor loads anything.")
    author: str | None
    at: Moment | None
    sections: dict[str, str] = Field(
        description="By class name, the id of the heading in `html` under which it is told of."
    )


class GuidelineChangesView(View):
    """What changed from one version to the newest."""

    from_: int = Field(alias="from", serialization_alias="from")
    to: int
    html: str


class PreviewView(View):
    """A text as it will be shown."""

    html: str


@router.get("/guidelines", responses=failing_with(404))
def guidelines(
    caller: Anybody,
    services: ServicesOfApp,
    version: Annotated[Number | None, Query(description="None: the newest.")] = None,
) -> GuidelineView:
    """A version of the guidelines."""
    if version is not None:
        return _view(services.guidelines.version(version), services)
    newest = services.guidelines.current()
    if newest is None:
        return GuidelineView(version=0, text="", html="", author=None, at=None, sections={})
    return _view(newest, services)


@router.get("/guidelines/changes", responses=failing_with(404))
def changes(
    caller: Anybody,
    services: ServicesOfApp,
    since: Annotated[int, Query(ge=0, le=2**53 - 1, description="The version that was read.")],
) -> GuidelineChangesView:
    """What changed since a version, section by section; since 0: everything is new."""
    found = services.guidelines.changes(since)
    return GuidelineChangesView(**{"from": found.old}, to=found.new, html=found.html)


@router.put("/guidelines")
def write(body: GuidelineBody, caller: Owner, services: ServicesOfApp) -> GuidelineView:
    """A new version, which everybody at work is told of; the same text changes nothing."""
    return _view(services.guidelines.write(body.text, caller.person), services)


@router.post("/guidelines/preview")
def preview(body: GuidelineBody, caller: Owner, services: ServicesOfApp) -> PreviewView:
    """How a text will be shown."""
    return PreviewView(html=rendered(body.text))


def _view(version: GuidelineVersion, services: Services) -> GuidelineView:
    anchors = {name: section_of_class(version.text, name) for name in services.store.classes()}
    return GuidelineView(
        version=version.number,
        text=version.text,
        html=version.html,
        author=version.author,
        at=version.at,
        sections={name: anchor for name, anchor in anchors.items() if anchor is not None},
    )
