"""What the routes call: the rules of people's work on one open project."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from prelabel.project import Project
from prelabel.review.address import Address
from prelabel.review.batches import Batches
from prelabel.review.limits import RateLimit
from prelabel.review.pages import PageFiles
from prelabel.scenes import Scenes
from prelabel.settings import ReviewSettings
from prelabel.store.changes import Clock
from prelabel.store.store import Store, utc_now
from prelabel.work.drafts import Drafts
from prelabel.work.guidelines import Guidelines
from prelabel.work.people import People
from prelabel.work.progress import WorkInHand
from prelabel.work.queue import Queue
from prelabel.work.sessions import Sessions
from prelabel.work.sight import Sight
from prelabel.work.submissions import Submissions
from prelabel.work.timesheet import TimeSheet
from prelabel.work.webhooks import Webhooks

# A person who mistypes waits a little; a program that guesses gets 2,880 tries of a name a day.
_TRIES_OF_NAME, _REFILL_OF_NAME_S = 8, 30.0
# Many people may sit behind one address.
_TRIES_OF_ADDRESS, _REFILL_OF_ADDRESS_S = 40, 5.0


@dataclass(frozen=True, slots=True)
class LoginLimits:
    """How often a login may fail, by the name tried and by the address that tries."""

    by_name: RateLimit
    by_address: RateLimit

    @classmethod
    def usual(cls, monotonic: Callable[[], float] = time.monotonic) -> "LoginLimits":
        return cls(
            RateLimit(_TRIES_OF_NAME, _REFILL_OF_NAME_S, monotonic),
            RateLimit(_TRIES_OF_ADDRESS, _REFILL_OF_ADDRESS_S, monotonic),
        )


@dataclass(frozen=True, slots=True)
class Services:
    """One open project behind one address; used by all threads of the server.

    `local_user` is who works where no login is asked.
    """

    name: str
    store: Store
    settings: ReviewSettings
    address: Address
    local_user: str
    clock: Clock
    limits: LoginLimits
    files: PageFiles
    people: People
    sessions: Sessions
    guidelines: Guidelines
    time_sheet: TimeSheet
    queue: Queue
    drafts: Drafts
    submissions: Submissions
    webhooks: Webhooks
    sight: Sight
    batches: Batches
    work_in_hand: WorkInHand
    scenes: Scenes

    @classmethod
    def of(
        cls,
        project: Project,
        address: Address,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> "Services":
        """The services of an open project."""
        store, settings = project.store, project.workspace.settings
        database, review = store.database, settings.review
        people = People(database, clock)
        time_sheet = TimeSheet(database, clock, review.idle_s)
        return cls(
            name=settings.name,
            store=store,
            settings=review,
            address=address,
            local_user=people.local_user(project.author).name,
            clock=clock,
            limits=LoginLimits.usual(monotonic),
            files=PageFiles.below(),
            people=people,
            sessions=Sessions(database, clock),
            guidelines=Guidelines(database, clock),
            time_sheet=time_sheet,
            queue=Queue(store, review, clock, _at_work(people)),
            drafts=Drafts(store, review, clock),
            submissions=Submissions(store, review, clock, time_sheet),
            webhooks=Webhooks(database, clock),
            sight=Sight(database),
            batches=Batches(store),
            work_in_hand=WorkInHand(database),
            scenes=Scenes(project.workspace.scenes_folder),
        )

    def login_needed(self) -> bool:
        """Whether nobody may do anything without having logged in."""
        return not self.address.is_private or self.people.any_with_login()


def _at_work(people: People) -> Callable[[], set[str]]:
    return lambda: {one.name for one in people.all() if not one.disabled}


async def services_of(request: Request) -> Services:
    """The services of the app that answers a request; async, so that it takes no thread."""
    services: Services = request.app.state.services
    return services


ServicesOfApp = Annotated[Services, Depends(services_of)]
