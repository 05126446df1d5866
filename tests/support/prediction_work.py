"""What tests of prediction files have done in other processes."""

import signal
from multiprocessing.synchronize import Event
from pathlib import Path
from unittest import mock

from builders import a_prediction, frame_id_of

from prelabel.models.prediction_files import PredictionFiles


def stop_while_writing(folder: Path, ready: Event) -> None:
    """Begin to write a prediction and never get past the middle of it."""

    def stop(*_: object, **__: object) -> None:
        ready.set()
        signal.pause()

    with mock.patch("prelabel.models.prediction_files.pq.write_table", side_effect=stop):
        PredictionFiles(folder).write([a_prediction(frame_id_of("a"), [[0, 0, 1, 1]], [[0.5]])])
