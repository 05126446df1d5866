"""The pictures of frames, for those who work on them."""

from typing import Annotated

from fastapi import Path, Query, Request
from starlette.responses import Response

from prelabel.review.access import Anybody, Caller, ForbiddenError
from prelabel.review.answers import Answers, api_router, failing_with
from prelabel.review.pictures import web_picture
from prelabel.review.services import Services, ServicesOfApp
from prelabel.review.tagged import tagged
from prelabel.work.people import Role

router = api_router("frames", 401, 403)

FrameId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="As in a task.")]
# A frame's id is made from the picture's bytes: under this address they never change.
KEPT = "private, max-age=31536000, immutable"
PICTURE: Answers = {
    200: {
        "description": "The picture as browsers show it, in the frame's size.",
        "content": {
            kind: {"schema": {"type": "string", "format": "binary"}}
            for kind in ("image/jpeg", "image/png", "image/webp")
        },
    },
    304: {"description": "The browser has it already."},
}


@router.get(
    "/frames/{frame_id}/picture",
    response_class=Response,
    responses={**failing_with(404), **PICTURE},
)
def picture(
    frame_id: FrameId,
    request: Request,
    caller: Anybody,
    services: ServicesOfApp,
    v: Annotated[str | None, Query(max_length=100, description="Makes no difference.")] = None,
) -> Response:
    """The picture of a frame that the person works on, judges, or owns."""
    check_may_see(frame_id, caller, services)

    def content() -> tuple[bytes, str]:
        found = web_picture(services.store.frame(frame_id))
        return found.data, found.media_type

    return tagged(request, frame_id, KEPT, content)


router.add_api_route(
    "/frames/{frame_id}/picture", picture, methods=["HEAD"], include_in_schema=False
)


def check_may_see(frame_id: str, caller: Caller, services: Services) -> None:
    """ForbiddenError unless the caller works on the frame, judges it, or owns the project."""
    if caller.may(Role.OWNER):
        return
    waiting_too = caller.may(Role.REVIEWER)
    if not services.sight.may_see(frame_id, caller.person, waiting_too):
        raise ForbiddenError("this frame is not among those you work on")
