"""One pass of a network against what the framework itself finds, and what comes beside boxes."""

import importlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lively_nets import CLASSES, coloured_picture, lively_net, one_pass, saved_net
from scipy.optimize import linear_sum_assignment

from prelabel.datasets.errors import BadInputError
from prelabel.datasets.frames import Frame
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.pictures import read_picture
from prelabel.datasets.predictions import Prediction
from prelabel.datasets.progress import Silent
from prelabel.models.bulk import Tally, WorkerPool, chunks_of
from prelabel.models.checkpoints import ModelCard, write_card
from prelabel.models.contract import check_predictions
from prelabel.models.detector import DetectorSpec, PredictOptions
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.registry import open_detector
from prelabel.models.ultralytics.confinement import confine

OPTIONS = PredictOptions(input_px=160, batch_size=3, score_min=0.25, nms_iou=0.7)
SIZES = ((200, 150), (120, 160), (333, 100), (64, 64))


@pytest.fixture(scope="module", autouse=True)
def _confined(tmp_path_factory: pytest.TempPathFactory) -> None:
    confine(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> list[Frame]:
    """Three pictures of each size, sizes in turn."""
    folder = tmp_path_factory.mktemp("pictures")
    return [
        coloured_picture(folder / f"{seed}-{width}.jpg", width, height, seed)
        for seed in range(3)
        for width, height in SIZES
    ]


def lively(variant: str, frames: list[Frame]) -> Any:
    return lively_net(variant, frames, OPTIONS.input_px)


def framework(module: str) -> Any:
    """A module of ultralytics, which may be imported only when it is confined."""
    return importlib.import_module(f"ultralytics.{module}")


def saved(net: Any, folder: Path, name: str = "net") -> Path:
    return saved_net(net, folder / f"{name}.pt", OPTIONS.input_px)


def framework_finds(model: Any, frames: list[Frame]) -> list[tuple[Any, Any, Any]]:
    """Boxes with an area, scores and classes by the framework's own `predict`, one batch."""
    results = model.predict(
        [frame.uri for frame in frames],
        batch=len(frames),
        imgsz=OPTIONS.input_px,
        conf=OPTIONS.score_min,
        iou=OPTIONS.nms_iou,
        max_det=OPTIONS.max_boxes,
        device="cpu",
        verbose=False,
    )
    found = []
    for result in results:
        boxes = result.boxes.cpu().numpy()
        height, width = result.orig_shape
        xyxy = boxes.xyxy.clip(0, [width, height, width, height])  # its RT-DETR does not clip
        has_area = (xyxy[:, 2:] > xyxy[:, :2]).all(1)
        found.append((xyxy[has_area], boxes.conf[has_area], boxes.cls[has_area]))
    return found


def check_agreement(mine: Prediction, xyxy: Any, score: Any, class_id: Any) -> None:
    """The same boxes to 1e-3 px and scores to 1e-5; equal scores may come in another order."""
    assert len(mine) == len(xyxy)
    left = np.column_stack([mine.boxes.xyxy, mine.score * 1e3, mine.class_id * 1e6])
    right = np.column_stack([xyxy, score * 1e3, class_id * 1e6])
    rows, columns = linear_sum_assignment(np.abs(left[:, None] - right[None]).max(2))
    assert np.abs(mine.boxes.xyxy[rows] - xyxy[columns]).max(initial=0) < 1e-3
    assert np.abs(mine.score[rows] - score[columns]).max(initial=0) < 1e-5
    assert (mine.class_id[rows] == class_id[columns]).all()


@pytest.mark.parametrize("variant", ["yolo11n.yaml", "yolov8n.yaml", "yolo26n.yaml", "micro"])
def test_boxes_are_those_of_the_framework(
    variant: str, frames: list[Frame], tmp_path: Path
) -> None:
    from ultralytics.models import YOLO

    net = lively(variant, frames)
    predictions = one_pass(net).predict("m", frames, OPTIONS)
    model = YOLO(str(saved(net, tmp_path)))
    count = 0
    for start in range(len(SIZES)):
        rows = range(start, len(frames), len(SIZES))
        found = framework_finds(model, [frames[row] for row in rows])
        for row, one in zip(rows, found, strict=True):
            check_agreement(predictions[row], *one)
            count += len(one[0])
    assert count > 3 * len(frames)


@pytest.mark.slow
def test_boxes_of_rt_detr_are_those_of_the_framework(frames: list[Frame], tmp_path: Path) -> None:
    from ultralytics.models import RTDETR

    net = lively("rtdetr-l.yaml", frames[:3])
    model = RTDETR(str(saved(net, tmp_path)))
    predictions = one_pass(net).predict("m", frames[:2], OPTIONS)
    for mine, one in zip(predictions, framework_finds(model, frames[:2]), strict=True):
        assert len(one[0])
        check_agreement(mine, *one)
        assert mine.spread_px is None
        assert mine.support is None
        assert mine.box_embedding is not None
        assert mine.box_embedding.shape == (len(mine), 256)
    _check_contract(predictions, frames[:2], gives_spread=False, gives_support=False)


def test_everything_the_head_can_give_is_there(frames: list[Frame]) -> None:
    from prelabel.models.ultralytics.prediction import HeadFacts, head_facts

    net = lively("yolo11n.yaml", frames)
    assert head_facts(net) == HeadFacts(gives_spread=True, gives_support=True)
    predictions = one_pass(net, reduced_precision=True).predict("m", frames, OPTIONS)
    _check_contract(predictions, frames, gives_spread=True, gives_support=True)
    for one in predictions:
        assert one.frame_embedding is not None
        assert one.frame_embedding.shape == (64 + 128 + 256,)
        assert one.class_probs is not None
        assert one.class_peak is not None
        assert np.array_equal(one.class_probs.max(1), one.score)
        assert (one.class_peak >= one.class_probs.max(0, initial=0)).all()
        assert not len(one) or one.score[-1] > OPTIONS.score_min


def test_embeddings_can_be_left_out(frames: list[Frame]) -> None:
    options = replace(OPTIONS, with_embeddings=False)
    (one,) = one_pass(lively("micro", frames)).predict("m", frames[:1], options)
    assert one.box_embedding is None
    assert one.frame_embedding is None
    assert one.support is not None


def test_a_head_without_distribution_gives_no_spread(frames: list[Frame]) -> None:
    from prelabel.models.ultralytics.prediction import HeadFacts, head_facts

    net = lively("yolo26n.yaml", frames)
    assert head_facts(net) == HeadFacts(gives_spread=False, gives_support=True)
    (one,) = one_pass(net).predict("m", frames[:1], OPTIONS)
    assert one.spread_px is None


def test_spread_of_even_distributions_is_known(frames: list[Frame]) -> None:
    net = lively("yolo11n.yaml", frames)
    for branch in net.model[-1].cv2:
        torch.nn.init.zeros_(branch[-1].weight)
        torch.nn.init.zeros_(branch[-1].bias)
    (one,) = one_pass(net).predict("m", frames[:1], OPTIONS)
    of_bins = np.sqrt((16**2 - 1) / 12)  # of a draw from 0 to 15
    possible = np.array([8, 16, 32]) * of_bins * 200 / 160
    assert one.spread_px is not None
    assert len(one)
    assert np.abs(one.spread_px[..., None] - possible).min(2).max() < 1e-2


def test_support_counts_the_candidates_over_a_box(frames: list[Frame]) -> None:
    from prelabel.models.ultralytics.anchor_head import find_boxes
    from prelabel.models.ultralytics.trunk import neck_maps

    net = lively("yolo11n.yaml", frames)
    with torch.no_grad():
        maps = neck_maps(net, torch.rand(3, 3, 160, 160, generator=torch.manual_seed(0)))
        kept = find_boxes(net.model[-1], maps, replace(OPTIONS, nms_iou=0.4))
        everything = replace(OPTIONS, nms_iou=1.0, max_boxes=9999)  # only worse than equal goes
        candidates = find_boxes(net.model[-1], maps, everything)
    assert kept.support is not None
    overlap = pairwise_iou(kept.xyxy.numpy(), candidates.xyxy.numpy())
    same = (kept.class_id[:, None] == candidates.class_id) & (
        kept.picture[:, None] == candidates.picture
    )
    assert kept.support.tolist() == (same.numpy() & (overlap >= 0.4)).sum(1).tolist()
    assert kept.support.max() > 1
    assert kept.support.sum() >= len(candidates.score)


def test_box_embeddings_are_roi_align(frames: list[Frame]) -> None:
    from torchvision.ops import roi_align

    from prelabel.models.ultralytics.embeddings import embed_boxes
    from prelabel.models.ultralytics.found import Found

    rng = torch.Generator().manual_seed(0)
    maps = [torch.randn(2, 5, 20 // scale, 24 // scale, generator=rng) for scale in (1, 2)]
    xyxy = torch.tensor([[10.0, 12, 90, 61], [40, 30, 47, 35], [8, 8, 180, 150]])
    picture, none = torch.tensor([0, 0, 1]), torch.zeros(3)
    found = Found(picture, xyxy, none, none, none, none)
    mine = embed_boxes(maps, [8.0, 16.0], found)
    rows = torch.cat([picture[:, None].float(), xyxy], 1)
    theirs = [
        roi_align(one, rows, 1, 1 / stride, sampling_ratio=3, aligned=True).flatten(1)
        for one, stride in zip(maps, (8, 16), strict=True)
    ]
    assert torch.allclose(mine, torch.cat(theirs, 1), atol=1e-5)
    half_turn = replace(found, angle=torch.full((3,), np.pi))
    assert torch.allclose(embed_boxes(maps, [8.0, 16.0], half_turn), mine, atol=1e-4)
    none_found = Found(picture[:0], xyxy[:0], none, none, none, none)
    assert embed_boxes(maps, [8.0, 16.0], none_found).shape == (0, 10)


@pytest.mark.parametrize("reduced_precision", [False, True])
def test_what_is_found_does_not_depend_on_the_neighbours(
    reduced_precision: bool, frames: list[Frame]
) -> None:
    run = one_pass(lively("yolo11n.yaml", frames), reduced_precision=reduced_precision)
    together = run.predict("m", frames, OPTIONS)
    backwards = run.predict("m", frames[::-1], OPTIONS)[::-1]
    assert [one.frame_id for one in together] == [frame.frame_id for frame in frames]
    for one, other in zip(together, backwards, strict=True):
        assert np.allclose(one.boxes.xyxy, other.boxes.xyxy, atol=1e-3)
        for name in ("score", "class_id", "support", "box_embedding", "frame_embedding"):
            # The last digit: vector units compute the end of an array another way.
            assert np.allclose(getattr(one, name), getattr(other, name), rtol=1e-5, atol=1e-6)
    (alone,) = run.predict("m", frames[:1], OPTIONS)  # another size of batch: other kernels
    assert np.allclose(alone.score, together[0].score, atol=1e-2 if reduced_precision else 1e-4)


def test_a_picture_is_placed_as_the_framework_places_it(frames: list[Frame]) -> None:
    from prelabel.models.letterbox import grey_canvases, minimal_rectangle, stretched

    letterbox = framework("data.augment").LetterBox
    for frame in frames:
        picture = read_picture(frame)
        for mine, theirs in (
            (
                minimal_rectangle(frame.width_px, frame.height_px, 160, 32),
                letterbox(160, auto=True, stride=32),
            ),
            (stretched(frame.width_px, frame.height_px, 160), letterbox(160, scale_fill=True)),
        ):
            (canvas,) = grey_canvases(1, mine.canvas_shape)
            mine.place(picture, canvas)
            assert np.array_equal(canvas[..., ::-1], theirs(image=picture))


def test_an_unreadable_picture_is_named(frames: list[Frame], tmp_path: Path) -> None:
    run = one_pass(lively("micro", frames))
    gone = replace(frames[1], uri=str(tmp_path / "gone.jpg"))
    with pytest.raises(BadInputError, match=r"gone\.jpg"):
        run.predict("m", [frames[0], gone], OPTIONS)


@pytest.mark.slow
def test_workers_write_what_one_process_predicts(frames: list[Frame], tmp_path: Path) -> None:
    checkpoint = saved(lively("micro", frames), tmp_path, "micro")
    write_card(checkpoint, ModelCard("ultralytics:micro", CLASSES, OPTIONS.input_px))
    files = PredictionFiles(tmp_path / "run")
    with (
        WorkerPool(checkpoint, 2, tmp_path / "state") as pool,
        Silent().task("", None) as advance,
    ):
        pool.predict(chunks_of(frames, OPTIONS, files.folder), Tally(advance))
    alone = open_detector(checkpoint, tmp_path / "state").predict(frames, OPTIONS)
    written = list(files.read([frame.frame_id for frame in frames]))
    assert len(written) == len(frames)
    for one, other in zip(written, alone, strict=True):
        assert one.model_id == other.model_id
        assert len(one) == len(other)
        assert np.abs(one.boxes.xyxy - other.boxes.xyxy).max(initial=0) < 1
        for name in ("score", "class_probs", "spread_px", "box_embedding", "frame_embedding"):
            assert np.allclose(getattr(one, name), getattr(other, name), rtol=0.02, atol=0.02)


def _check_contract(
    predictions: list[Prediction], frames: list[Frame], *, gives_spread: bool, gives_support: bool
) -> None:
    spec = DetectorSpec(
        "ultralytics:test",
        CLASSES,
        predictions[0].class_scores,
        trainable=True,
        gives_spread=gives_spread,
        gives_support=gives_support,
        gives_embeddings=True,
    )
    check_predictions(spec, frames, predictions)
