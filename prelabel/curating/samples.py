"""The samples of a project's dataset: made for frames, found by them, written to in bulk."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prelabel.curating.fields import AROUND
from prelabel.curating.frames import Columns
from prelabel.curating.opening import FiftyOne
from prelabel.datasets.frames import Frame

GROUP = "group"
_GROUP_ID_BYTES = 12


def all_samples(dataset: Any) -> Any:
    """A view of every sample that is a frame, of all slices where there are groups."""
    if dataset.media_type != "group":
        return dataset.view()
    pictures = dataset.select_group_slices(media_type="image")
    if dataset.get_field(AROUND) is None:
        return pictures
    return pictures.match({AROUND: None})  # the others show what lies around frames


def samples_of(dataset: Any, frame_ids: Sequence[str]) -> dict[str, str]:
    """The sample ids of those of these frames that are in the dataset, in the order given."""
    view = all_samples(dataset).match({"frame_id": {"$in": list(frame_ids)}})
    known = dict(zip(*view.values(["frame_id", "id"]), strict=True))
    return {frame_id: known[frame_id] for frame_id in frame_ids if frame_id in known}


def set_columns(dataset: Any, columns: Columns, sample_ids: Mapping[str, str]) -> None:
    """Write values by field and frame in bulk, without looking at each one."""
    for name, values in columns.values.items():
        keyed = {sample_ids[frame_id]: value for frame_id, value in values.items()}
        if keyed:
            dataset.set_values(name, keyed, key_field="id", expand_schema=False, validate=False)


def add_samples(fo: FiftyOne, dataset: Any, frames: Sequence[Frame]) -> dict[str, str]:
    """Samples for frames that have none; their ids by frame id."""
    if not frames:
        return {}
    # FiftyOne reads again, one by one, the samples that a program still holds when it writes in
    # bulk: minutes for 100,000. So those made here are let go before anything is written to them.
    ids = _inserted(fo, dataset, frames)
    sizes = {
        sample_id: image_metadata(frame.width_px, frame.height_px)
        for sample_id, frame in zip(ids, frames, strict=True)
    }
    dataset.set_values("metadata", sizes, key_field="id", expand_schema=False, validate=False)
    return dict(zip([frame.frame_id for frame in frames], ids, strict=True))


def image_metadata(width_px: int, height_px: int) -> dict[str, Any]:
    """The size of a picture as FiftyOne keeps it."""
    return {"_cls": "ImageMetadata", "width": width_px, "height": height_px}


def _inserted(fo: FiftyOne, dataset: Any, frames: Sequence[Frame]) -> list[str]:
    elements = _elements(fo, dataset, frames) if dataset.group_field is not None else {}
    samples = [_sample(fo, frame, elements) for frame in frames]
    # The fields are declared, and the values made here: nothing is to be checked.
    ids: list[str] = dataset.add_samples(
        samples, expand_schema=False, validate=False, batcher=False
    )
    return ids


def _sample(fo: FiftyOne, frame: Frame, elements: Mapping[str, Any]) -> Any:
    more = {GROUP: elements[frame.frame_id]} if elements else {}
    return fo.Sample(
        filepath=frame.uri,
        frame_id=frame.frame_id,
        split=frame.split.value,
        kind=frame.kind.value,
        sequence=frame.sequence,
        sequence_index=frame.index,
        instant=frame.group,
        **more,
    )


def group_id(instant: str) -> str:
    """FiftyOne's id of the group of one instant, the same each time."""
    return blake2b(instant.encode(), digest_size=_GROUP_ID_BYTES).hexdigest()


def _elements(fo: FiftyOne, dataset: Any, frames: Sequence[Frame]) -> dict[str, Any]:
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
            dataset.add_group_slice(name, "image")
            dataset.group_slice = dataset.default_group_slice
        elements[frame.frame_id] = fo.Group(id=group_id(instant)).element(name)
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
