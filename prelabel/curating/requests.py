"""What a curator can ask for in FiftyOne's forms, checked like every other configuration."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from prelabel.active.budgets import Budget
from prelabel.active.strategies import strategy_by_name
from prelabel.curating.fields import ACCEPT, EXCLUDE, INCLUDE, REQUEUE
from prelabel.datasets.configuration import Model, StrictModel, check_configuration
from prelabel.datasets.errors import PrelabelError

MARKS = {
    ACCEPT: "Accept what was handed in, or the proposals",
    REQUEUE: "Queue again, or send back",
    EXCLUDE: "Take out of the project's work",
    INCLUDE: "Let take part again",
}
WRONG = {"missed": "missed objects", "false": "false proposals", "any": "both"}


def _budget(text: str) -> str:
    try:
        Budget.parse(text)
    except PrelabelError as error:
        raise ValueError(str(error)) from error
    return text


def _strategy(name: str) -> str:
    try:
        strategy_by_name(name)
    except PrelabelError as error:
        raise ValueError(str(error)) from error
    return name


class BatchRequest(StrictModel):
    """The next batch; without a strategy it is that of prelabel.yaml."""

    budget: Annotated[str, AfterValidator(_budget)] = "20"
    strategy: Annotated[str, AfterValidator(_strategy)] | None = None
    preview: bool = True


class ReviewRequest(StrictModel):
    """Frames to look at on the review page, and what people are told."""

    reason: Annotated[str, Field(min_length=1)]


class MarkRequest(StrictModel):
    """What is to become of frames."""

    what: Literal["accept", "requeue", "exclude", "include"]


class SearchRequest(StrictModel):
    """A search for label errors by so many detectors, each trained on a part of the labels."""

    folds: Annotated[int, Field(ge=2, le=10)] = 3


class PatchesRequest(StrictModel):
    """Boxes of which kind to open."""

    which: Literal["missed", "false", "any"] = "missed"


def requested(model: type[Model], params: dict[str, Any]) -> Model:
    """The parameters of an operator as a request; ConfigurationError tells every mistake."""
    known = {key: params[key] for key in model.model_fields if params.get(key) is not None}
    return check_configuration(known, model, where="the form")
