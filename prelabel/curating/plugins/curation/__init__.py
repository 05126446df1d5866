"""FiftyOne's plugin of prelabel: the operators and the panel that FiftyOne is told of."""

from typing import Any

from prelabel.curating.plugins.curation.choosing import SelectNextBatch
from prelabel.curating.plugins.curation.looking import OpenErrorPatches, ProjectPanel, Synchronise
from prelabel.curating.plugins.curation.marking import MarkFrames, SendToReview
from prelabel.curating.plugins.curation.working import FindLabelErrors, TrainAndPropose


def register(plugin: Any) -> None:
    """What FiftyOne calls when it loads the plugin."""
    for one in (
        SelectNextBatch,
        SendToReview,
        MarkFrames,
        OpenErrorPatches,
        FindLabelErrors,
        TrainAndPropose,
        Synchronise,
        ProjectPanel,
    ):
        plugin.register(one)
