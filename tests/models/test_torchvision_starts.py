"""Names of torchvision detectors, and weights they start from."""

import re
from pathlib import Path

import pytest
import torch
from builders import a_picture

from prelabel.models.detector import DetectorError, PredictOptions
from prelabel.models.registry import build_detector
from prelabel.models.torchvision.detector import TorchvisionDetector
from prelabel.models.torchvision.variants import VARIANTS


def place_coco(name: str, state_folder: Path) -> dict[str, torch.Tensor]:
    """A file of random weights of the size of torchvision's COCO weights, where these would be."""
    variant = VARIANTS[name]
    known = len(variant.coco.meta["categories"])
    with torch.random.fork_rng():
        torch.manual_seed(11)
        net = variant.construct(known)
    folder = state_folder / "torchvision"
    folder.mkdir(parents=True)
    torch.save(net.state_dict(), folder / variant.coco.url.rpartition("/")[2])
    return dict(net.state_dict())


@pytest.mark.parametrize("name", ["ssdlite", "fasterrcnn", "fcos", "retinanet"])
def test_coco_weights_are_taken_class_by_class(name: str, tmp_path: Path) -> None:
    coco = place_coco(name, tmp_path)
    classes = ("Dog", "heron", "person")
    detector = TorchvisionDetector.before_training(f"{name}@coco", classes, tmp_path)
    assert detector.spec.name == f"torchvision:{name}@coco"
    taken = {key: value.cpu() for key, value in detector._net.state_dict().items()}
    categories = VARIANTS[name].coco.meta["categories"]
    rows = [categories.index("dog"), categories.index("person")]
    background = int(VARIANTS[name].has_background)
    changed = [key for key, value in coco.items() if value.shape != taken[key].shape]
    assert changed
    for key, value in coco.items():
        if key not in changed:
            assert torch.equal(taken[key], value), key
            continue
        sides_last = "bbox_pred" in key
        shape = (-1, 4) if sides_last else (taken[key].shape[0] // (3 + background), -1)
        mine = taken[key].reshape(*shape, *value.shape[1:])
        theirs = value.reshape(*shape, *value.shape[1:])
        if sides_last:
            mine, theirs = mine.transpose(0, 1), theirs.transpose(0, 1)
        wanted = [0 + background, 2 + background]
        assert torch.equal(mine[:, wanted], theirs[:, rows]), key
        if background:
            assert torch.equal(mine[:, 0], theirs[:, 0]), key


def test_imagenet_weights_go_into_the_trunk(tmp_path: Path) -> None:
    from torchvision.models import mobilenet_v3_large

    classifier = mobilenet_v3_large(weights=None)
    url = VARIANTS["fasterrcnn"].imagenet.url
    (tmp_path / "torchvision").mkdir()
    torch.save(classifier.state_dict(), tmp_path / "torchvision" / url.rpartition("/")[2])
    detector = TorchvisionDetector.before_training("fasterrcnn@imagenet", ["a"], tmp_path)
    taken = detector._net.state_dict()["backbone.body.0.0.weight"].cpu()
    assert torch.equal(taken, classifier.state_dict()["features.0.0.weight"])


def test_without_network_it_says_where_to_put_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    monkeypatch.setenv("no_proxy", "")
    place = re.escape(f"put it at {tmp_path}/torchvision/ssdlite320_mobilenet_v3_large_coco")
    with pytest.raises(DetectorError, match=rf"cannot be downloaded .* {place}"):
        build_detector("torchvision:ssdlite@coco", ["a"], tmp_path)


def test_a_broken_file_of_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "torchvision").mkdir()
    name = VARIANTS["ssdlite"].coco.url.rpartition("/")[2]
    (tmp_path / "torchvision" / name).write_bytes(b"not weights")
    with pytest.raises(DetectorError, match=f"{name}: is not the file of weights"):
        build_detector("torchvision:ssdlite@coco", ["a"], tmp_path)


def test_building_writes_nothing(tmp_path: Path) -> None:
    for name in VARIANTS:
        build_detector(f"torchvision:{name}", ["a"], tmp_path / "state")
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("torchvision:yolo", "unknown detector torchvision:yolo; write one of torchvision:micro"),
        ("torchvision:micro@coco", "torchvision:micro has no start @coco; leave it out"),
        ("torchvision:ssdlite@imagenet", "has no start @imagenet; write @coco"),
        ("torchvision:fcos@voc", "has no start @voc; write @coco or @imagenet"),
    ],
)
def test_unknown_names_are_refused(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match=told):
        build_detector(name, ["a"], tmp_path)


def test_no_classes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DetectorError, match="at least one class"):
        build_detector("torchvision:micro", [], tmp_path)


def test_embeddings_are_given_when_wanted(tmp_path: Path) -> None:
    frame = a_picture(tmp_path / "a.jpg")
    detector = build_detector("torchvision:micro", ["a"], tmp_path)
    options = PredictOptions(64, score_min=0.0)
    with_them = detector.predict([frame], options)[0]
    assert with_them.box_embedding is not None
    assert with_them.box_embedding.shape == (len(with_them), 128)
    assert with_them.frame_embedding is not None
    assert with_them.frame_embedding.shape == (192,)
    without = detector.predict([frame], PredictOptions(64, score_min=0.0, with_embeddings=False))[0]
    assert without.box_embedding is None
    assert without.frame_embedding is None
    assert without.boxes == with_them.boxes
