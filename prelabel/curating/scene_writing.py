"""What is to be written of some sweeps into a project's dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prelabel.curating.fields import AROUND
from prelabel.curating.frames import Columns
from prelabel.curating.samples import all_samples, update_samples
from prelabel.curating.scene_samples import SCENE_KIND, Beside, ShownBeside, add_beside

Frames = Sequence[str]


class SceneWriting:
    """What is to be written of some sweeps, all at once in the end.

    What is said of a sweep in space is written last, whole: where that is there, all is.
    """

    def __init__(self, fo: Any, dataset: Any, known: Mapping[str, ShownBeside]) -> None:
        self.in_cameras, self.in_space = Columns(), Columns()
        self._fo = fo
        self._dataset = dataset
        self._known = known
        self._ids = {key: one.sample_id for key, one in known.items()}
        self._new: list[Beside] = []
        self._around: dict[str, Frames] = {}
        self._gone: list[str] = []
        self._old: list[Path] = []

    def want(self, beside: Beside, around: Frames) -> str:
        """There is to be such a sample; its key."""
        before = self._known.get(beside.key)
        self._around[beside.instant] = around
        if before is None:
            self._new.append(beside)
            return beside.key
        columns = self.in_space if beside.kind == SCENE_KIND else self.in_cameras
        columns.put(AROUND, beside.key, list(around))
        columns.put("filepath", beside.key, str(beside.path))
        if beside.kind == SCENE_KIND and before.path is not None and before.path != beside.path:
            self._old.append(before.path)
        return beside.key

    def drop(self, beside: Beside) -> None:
        """There is to be no such sample: its picture is a frame of its own now."""
        if beside.key in self._known:
            self._gone.append(self._known[beside.key].sample_id)

    def frames_among(self, picture_ids: Sequence[str], instant: str) -> set[str]:
        """Those of these pictures that are frames of an instant."""
        view = all_samples(self._dataset).match(
            {"frame_id": {"$in": list(picture_ids)}, "instant": instant}
        )
        found = dict(zip(*view.values(["frame_id", "id"]), strict=True)) if picture_ids else {}
        self._ids |= found
        return set(found)

    def write(self) -> list[Path]:
        """Write all; the scenes that no sample shows any more."""
        if self._gone:
            self._dataset.delete_samples(self._gone)
        self._ids |= add_beside(self._fo, self._dataset, self._new, self._around)
        update_samples(self._dataset, self.in_cameras, self._ids)
        update_samples(self._dataset, self.in_space, self._ids)
        return self._old
