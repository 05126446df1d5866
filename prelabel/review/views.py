"""What travels: bodies of requests, checked and bounded, and bodies of answers."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_BOXES = 5_000
MAX_EDITS = 2_000
MAX_ACTIVITY = 10_000
_FARTHEST_PX = 1e6
_LAST_MS = 253_402_300_799_999  # the end of the year 9999, the last that a datetime holds
_LARGEST_NUMBER = 2**53 - 1  # beyond it JavaScript rounds


class Body(BaseModel):
    """The body of a request; unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class View(BaseModel):
    """The body of an answer."""

    model_config = ConfigDict(frozen=True)


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not hold the character NUL")  # PostgreSQL keeps none
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("must not hold half of a surrogate pair") from error
    return text


def _whole(number: object) -> object:
    # In JSON 7.0 is a whole number like 7; true and "7" are none, though pydantic would take them.
    if isinstance(number, float) and number.is_integer():
        return int(number)
    if isinstance(number, bool):
        raise ValueError("must be a whole number")
    return number


def _told(text: str) -> str:
    if not text.strip():
        raise ValueError("must say something")
    return text


# These two stand behind the bounds of a field: only then do the bounds stand in the schema.
STORABLE = AfterValidator(_storable)
WHOLE = BeforeValidator(_whole)
ShortText = Annotated[str, Field(strict=True, min_length=1, max_length=200), STORABLE]
Reason = Annotated[
    str, Field(strict=True, min_length=1, max_length=2_000), STORABLE, AfterValidator(_told)
]
Uuid = Annotated[
    str,
    Field(
        strict=True,
        pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        examples=["0d0c6f8a-57c5-4b0e-8f0b-3c7a5f4c9a11"],
    ),
]
Number = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER)]
StrictNumber = Annotated[int, Field(strict=True, ge=1, le=_LARGEST_NUMBER), WHOLE]
Milliseconds = Annotated[
    int,
    Field(strict=True, ge=0, le=_LAST_MS, description="Since 1970, UTC.", examples=[1795339200000]),
    WHOLE,
]
Pixels = Annotated[
    float, Field(strict=True, ge=-_FARTHEST_PX, le=_FARTHEST_PX, allow_inf_nan=False)
]
Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
Corners = Annotated[
    list[Pixels],
    Field(
        min_length=4,
        max_length=4,
        description="Left, top, right, bottom in pixels of the picture as shown.",
        examples=[[10.5, 20.0, 110.5, 220.0]],
    ),
]
Metres = Annotated[float, Field(strict=True, ge=-1e5, le=1e5, allow_inf_nan=False)]
Heights = Annotated[
    list[Metres],
    Field(
        min_length=2,
        max_length=2,
        description="Bottom and top of what a box seen from above shows, in the lidar's frame.",
        examples=[[-1.7, -0.2]],
    ),
]
Moment = Annotated[datetime, Field(description="With its time zone, ISO 8601.")]
Status = Literal["proposed", "accepted", "rejected"]


class ErrorView(View):
    """What went wrong, and what to do about it."""

    error: str
    taken_by_other: bool | None = Field(
        None, description="Only of a lease that ran out: the edits sent with it were kept."
    )


class DoneView(View):
    """It was done."""

    done: Literal[True] = True


class BoxBody(Body):
    """The whole state of one box after an edit."""

    id: Uuid
    xyxy: Corners
    angle: Annotated[float, Field(strict=True, ge=-100, le=100, allow_inf_nan=False)] | None = (
        Field(None, description="Radians about the centre, clockwise on the screen.")
    )
    class_id: Annotated[int, Field(strict=True, ge=0, le=1_000_000), WHOLE]
    status: Status
    height_m: Heights | None = Field(None, description="Null: as the points tell.")


class EditBody(Body):
    """One action of a person: the boxes it changed, each in its new state."""

    edit_id: Uuid = Field(description="Made by the client; the same one again changes nothing.")
    at: Milliseconds
    action: ShortText = Field(description="A word for the history.", examples=["accept"])
    boxes: Annotated[list[BoxBody], Field(max_length=MAX_BOXES)]


class ActivityBody(Body):
    """That somebody was active, or stopped being so."""

    id: Uuid
    at: Milliseconds
    kind: Literal["open", "input", "hidden", "shown", "close"]


Edits = Annotated[list[EditBody], Field(max_length=MAX_EDITS)]
Activities = Annotated[list[ActivityBody], Field(max_length=MAX_ACTIVITY)]


class ProposalView(View):
    """What a detector proposed for a box, kept when the box is changed."""

    model_id: str
    score: float = Field(description="0 to 1: how sure the detector is that it is an object.")
    uncertainty: float | None = Field(
        description="0 to 1: how unsure the detector is between classes; null: not known."
    )
    xyxy: list[float]
    angle: float | None
    class_id: int
    height_m: list[float] | None = Field(None, description="Bottom and top, as in `BoxBody`.")


class BoxView(View):
    """One box as it stands."""

    id: str
    xyxy: list[float]
    angle: float | None
    class_id: int
    status: Status
    height_m: list[float] | None = Field(None, description="Bottom and top, as in `BoxBody`.")
    proposal: ProposalView | None
    rule: str | None = Field(description="The rule that accepted it; null: no rule did.")


class TaskView(View):
    """A frame that somebody works on, with its boxes as that person left them."""

    task: int
    round: int
    frame_id: str
    name: str = Field(description="The file's name, without its folder.")
    width_px: int
    height_px: int
    picture: str = Field(description="Where the picture is, from the server's root.")
    scene: str | None = Field(
        None, description="Where the lidar's points and cameras are; null: there are none."
    )
    state: str
    position: int = Field(description="In the batch, from 0.")
    of: int = Field(description="How many frames the batch has.")
    reason: str = Field(description="Why the frame was chosen.")
    is_control: bool = Field(description="Drawn at random, for comparison.")
    sent_back_reason: str | None
    leased_until: Moment | None
    shown_score: float = Field(description="Proposals below are hidden at first.")
    boxes: list[BoxView]
    places: list[str] = Field(
        [],
        description="Ids of hidden proposals that may be missed objects, the likeliest first; on "
        "frames where a rule has accepted boxes.",
    )
