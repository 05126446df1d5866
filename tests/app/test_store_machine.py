"""Whatever is done in whatever order, the store agrees with a plain model and with its own log."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from builders import a_frame
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from store_content import CLASSES, labels_of

from prelabel.datasets.annotations import IMPORTED, AnnotationSet
from prelabel.datasets.frames import LabelledFrame, Split
from prelabel.store.database import Database
from prelabel.store.records import EventKind, LabelVersion
from prelabel.store.store import open_store

SETTINGS = settings(
    max_examples=10,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
names = st.sampled_from("abcdefgh")
imported = st.none() | st.builds(labels_of, st.integers(0, 3), st.integers(0, 3), st.just(IMPORTED))
written = st.builds(labels_of, st.integers(0, 9), st.integers(0, 4))

Written = tuple[AnnotationSet, str, float | None, int | None]


@dataclass
class Expected:
    """What the store should know of one frame."""

    split: Split = Split.TRAIN
    versions: list[Written] = field(default_factory=list)

    def import_labels(self, labels: AnnotationSet, author: str) -> None:
        if not any(labels == known for known, *_ in self.versions):
            self.versions.append((labels, author, None, None))


def machine_on(url: Callable[[Path], str]) -> type[RuleBasedStateMachine]:
    """A machine that works on an empty store at the address that `url` gives for a folder."""

    class StoreMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.folder = Path(tempfile.mkdtemp())
            self.store = open_store(url(self.folder), self.folder)
            self.store.add_classes(CLASSES, "setup")
            self.expected: dict[str, Expected] = {}
            self.rounds = 0

        def teardown(self) -> None:
            self.store.close()
            shutil.rmtree(self.folder)

        @initialize(first=imported)
        def start(self, first: AnnotationSet | None) -> None:
            self.bring_in([("a", first)], 10, "setup")

        @rule(
            incoming=st.lists(st.tuples(names, imported), max_size=6),
            chunk_frames=st.integers(1, 4),
            author=st.sampled_from(["ann", "ben"]),
        )
        def bring_in(
            self,
            incoming: list[tuple[str, AnnotationSet | None]],
            chunk_frames: int,
            author: str,
        ) -> None:
            # A file knows no origins: boxes with ids that a person's labels have take theirs over,
            # which has tests of its own. Here imported boxes have ids of their own.
            frames = [LabelledFrame(a_frame(name), with_own_ids(one)) for name, one in incoming]
            self.store.import_frames(frames, author, chunk_frames=chunk_frames)
            for name, one in dict(reversed(incoming)).items():  # the first of a name counts
                known = self.expected.setdefault(name, Expected())
                labels = with_own_ids(one)
                if labels is not None:
                    known.import_labels(labels, author)

        @rule(
            data=st.data(),
            labels=written,
            seconds=st.none() | st.floats(0, 1e6),
            author=st.sampled_from(["ann", "ben"]),
        )
        def write(
            self, data: st.DataObject, labels: AnnotationSet, seconds: float | None, author: str
        ) -> None:
            name = data.draw(st.sampled_from(sorted(self.expected)))
            round_number = self.rounds or None
            frame_id = a_frame(name).frame_id
            self.store.write_labels(frame_id, labels, author, seconds, round_number)
            self.expected[name].versions.append((labels, author, seconds, round_number))

        @rule(data=st.data(), split=st.sampled_from(Split))
        def move(self, data: st.DataObject, split: Split) -> None:
            moved = data.draw(st.sets(st.sampled_from(sorted(self.expected))))
            self.store.set_split([a_frame(name).frame_id for name in moved], split, "ann")
            for name in moved:
                self.expected[name].split = split

        @rule()
        def start_round(self) -> None:
            self.rounds = self.store.start_round("loop").number

        @invariant()
        def history_is_what_was_written_and_what_the_log_says(self) -> None:
            for name, expected in self.expected.items():
                frame_id = a_frame(name).frame_id
                history = self.store.label_history(frame_id)
                assert [told(version) for version in history] == expected.versions
                assert [version.number for version in history] == [
                    number for number, _ in enumerate(history, 1)
                ]
                assert self.store.replay(frame_id) == history
                assert self.store.labels(frame_id) == (history[-1] if history else None)

        @invariant()
        def counts_and_lists_agree(self) -> None:
            frames = {frame.frame_id: frame for frame in self.store.frames()}
            assert frames == {
                a_frame(name).frame_id: replace(a_frame(name), split=expected.split)
                for name, expected in self.expected.items()
            }
            counts = self.store.counts()
            current = [one.versions[-1][0] for one in self.expected.values() if one.versions]
            assert (counts.frames, counts.labelled) == (len(self.expected), len(current))
            assert counts.boxes == sum(map(len, current))
            assert sum(counts.boxes_by_class.values()) == counts.boxes

        @invariant()
        def the_log_has_no_gaps(self) -> None:
            events = list(self.store.events())
            assert [event.number for event in events] == list(range(1, len(events) + 1))
            labels_written = [one for one in events if one.kind is EventKind.LABELS_WRITTEN]
            versions = sum(len(one.versions) for one in self.expected.values())
            assert len(labels_written) == versions

    return StoreMachine


def with_own_ids(labels: AnnotationSet | None) -> AnnotationSet | None:
    if labels is None:
        return None
    ids = ["f" + box_id[1:] for box_id in labels.box_id]
    return AnnotationSet(labels.boxes, labels.class_id, ids, labels.origin)


def told(version: LabelVersion) -> Written:
    return version.annotations, version.author, version.seconds, version.round_number


def test_any_order_of_work(store_url: str, tmp_path: Path) -> None:
    def fresh(folder: Path) -> str:
        if store_url.startswith("sqlite"):
            return f"sqlite:///{folder}/store.sqlite"
        database = Database(store_url, folder)
        with database.writing() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        database.close()
        return store_url

    run_state_machine_as_test(machine_on(fresh), settings=SETTINGS)
