"""People of a project, and how they come in."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from playwright.sync_api import BrowserContext, Page
from review_app import Served, served
from review_projects import ReviewProject

from prelabel.project import open_project
from prelabel.work.people import Role


def with_people(project: ReviewProject, roles: Mapping[str, Role]) -> dict[str, str]:
    """Add people to a project; the token of a one-time link for each."""
    with open_project(project.folder) as opened:
        for name, role in roles.items():
            opened.people.add(name, role, "machine")
        return {name: opened.people.one_time_link(name, "machine") for name in roles}


@contextmanager
def served_project(project: ReviewProject) -> Iterator[Served]:
    """The server of a project in a thread of the test's process, which starts in no time."""
    with open_project(project.folder, author="ann") as opened, served(opened) as server:
        yield server


def enter(context: BrowserContext, url: str, token: str) -> Page:
    """The annotator's page of a server, in front of the person whose link it is."""
    page = context.new_page()
    page.goto(f"{url}/link/{token}")
    page.get_by_role("button", name="Go on without a password").click()
    page.wait_for_url(f"{url}/")
    return page


def needs_reviewer(project: ReviewProject, copies: int = 1) -> None:
    """Have a reviewer look at what is handed in, of so many people a frame, one frame at a time."""
    with (project.folder / "prelabel.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"review:\n  reviewer: true\n  copies: {copies}\n  prefetch: 0\n")
