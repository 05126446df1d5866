"""Labels carried from corrected key frames to the other frames of their recording."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from prelabel.active.frame_score import FrameScore
from prelabel.active.given import write_scores
from prelabel.datasets.annotations import AnnotationSet, Origin, OriginKind
from prelabel.datasets.arrays import Float64s
from prelabel.datasets.errors import BadInputError
from prelabel.datasets.formats.registry import write_dataset
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Progress
from prelabel.datasets.recordings.films import Film, KeyFrame, Proposed
from prelabel.datasets.recordings.key_frames import Carriable, ask_for_key_frames
from prelabel.datasets.recordings.linking import Follow
from prelabel.models.ultralytics.following import Tracker, follow_boxes
from prelabel.proposing import read_predictions
from prelabel.store.store import Store
from prelabel.workspace import Workspace

SCORES_FILE = "scores.csv"
# A name space (RFC 4122) of our own: a box carried again to the same frame has the same id.
_CARRIED = uuid.UUID("3b0a4a52-2d0e-5c3e-9a43-6f7f5f0a2c5d")


@dataclass(frozen=True, slots=True)
class CarryOptions:
    """Pictures a second of films, how many frames of each recording to ask people for, and what
    follows boxes through films."""

    pictures_a_second: float = 25.0
    ask: int = 10
    tracker: Tracker = Tracker.BYTETRACK

    def __post_init__(self) -> None:
        if not 0 < self.pictures_a_second < np.inf or self.ask < 0:
            raise BadInputError(
                "there must be more than 0 pictures a second and at least 0 frames to ask for, but "
                f"they are {self.pictures_a_second:g} and {self.ask}"
            )


@dataclass(frozen=True, slots=True)
class Carried:
    """What was carried: frames of recordings, key frames among them, boxes, and what to ask for.

    `annotations` is to be imported, `scores` is the table by which `prelabel select` chooses.
    """

    recordings: int
    frames: int
    key_frames: int
    boxes: int
    asked: int
    annotations: Path
    scores: Path


@dataclass(frozen=True, slots=True)
class CarriedFrame:
    """A frame that no person looked at, with what was carried to it."""

    frame: Frame
    annotations: AnnotationSet


def carry_films(
    workspace: Workspace, store: Store, folder: Path, options: CarryOptions, progress: Progress
) -> Carried:
    """Carry the labels of a project's recordings into a new folder, upright boxes of pictures.

    Key frames are those that a person has labelled; proposals of the newest model say where
    objects went in between, and a tracker which is which. Raises BadInputError where no frame of a
    recording is labelled, or boxes are turned.
    """
    model = store.latest_model()
    follow = partial(follow_boxes, state_folder=workspace.state_folder, tracker=options.tracker)
    done: list[CarriedFrame] = []
    scores: list[FrameScore] = []
    keys = 0
    recordings = labelled_recordings(store)
    for frames, labels in recordings.values():
        ids = [frame.frame_id for frame in frames]
        seen = read_predictions(workspace, model.model_id, ids) if model else {}
        film = _film(frames, labels, seen, options, partial(follow, pictures=frames))
        done += _carried_frames(frames, film)
        scores += asked_frames([frame.frame_id for frame in frames], film, options.ask)
        keys += len(labels)
    return write_carried(folder, store.classes(), done, scores, (len(recordings), keys), progress)


def labelled_recordings(store: Store) -> dict[str, tuple[list[Frame], dict[int, AnnotationSet]]]:
    """The frames of each recording in their order, and the labels people gave some of them.

    Recordings without any are left out; boxes that were carried, and that nobody looked at, are no
    labels. Raises BadInputError where nothing is left.
    """
    frames: dict[str, list[Frame]] = defaultdict(list)
    for frame in store.frames():
        if frame.sequence is not None:
            frames[frame.sequence].append(frame)
    found = {}
    for name, own in sorted(frames.items()):
        own.sort(key=lambda frame: frame.index or 0)
        labels = labels_of_people(store, [frame.frame_id for frame in own])
        if labels:
            places = {frame.frame_id: at for at, frame in enumerate(own)}
            found[name] = own, {places[one]: boxes for one, boxes in labels.items()}
    if not found:
        raise BadInputError(
            "no frame of a recording has labels to carry: label some frames of one first, and "
            "import films with `prelabel video frames`, which says which frames belong together"
        )
    return found


def labels_of_people(store: Store, frame_ids: Iterable[str]) -> dict[str, AnnotationSet]:
    """The labels of those of the frames that a person labelled: not all was carried to them."""
    found = {}
    for frame_id in frame_ids:
        version = store.labels(frame_id)
        if version is None:
            continue
        kinds = [origin.kind for origin in version.annotations.origin]
        if not kinds or any(kind is not OriginKind.CARRIED for kind in kinds):
            found[frame_id] = version.annotations
    return found


def asked_frames(frame_ids: list[str], recording: Carriable, most: int) -> list[FrameScore]:
    """The frames of a recording that people should look at next, and why."""
    asked = ask_for_key_frames(recording, most)
    return [
        FrameScore(
            frame_ids[at],
            expected,
            f"carrying labels to it from the frames around is expected to leave {expected:.2g} of "
            f"an object wrong",
        )
        for at, expected in zip(asked.frames, asked.expected, strict=True)
    ]


def carried_id(frame_id: str, track: str) -> str:
    """The id of the box of an object in a frame that it was carried to: the same at every call."""
    return str(uuid.uuid5(_CARRIED, f"{frame_id}/{track}"))


def write_carried(
    folder: Path,
    classes: tuple[str, ...],
    frames: list[CarriedFrame],
    scores: list[FrameScore],
    counts: tuple[int, int],
    progress: Progress,
) -> Carried:
    """A new folder with annotations and scores; `counts` are recordings and key frames.

    A frame to which nothing was carried is left out: it must not pass for an empty one.
    """
    labelled = [LabelledFrame(one.frame, one.annotations) for one in frames if one.annotations]
    written = write_dataset("coco", folder, classes, labelled, progress)
    write_scores(folder / SCORES_FILE, scores)
    recordings, keys = counts
    return Carried(
        recordings,
        len(frames) + keys,
        keys,
        written.boxes,
        len(scores),
        written.annotations,
        folder / SCORES_FILE,
    )


def _film(
    frames: list[Frame],
    labels: Mapping[int, AnnotationSet],
    seen: Mapping[str, Prediction],
    options: CarryOptions,
    follow: Follow,
) -> Film:
    proposals = {
        at: Proposed(one.boxes, one.score, one.class_id)
        for at, frame in enumerate(frames)
        if (one := seen.get(frame.frame_id)) is not None
    }
    drawn = [(at, labelled.boxes) for at, labelled in labels.items()]
    for at, boxes in [*drawn, *((at, proposed.boxes) for at, proposed in proposals.items())]:
        if boxes.angle is not None:
            raise BadInputError(
                f"{frames[at].uri}: holds turned boxes: those of pictures are carried upright, "
                "those of lidar frames by `prelabel lidar carry`"
            )
    keys = {at: KeyFrame(one.boxes, one.class_id, [None] * len(one)) for at, one in labels.items()}
    return Film(_times(frames, options), keys, proposals, follow)


def _times(frames: list[Frame], options: CarryOptions) -> Float64s:
    index = np.array([frame.index or 0 for frame in frames], np.float64)
    return index / options.pictures_a_second


def _carried_frames(frames: list[Frame], film: Film) -> Iterator[CarriedFrame]:
    for at, frame in enumerate(frames):
        if at in film.keys:
            continue
        carried = film.carried[at]
        sides = carried.boxes.xyxy[:, 2:] - carried.boxes.xyxy[:, :2]
        spread = carried.spread * np.hypot(*sides.T)
        origins = [Origin(OriginKind.CARRIED, spread_px=one) for one in spread.tolist()]
        ids = [carried_id(frame.frame_id, track) for track in carried.track]
        yield CarriedFrame(frame, AnnotationSet(carried.boxes, film.classes(at), ids, origins))
