"""The samples of a project's dataset: made for frames, found by them, written to in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prelabel.curating.documents import Document
from prelabel.curating.fields import AROUND
from prelabel.curating.frames import Columns
from prelabel.curating.opening import FiftyOne
from prelabel.datasets.frames import Frame

GROUP, IMAGE = "group", "image"
_GROUP_ID_BYTES = 12


def all_samples(dataset: Any) -> Any:
    """A view of every sample that is a frame, of all slices where there are groups."""
    if dataset.media_type != "group":
        return dataset.view()
    pictures = dataset.select_group_slices(media_type=IMAGE)
    if dataset.get_field(AROUND) is None:
        return pictures
    return pictures.match({AROUND: None})  # the others show what lies around frames


def samples_of(dataset: Any, frame_ids: Sequence[str]) -> dict[str, str]:
    """The sample ids of those of these frames that are in the dataset, in the order given."""
    view = all_samples(dataset).match({"frame_id": {"$in": list(frame_ids)}})
    known = dict(zip(*view.values(["frame_id", "id"]), strict=True))
    return {frame_id: known[frame_id] for frame_id in frame_ids if frame_id in known}


def update_samples(dataset: Any, columns: Columns, sample_ids: Mapping[str, str]) -> None:
    """Write the values of samples by frame id in bulk, all fields of one at once."""
    from bson import ObjectId
    from pymongo import UpdateOne

    now = datetime.now(UTC)
    rows = columns.by_frame()
    writes = [
        UpdateOne(
            {"_id": ObjectId(sample_id)}, {"$set": {**rows[frame_id], "last_modified_at": now}}
        )
        for frame_id, sample_id in sample_ids.items()
        if frame_id in rows
    ]
    if writes:
        # As `set_values` does in the end, which goes through all samples for each field.
        dataset._bulk_write(writes, ids=[*sample_ids.values()])


def sample_documents(fo: FiftyOne, dataset: Any, frames: Sequence[Frame]) -> dict[str, Document]:
    """Samples for frames that have none, by frame id, as the database is to hold them.

    An object of FiftyOne's `Sample` takes a tenth of a millisecond to make and twice that to add;
    the tests compare these documents with what it gives.
    """
    from fiftyone.core.odm.sample import _generate_rand as place_in_random_order
    from fiftyone.core.storage import normalize_path

    elements = _elements(fo, dataset, frames) if dataset.group_field is not None else {}
    now = datetime.now(UTC)
    common = {
        "tags": [],
        "_dataset_id": dataset._doc.id,
        "created_at": now,
        "last_modified_at": now,
    }
    documents = {}
    for frame in frames:
        document = {
            "filepath": normalize_path(frame.uri),
            "metadata": image_metadata(frame.width_px, frame.height_px),
            "_media_type": IMAGE,
            "_rand": place_in_random_order(),
            **common,
            "frame_id": frame.frame_id,
            "split": frame.split.value,
            "kind": frame.kind.value,
            "sequence": frame.sequence,
            "sequence_index": frame.index,
            "instant": frame.group,
            GROUP: elements.get(frame.frame_id),
        }
        # What is None is left out, as FiftyOne does.
        documents[frame.frame_id] = {
            name: value for name, value in document.items() if value is not None
        }
    return documents


def image_metadata(width_px: int, height_px: int) -> Document:
    """The size of a picture as FiftyOne keeps it."""
    return {"_cls": "ImageMetadata", "width": width_px, "height": height_px}


def group_id(instant: str) -> str:
    """FiftyOne's id of the group of one instant, the same each time."""
    return blake2b(instant.encode(), digest_size=_GROUP_ID_BYTES).hexdigest()


def _elements(fo: FiftyOne, dataset: Any, frames: Sequence[Frame]) -> dict[str, Document]:
    """By frame id, the place of each among the pictures of its instant."""
    instants = {frame.frame_id: frame.group or frame.frame_id for frame in frames}
    taken = _slices(dataset, instants.values())
    elements = {}
    for frame in frames:
        instant = instants[frame.frame_id]
        names = taken.setdefault(instant, set())
        name = slice_name(frame, names)
        names.add(name)
        if name not in dataset.group_slices:
            dataset.add_group_slice(name, IMAGE)
            dataset.group_slice = dataset.default_group_slice
        elements[frame.frame_id] = fo.Group(id=group_id(instant)).element(name).to_dict()
    return elements


def _slices(dataset: Any, instants: Iterable[str]) -> dict[str, set[str]]:
    """The slices that instants have already."""
    if not dataset.group_slices:
        return {}
    view = all_samples(dataset).match({"instant": {"$in": sorted(set(instants))}})
    taken: dict[str, set[str]] = {}
    for instant, name in zip(*view.values(["instant", f"{GROUP}.name"]), strict=True):
        taken.setdefault(instant, set()).add(name)
    return taken


def slice_name(frame: Frame, taken: set[str]) -> str:
    """What a picture is called among those of its instant: by its sensor, else by its kind.

    Files of one instant are often called after it and the sensor, such as `000123-front.jpg`.
    """
    stem, instant = Path(frame.uri).stem, frame.group
    sensor = stem[len(instant) :].strip("-_ ") if instant and stem.startswith(instant) else ""
    # FiftyOne keeps slices as names of fields.
    name = sensor.replace(".", "_").replace("$", "_") or frame.kind.value
    turn, unique = 1, name
    while unique in taken:
        turn += 1
        unique = f"{name}-{turn}"
    return unique
