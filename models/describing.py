"""Descriptors of many pictures, kept in files so that each is looked at once."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from prelabel.datasets.boxes import Boxes
from prelabel.datasets.frames import Frame
from prelabel.datasets.pictures import UnusablePictureError
from prelabel.datasets.predictions import ClassScores, Prediction
from prelabel.datasets.progress import Progress
from prelabel.models.bulk_worker import UnreadableFrame
from prelabel.models.descriptors import DESCRIPTOR, describe_frame
from prelabel.models.prediction_files import PredictionFiles

_FRAMES_A_FILE = 1000  # what a kill can lose: a second or two


def describe_to_files(
    frames: Sequence[Frame], files: PredictionFiles, workers: int, progress: Progress
) -> tuple[UnreadableFrame, ...]:
    """Describe the frames that `files` does not hold yet; those that cannot be read come back.

    A descriptor is kept as the frame embedding of a prediction without boxes, so `files` reads as
    those of a detector do. Killed at any point and called again it goes on where it stood.
    `workers` threads share the work: most of it is decoding, which holds no lock. Raises
    PredictionFilesError where `files` holds something else.
    """
    files.check_settings({"descriptor": DESCRIPTOR})
    present = files.predicted_ids()
    different = {frame.frame_id: frame for frame in frames}
    todo = [frame for frame_id, frame in different.items() if frame_id not in present]
    unreadable: list[UnreadableFrame] = []
    with (
        progress.task("describe", len(todo)) as advance,
        ThreadPoolExecutor(max(workers, 1)) as threads,
    ):
        for part in _parts(todo):
            described = []
            for one in threads.map(_described, part):
                if isinstance(one, Prediction):
                    described.append(one)
                else:
                    unreadable.append(one)
                advance()
            files.write(described)
    return tuple(unreadable)


def _described(frame: Frame) -> Prediction | UnreadableFrame:
    try:
        descriptor = describe_frame(frame)
    except UnusablePictureError as error:
        return UnreadableFrame(frame.frame_id, frame.uri, error.reason)
    nothing: tuple[float, ...] = ()
    return Prediction(
        frame.frame_id,
        DESCRIPTOR,
        Boxes.none(),
        nothing,
        nothing,
        ClassScores.INDEPENDENT,
        frame_embedding=descriptor,
    )


def _parts(frames: Sequence[Frame]) -> Iterator[Sequence[Frame]]:
    for begin in range(0, len(frames), _FRAMES_A_FILE):
        yield frames[begin : begin + _FRAMES_A_FILE]
