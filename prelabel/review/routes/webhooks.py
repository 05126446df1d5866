"""Who is told when work is done; for owners."""

from typing import Annotated

from fastapi import Path, Query
from pydantic import Field

from prelabel.review.access import Owner
from prelabel.review.answers import api_router, failing_with
from prelabel.review.services import ServicesOfApp
from prelabel.review.views import Body, DoneView, Moment, Number, View
from prelabel.work.webhooks import Delivery, DeliveryState, HookKind, Webhook

router = api_router("webhooks", 401, 403)

HookNumber = Annotated[Number, Path(description="The number of a webhook.")]


class NewHookBody(Body):
    """An address, and what it is to be told."""

    url: Annotated[
        str,
        Field(
            strict=True,
            max_length=2000,
            pattern="^https?://[!-~]+$",
            examples=["https://example.org/prelabel"],
        ),
    ]
    events: Annotated[list[HookKind], Field(min_length=1, max_length=len(HookKind))]


class HookView(View):
    """An address that is told."""

    number: int
    url: str
    events: list[HookKind]
    author: str
    added_at: Moment


class NewHookView(HookView):
    """A new webhook, with the secret that signs its messages; it is shown only here."""

    secret: str


class HooksView(View):
    """All webhooks, and what one can be told."""

    hooks: list[HookView]
    events: list[HookKind]


class DeliveryView(View):
    """One message to a webhook."""

    number: int
    event: HookKind
    at: Moment
    state: DeliveryState
    attempts: int
    delivered_at: Moment | None
    next_at: Moment | None
    error: str | None = Field(description="What the last try brought, where it failed.")


class DeliveriesView(View):
    """Messages to a webhook, newest first."""

    deliveries: list[DeliveryView]


@router.get("/webhooks")
def webhooks(caller: Owner, services: ServicesOfApp) -> HooksView:
    """The addresses that are told."""
    return HooksView(hooks=[_hook(one) for one in services.webhooks.all()], events=list(HookKind))


@router.post("/webhooks")
def add_webhook(body: NewHookBody, caller: Owner, services: ServicesOfApp) -> NewHookView:
    """Add an address."""
    hook, secret = services.webhooks.add(body.url, body.events, caller.person)
    return NewHookView(**_hook(hook).model_dump(), secret=secret)


@router.delete("/webhooks/{hook}", responses=failing_with(404))
def remove_webhook(hook: HookNumber, caller: Owner, services: ServicesOfApp) -> DoneView:
    """Tell an address nothing any more."""
    services.webhooks.remove(hook)
    return DoneView()


@router.get("/webhooks/{hook}/deliveries", responses=failing_with(404))
def deliveries(
    hook: HookNumber,
    caller: Owner,
    services: ServicesOfApp,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> DeliveriesView:
    """What became of the messages to an address."""
    found = services.webhooks.deliveries(hook, limit)
    return DeliveriesView(deliveries=[_delivery(one) for one in found])


@router.post("/deliveries/{delivery}/again", responses=failing_with(404))
def deliver_again(
    delivery: Annotated[Number, Path(description="The number of a delivery.")],
    caller: Owner,
    services: ServicesOfApp,
) -> DoneView:
    """Send a message once more, at once."""
    services.webhooks.redeliver(delivery)
    return DoneView()


def _hook(hook: Webhook) -> HookView:
    return HookView(
        number=hook.number,
        url=hook.url,
        events=list(hook.kinds),
        author=hook.author,
        added_at=hook.added_at,
    )


def _delivery(delivery: Delivery) -> DeliveryView:
    last = delivery.tries[-1] if delivery.tries else None
    done = delivery.state is DeliveryState.DELIVERED
    return DeliveryView(
        number=delivery.number,
        event=delivery.kind,
        at=delivery.queued_at,
        state=delivery.state,
        attempts=len(delivery.tries),
        delivered_at=last.at if last and done else None,
        next_at=delivery.next_at,
        error=_told(last.status, last.answer) if last and not done else None,
    )


def _told(status: int | None, answer: str) -> str:
    return answer if status is None else f"{status}: {answer}".rstrip(": ")
