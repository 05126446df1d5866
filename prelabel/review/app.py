"""The app: routes, errors and safety around the services of one project."""

import importlib.metadata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import FastAPI

from prelabel.project import Project
from prelabel.review.address import Address
from prelabel.review.errors import answer_errors
from prelabel.review.openapi import DescribedApp
from prelabel.review.routes import (
    about,
    frames,
    guidelines,
    pages,
    people,
    progress,
    record,
    reviewing,
    scenes,
    session,
    tasks,
    webhooks,
)
from prelabel.review.security import Gate
from prelabel.review.services import Services

_SUBJECTS = (
    session,
    about,
    tasks,
    frames,
    scenes,
    reviewing,
    guidelines,
    record,
    people,
    progress,
    webhooks,
    pages,
)
# As many requests are worked on at once. More only wait for one another, as Python runs one thread
# at a time; and the store keeps ten connections open, for these and for the webhooks.
THREADS = 8
_ABOUT = """\
What the pages of `prelabel review` call, and your programs may. Log in with `POST /api/login`,
keep the cookie, and send the `csrf` of the answer in the header `X-CSRF-Token` of every request
that changes something. Errors are one sentence in `error`.
"""


def build_app(project: Project, address: Address) -> DescribedApp:
    """The app that serves an open project under an address; the caller closes the project."""
    return app_of(Services.of(project, address))


def app_of(services: Services) -> DescribedApp:
    """The app on services that were made already."""
    app = DescribedApp(
        title=f"prelabel: {services.name}",
        version=importlib.metadata.version("prelabel"),
        description=_ABOUT,
        lifespan=_few_threads,
        docs_url=None,  # the page at /docs is our own: theirs load from other hosts
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.address = services.address
    app.state.services = services
    for subject in _SUBJECTS:
        app.include_router(subject.router)
    answer_errors(app)
    app.add_middleware(Gate, address=services.address)
    return app


@asynccontextmanager
async def _few_threads(app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield
