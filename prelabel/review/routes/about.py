"""What the pages show of the project."""

import colorsys

from pydantic import Field

from prelabel.review.access import Anybody
from prelabel.review.answers import api_router
from prelabel.review.services import ServicesOfApp
from prelabel.review.views import View

router = api_router("project", 401)

_GOLDEN_TURN = 0.618033988749895  # neighbouring classes get hues far apart, however many there are


class ClassView(View):
    """A class; its id stands in boxes."""

    id: int
    name: str
    color: str


class SettingsView(View):
    """What of the section `review` of prelabel.yaml a page works by."""

    idle_s: float
    prefetch: int
    reviewer: bool
    copies: int
    lease_minutes: float


class ProjectView(View):
    """The project as everybody who works on it sees it."""

    name: str
    classes: list[ClassView]
    settings: SettingsView
    rotated: bool = Field(description="Whether boxes may be turned.")
    round: int | None = Field(description="Of the newest batch; null: none was chosen yet.")
    guideline_version: int = Field(description="0: nobody has written guidelines yet.")
    counts: dict[str, int] = Field(description="Tasks by their state.")


@router.get("/project")
def project(caller: Anybody, services: ServicesOfApp) -> ProjectView:
    """Name, classes, settings, and how far the batch is."""
    services.queue.fill_newest()
    settings, newest = services.settings, services.batches.newest()
    return ProjectView(
        name=services.name,
        classes=[
            ClassView(id=row, name=name, color=colour_of(row))
            for row, name in enumerate(services.store.classes())
        ],
        settings=SettingsView(
            idle_s=settings.idle_s,
            prefetch=settings.prefetch,
            reviewer=settings.reviewer,
            copies=settings.copies,
            lease_minutes=settings.lease_minutes,
        ),
        rotated=services.batches.is_rotated(newest),
        round=newest,
        guideline_version=services.guidelines.current_number(),
        counts={state.value: count for state, count in services.queue.counts().items()},
    )


def colour_of(class_id: int) -> str:
    """A colour for a class, #rrggbb, light enough to be seen on photographs."""
    hue = (0.02 + class_id * _GOLDEN_TURN) % 1
    lightness = (0.6, 0.7, 0.5)[class_id // 8 % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.95)
    return "#" + "".join(f"{round(255 * part):02x}" for part in (red, green, blue))
