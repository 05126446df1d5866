"""Labels as the log keeps them."""

import uuid

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_content import ORIGINS, labels_of

from prelabel.datasets.annotations import DRAWN, IMPORTED, AnnotationSet, Origin, OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.store.errors import StoreError
from prelabel.store.packing import pack_labels, unpack_labels

coordinates = st.floats(-1e6, 1e6, width=32)
scores = st.floats(0, 1)
model_ids = st.text('aé鷺"\\\n', min_size=1, max_size=8)


@st.composite
def corners(draw: st.DrawFn) -> tuple[float, float, float, float]:
    left, top = draw(coordinates), draw(coordinates)
    width, height = draw(st.floats(1, 1e4, width=32)), draw(st.floats(1, 1e4, width=32))
    return left, top, left + width, top + height


origins = st.one_of(
    st.sampled_from([IMPORTED, DRAWN]),
    st.builds(Origin, st.just(OriginKind.PROPOSED), model_ids, scores),
    st.builds(Origin, st.just(OriginKind.CARRIED), spread_px=st.floats(0, 1e6)),
    st.builds(
        Origin,
        st.just(OriginKind.CHANGED),
        model_ids,
        scores,
        corners(),
        st.integers(0, 2**40),
        st.none() | coordinates,
    ),
)

heights = st.sampled_from([(np.nan, np.nan), (-1.75, 0.0), (-0.0, 1.5), (812.1, 812.7)])


@st.composite
def label_sets(draw: st.DrawFn) -> AnnotationSet:
    count = draw(st.integers(0, 6))
    angles = draw(st.none() | st.lists(coordinates, min_size=count, max_size=count))
    return AnnotationSet(
        Boxes([draw(corners()) for _ in range(count)], angles),
        [draw(st.integers(0, 2**31 - 1)) for _ in range(count)],
        [str(one) for one in draw(st.sets(st.uuids(), min_size=count, max_size=count))],
        [draw(origins) for _ in range(count)],
        draw(st.none() | st.lists(heights, min_size=count, max_size=count)),
    )


@given(label_sets())
def test_labels_come_back_as_they_were(labels: AnnotationSet) -> None:
    packed = pack_labels(labels)
    assert unpack_labels(packed) == labels
    assert pack_labels(unpack_labels(packed)) == packed


def test_equal_labels_are_equal_bytes() -> None:
    ids = [str(uuid.UUID(int=1))]
    minus = AnnotationSet(Boxes([[-0.0, 0, 1, 1]], [-0.0]), [0], ids, [IMPORTED])
    plus = AnnotationSet(Boxes([[0.0, 0, 1, 1]], [0.0]), [0], ids, [IMPORTED])
    assert minus == plus
    assert pack_labels(minus) == pack_labels(plus)


def test_numpy_scalars_in_origins_are_kept_as_numbers() -> None:
    score, side = np.float32(0.7), np.float32(3)
    origin = Origin(
        OriginKind.CHANGED, "m", float(score), (0.0, 0.0, float(side), 1.0), int(np.int64(4))
    )
    given_as_numpy = Origin(OriginKind.CHANGED, "m", score, (0, 0, side, 1), np.int64(4))  # type: ignore[arg-type]  # what the test is about
    ids = [str(uuid.UUID(int=1))]
    labels = AnnotationSet(Boxes([[0, 0, 1, 1]]), [0], ids, [given_as_numpy])
    assert unpack_labels(pack_labels(labels)).origin == (origin,)


def test_a_box_takes_36_bytes_and_one_of_a_model_less_than_100() -> None:
    assert len(pack_labels(labels_of(1, 10, IMPORTED))) == 8 + 10 * 36
    assert len(pack_labels(labels_of(1, 10, ORIGINS[2]))) < 10 * 100


def test_a_format_of_the_future_is_refused() -> None:
    packed = bytes([9]) + pack_labels(labels_of(1))[1:]
    with pytest.raises(StoreError, match="kept in format 9, but this prelabel reads 1 and 2"):
        unpack_labels(packed)
