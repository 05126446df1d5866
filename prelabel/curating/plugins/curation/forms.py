"""What the forms of several operators have in common."""

from typing import Any

import fiftyone.operators.types as types

from prelabel.curating.operations import chosen_frames
from prelabel.datasets.errors import PrelabelError
from prelabel.datasets.wording import counted

Context = Any  # FiftyOne comes without types
Inputs = Any


def placed(label: str, icon: str, prompt: bool = True) -> Any:
    """A button of this label above the grid; `prompt` asks before anything is done."""
    button = types.Button(label=label, icon=icon, prompt=prompt)
    return types.Placement(types.Places.SAMPLES_GRID_SECONDARY_ACTIONS, button)


def refuse(inputs: Inputs, error: PrelabelError) -> None:
    """Say in the form what is wrong, and do not let it be sent."""
    field = inputs.view("refused", types.Warning(label=str(error)))
    field.invalid = True
    field.error_message = str(error)


def tell_how_many(inputs: Inputs, ctx: Context) -> None:
    """Say in the form how many frames it is about."""
    count = len(chosen_frames(ctx.dataset, ctx.view, ctx.selected))
    inputs.md(f"{counted(count, 'frame')}: those selected, else all in view.", name="how_many")
