"""Labels edited in FiftyOne, taken over into the project, or kept beside what is newer there."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from prelabel.curating.documents import Document
from prelabel.curating.fields import CONFLICT
from prelabel.curating.relabelling import Edited
from prelabel.curating.wishes import WishOutcome
from prelabel.datasets.annotations import AnnotationSet
from prelabel.project import Project
from prelabel.store.records import LabelVersion

SOURCE = "edited in FiftyOne"
BESIDE = f"{SOURCE}, in conflict"
BLIND = "waits for a blind audit of a rule"


@dataclass(slots=True)
class Collected:
    """What came back: frames whose labels were edited, with what was done; frames with conflicts;
    what became of the curator's tags; and what could not be taken over, each with its reason.

    `at` is from when on edits are still to be collected; `own` tells, by `frame_id`, when this
    process itself wrote to a sample since then. People are to label the frames in `blind` without
    seeing what is proposed.
    """

    at: datetime
    blind: frozenset[str] = frozenset()
    own: dict[str, datetime] = field(default_factory=dict)
    edits: dict[str, str] = field(default_factory=dict)
    conflicts: dict[str, str] = field(default_factory=dict)
    wishes: list[WishOutcome] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Basis:
    """The labels of a frame that a curator saw: those of a version, 0: none."""

    project: Project
    frame_id: str
    number: int

    @cached_property
    def history(self) -> list[LabelVersion]:
        """All versions of the frame's labels."""
        return self.project.store.label_history(self.frame_id)

    @property
    def labels(self) -> AnnotationSet:
        """What the curator saw."""
        if not self.number:
            return AnnotationSet.empty()
        found = [one.annotations for one in self.history if one.number == self.number]
        return found[0] if found else AnnotationSet.empty()

    def version(self, change: Edited) -> LabelVersion:
        """An edit as if it were a version, to be shown as one."""
        at = datetime.now(UTC)
        author = self.project.author
        return LabelVersion(self.frame_id, self.number, change.annotations, author, at)

    def take_over(self, change: Edited, done: Collected) -> bool:
        """Make an edit the newest version, where the labels did not change in the project as well.

        Where they did, the edit is kept beside them, and True says that the conflict is to be
        shown; so it is on a frame that waits for a blind audit, which it would be. Done again, it
        changes nothing more.
        """
        if change.refused:
            done.refused[self.frame_id] = change.refused
        if not change.told:
            return False
        newer = [one for one in self.history if one.number > self.number]
        taken = [one for one in newer if one.annotations == change.annotations]
        if taken:  # a kill may have come between that and showing it
            is_beside = (taken[-1].source or "").startswith(BESIDE)
        else:
            is_blind = self.frame_id in done.blind
            is_beside = is_blind or not self._write(change)
            if is_beside:
                self._keep_beside(change, is_blind)
            else:
                done.edits[self.frame_id] = _added(done.edits.get(self.frame_id), change.told)
        if is_beside:
            self._tell(change, done)
        return is_beside

    def _tell(self, change: Edited, done: Collected) -> None:
        why = "while the labels changed in the project as well"
        if self.frame_id in done.blind:
            why = f"not taken over: the frame {BLIND}; label it on the review page"
        before = done.conflicts.get(self.frame_id)
        done.conflicts[self.frame_id] = _added(before, f"{change.told}, {why}")

    def _write(self, change: Edited) -> bool:
        store, author = self.project.store, self.project.author
        written = store.write_labels_after(
            self.frame_id, change.annotations, author, self.number, SOURCE
        )
        return written is not None

    def _keep_beside(self, change: Edited, is_blind: bool) -> None:
        current = self.project.store.labels(self.frame_id)
        by = current.author if current else "a withdrawal"
        by = "a blind audit" if is_blind else by
        self.project.store.keep_labels_beside(
            self.frame_id, change.annotations, self.project.author, f"{BESIDE} with {by}"
        )


def _added(before: str | None, told: str) -> str:
    return told if before is None else f"{before}; {told}"


def show_conflict(dataset: Any, view: Any, sample_id: str, boxes: Document | None) -> None:
    """Show a curator's boxes beside the project's, and tag the sample of `view` for that."""
    dataset.set_values(
        CONFLICT, {sample_id: boxes}, key_field="id", expand_schema=False, validate=False
    )
    view.select([sample_id]).tag_samples(CONFLICT)
