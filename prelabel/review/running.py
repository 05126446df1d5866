"""The work of `prelabel review`, from an open project to the end of the server."""

import logging
from collections.abc import Callable

import numpy as np

from prelabel.datasets.wording import counted
from prelabel.project import Project
from prelabel.review.address import Address
from prelabel.review.app import app_of
from prelabel.review.services import Services
from prelabel.review.serving import (
    check_allowed,
    check_tls,
    listening_socket,
    serve,
    warning,
)
from prelabel.store.store import utc_now
from prelabel.work.delivering import Deliverer
from prelabel.work.people import Role
from prelabel.work.records import TaskState

_OPEN = (TaskState.QUEUED, TaskState.IN_WORK, TaskState.SENT_BACK)


def run_review(
    project: Project, address: Address, say: Callable[[str], None], open_browser: bool
) -> None:
    """Serve the project until the process is told to stop; `say` is given what to print.

    Raises AddressError where the address may not be used, or cannot.
    """
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.WARNING)
    if address.tls is not None:
        check_tls(address.tls)
    services = Services.of(project, address)
    check_allowed(address, services.people.any_with_login(Role.OWNER))
    with listening_socket(address) as listener:
        services.queue.fill_newest()
        say(waiting_told(services))
        for line in (warning(address), _who_is_asked(services)):
            if line:
                say(line)
        deliverer = Deliverer(project.store.database, utc_now, np.random.default_rng())
        deliverer.start()
        try:
            serve(
                app_of(services),
                address,
                listener,
                lambda url: say(f"The page is at {url} (Ctrl+C ends it)."),
                open_browser,
            )
        finally:
            deliverer.stop()


def waiting_told(services: Services) -> str:
    """How much there is to do, in one line."""
    newest = services.batches.newest()
    if newest is None:
        return "No batch yet: `prelabel select --budget 50` chooses one, also while this runs."
    counts = services.queue.counts()
    left = sum(counts[state] for state in _OPEN)
    told = f"Round {newest}: {counted(left, 'frame')} wait for people"
    if counts[TaskState.SUBMITTED]:
        told += f", {counted(counts[TaskState.SUBMITTED], 'frame')} for a reviewer"
    if left + counts[TaskState.SUBMITTED] == 0:
        told += "; the batch is done: `prelabel train` learns from it"
    return f"{told}."


def _who_is_asked(services: Services) -> str | None:
    if services.login_needed():
        return None
    return f"No login is asked on this machine; what is done is {services.local_user}'s."
