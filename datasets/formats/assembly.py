"""From what a source says to checked values: pictures found, boxes cleaned, ids given."""

import hashlib
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field

import numpy as np

from prelabel.datasets.annotations import IMPORTED, AnnotationSet, Origin, is_box_id
from prelabel.datasets.arrays import Float32s
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.errors import InvalidValueError
from prelabel.datasets.formats.base import ImportRules, RawBoxes, RawDataset, RawFrame
from prelabel.datasets.formats.box_checks import Place, usable_boxes
from prelabel.datasets.formats.picture_folder import PictureNotFoundError
from prelabel.datasets.formats.picture_threads import Look
from prelabel.datasets.formats.prefetch import inspected
from prelabel.datasets.formats.report import ImportReport, ProblemKind
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.pictures import PictureFacts

# A name space (RFC 4122) of our own, so that equal boxes get equal ids on every machine.
_BOX_ID_NAMESPACE = bytes.fromhex("6f0f5c0e3d4b5a1f9b7c2d6e8a417b53")


@dataclass(slots=True)
class Assembler:
    """Turns the raw frames of one dataset into labelled frames.

    What cannot be used is left out and reported, and the rest goes on.
    """

    classes: tuple[str, ...]
    rules: ImportRules
    report: ImportReport
    _class_ids: dict[str, int] = field(init=False)
    _first_seen: dict[str, str] = field(init=False, default_factory=dict)
    _box_ids_seen: set[bytes] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self._class_ids = {name: row for row, name in enumerate(self.classes)}

    def frames(self, dataset: RawDataset) -> Iterator[LabelledFrame]:
        """The frames that can be used, in the order of the source."""
        for raw, path, look in inspected(self._found(dataset), self.rules.max_pixels):
            labelled = self._frame(raw, path, look)
            if labelled is not None:
                boxes = labelled.annotations
                self.report.count(None if boxes is None else len(boxes))
                yield labelled

    def _found(self, dataset: RawDataset) -> Iterator[tuple[RawFrame, str]]:
        for raw in dataset.frames:
            try:
                yield raw, (raw.pictures or dataset.pictures).find(raw.picture)
            except PictureNotFoundError as error:
                boxes = 0 if raw.boxes is None else len(raw.boxes)
                self.report.add(raw.labels, ProblemKind.FRAME_LEFT_OUT, str(error), boxes)

    def _frame(self, raw: RawFrame, path: str, facts: Look) -> LabelledFrame | None:
        boxes = 0 if raw.boxes is None else len(raw.boxes)
        if isinstance(facts, str):
            self.report.add(path, ProblemKind.FRAME_LEFT_OUT, f"picture {facts}", boxes)
            return None
        first = self._first_seen.get(facts.frame_id)
        if first is not None:
            told = "is named a second time" if first == path else f"is the same as {first}"
            self.report.add(path, ProblemKind.FRAME_LEFT_OUT, f"picture {told}", boxes)
            return None
        self._first_seen[facts.frame_id] = path
        try:
            frame = _frame_of(raw, path, facts)
        except InvalidValueError as error:
            self.report.add(raw.labels, ProblemKind.FRAME_LEFT_OUT, f"{path}: {error}", boxes)
            return None
        if raw.boxes is None:
            return LabelledFrame(frame, None)
        return LabelledFrame(frame, self._annotations(raw, raw.boxes, facts))

    def _annotations(
        self, raw: RawFrame, boxes: RawBoxes, facts: PictureFacts
    ) -> AnnotationSet | None:
        place = Place(self.report, raw, boxes)
        corners, angle, keep = usable_boxes(boxes, facts, place)
        class_ids = [self._class_ids.get(name, -1) for name in boxes.class_names]
        if -1 in class_ids:
            for row, class_id in enumerate(class_ids):
                if class_id < 0 and keep[row]:
                    place.left_out(
                        row,
                        f"class {boxes.class_names[row]!r} is not among the classes; --add-classes "
                        "takes it in",
                    )
                    keep[row] = False
            if not any(keep):
                # What is there is not known here: that is not the same as nothing there.
                place.whole(ProblemKind.NOTE, "only unknown classes: taken as unlabelled")
                return None
        rows = [row for row, kept in enumerate(keep) if kept]
        if len(rows) < len(boxes):
            corners, angle = corners[rows], None if angle is None else angle[rows]
        given = {} if boxes.ids is None else self._given_ids(rows, boxes.ids, place)
        names = [boxes.class_names[row] for row in rows]
        numbers = corners if angle is None else np.column_stack([corners, angle])
        ids = derived_box_ids(facts.frame_id, names, numbers, taken=frozenset(given.values()))
        for position, box_id in given.items():
            ids[position] = box_id
        origins: list[Origin] = [IMPORTED] * len(rows)
        if boxes.origins is not None:
            origins = [boxes.origins[row] for row in rows]
        heights = None if boxes.height_m is None else boxes.height_m[rows]
        return AnnotationSet(
            Boxes(corners, angle), [class_ids[row] for row in rows], ids, origins, heights
        )

    def _given_ids(
        self, rows: Sequence[int], given_ids: Sequence[str | None], place: Place
    ) -> dict[int, str]:
        """The ids that the source gives, where they serve, by position among `rows`."""
        accepted: dict[int, str] = {}
        for position, row in enumerate(rows):
            given = given_ids[row]
            if given is None:
                continue
            if not is_box_id(given):
                place.corrected(row, f"box id {given!r} is no lower-case UUID: a new id was given")
                continue
            key = bytes.fromhex(given.replace("-", ""))
            if key in self._box_ids_seen:
                place.corrected(row, f"box id {given} was used before: a new id was given")
                continue
            self._box_ids_seen.add(key)
            accepted[position] = given
        return accepted


def _frame_of(raw: RawFrame, path: str, facts: PictureFacts) -> Frame:
    return Frame(
        facts.frame_id,
        path,
        facts.width_px,
        facts.height_px,
        raw.kind,
        raw.split,
        raw.group,
        raw.sequence,
        raw.index,
    )


def derived_box_ids(
    frame_id: str,
    class_names: Sequence[str],
    numbers: Float32s,
    taken: Set[str] = frozenset(),
) -> list[str]:
    """Ids for boxes that have none: UUIDs (version 5) of frame, class, geometry and ordinal.

    `numbers` (n, k) are the geometry of each box. The same box in the same picture has the same id
    at every import, in whatever order the boxes stand; `ordinal` counts equal boxes of one frame,
    and passes over ids that are `taken`.
    """
    start = hashlib.sha1(_BOX_ID_NAMESPACE + frame_id.encode(), usedforsecurity=False)
    raw, ids = np.ascontiguousarray(numbers, "<f4").tobytes(), []
    size = 4 * numbers.shape[1]
    ordinals: dict[bytes, int] = {}
    for row, name in enumerate(class_names):
        key = raw[size * row : size * row + size] + name.encode()
        ordinal = ordinals.get(key, 0)
        while (box_id := _uuid5(start, key + b"\0%d" % ordinal)) in taken:
            ordinal += 1
        ordinals[key] = ordinal + 1
        ids.append(box_id)
    return ids


def _uuid5(start: "hashlib._Hash", name: bytes) -> str:
    # uuid.uuid5 makes the same in eight times the time.
    digest = start.copy()
    digest.update(name)
    text = digest.hexdigest()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"
