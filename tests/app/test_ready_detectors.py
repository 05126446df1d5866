"""Detectors that predict without training, through the commands: a real net, results of others."""

import json
import shutil
from pathlib import Path

import pytest
from builders import a_picture
from click.testing import CliRunner, Result

from prelabel.cli.main import FAILED, cli
from prelabel.project import open_project
from prelabel.store.records import EventKind

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def prelabel(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


def done(*arguments: str | Path) -> str:
    shown = prelabel(*arguments)
    assert shown.exit_code == 0, shown.output
    return shown.output


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that the commands are given in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def film(here: Path, test_data: Path) -> Path:
    """Pictures of a car on a street."""
    (here / "film").mkdir()
    for path in sorted((test_data / "davis_car_shadow" / "images").glob("*.jpg"))[::5]:
        shutil.copy(path, here / "film")
    return here / "film"


@pytest.fixture
def net(here: Path, test_data: Path) -> Path:
    """The shipped specification of FastestDet beside the files it names."""
    (here / "nets").mkdir()
    for name in ("FastestDet.onnx", "coco.names"):
        shutil.copy(test_data / "weights" / "fastestdet" / name, here / "nets")
    return Path(shutil.copy(CONFIGS / "fastestdet.yaml", here / "nets"))


@pytest.mark.usefixtures("net")
def test_a_net_of_others_proposes_from_the_first_round_on(here: Path, film: Path) -> None:
    arguments = ("--classes", "heron,car", "--detector", "onnx:nets/fastestdet.yaml")
    assert "Next: prelabel propose" in done("init", "street", "--images", film, *arguments)
    (here / "elsewhere").mkdir()
    shutil.move(here / "street", here / "elsewhere" / "street")
    street = here / "elsewhere" / "street"
    proposed = done("-p", street, "propose")
    assert "onnx:" in proposed
    assert "never proposes: heron." in proposed
    assert "Next: prelabel select" in proposed
    assert "class_growth_apart" in done("-p", street, "select", "--budget", "4")
    done("-p", street, "export", "--batch", "--to", here / "batch")
    document = json.loads((here / "batch" / "annotations.json").read_bytes())
    car = next(one["id"] for one in document["categories"] if one["name"] == "car")
    assert {one["category_id"] for one in document["annotations"]} == {car}
    assert len({one["image_id"] for one in document["annotations"]}) >= 3

    refused = prelabel("-p", street, "train")
    assert refused.exit_code == FAILED
    assert "only predicts" in refused.stderr
    assert refused.stderr.strip().count("\n") == 0
    with open_project(street) as project:
        (model,) = project.store.models()
        assert (model.train_frames, model.steps) == (0, 0)
        done("-p", street, "propose")
        kinds = [event.kind for event in project.store.events()]
        assert kinds.count(EventKind.MODEL_ADDED) + kinds.count(EventKind.MODEL_ADOPTED) == 1


def test_a_class_that_is_added_is_proposed_by_a_net_that_knows_it(
    here: Path, film: Path, net: Path
) -> None:
    shutil.move(net.parent, here / "street" / "nets")
    named = ("--detector", "onnx:street/nets/fastestdet.yaml")
    done("init", "street", "--images", film, "--classes", "truck", *named)
    assert "onnx:nets/fastestdet.yaml" in (here / "street" / "prelabel.yaml").read_text()
    done("-p", "street", "propose")
    with open_project(here / "street") as project:
        before = project.store.latest_model()
    assert "New class: car" in done("-p", "street", "classes", "add", "car")
    assert done("-p", "street", "classes") == "1  truck\n2  car\n"
    shutil.move(here / "street", here / "moved")
    done("-p", "moved", "propose")
    with open_project(here / "moved") as project:
        after = project.store.latest_model()
        assert before is not None
        assert after is not None
        assert after.model_id != before.model_id
        chosen = project.select(3)
        shown = project.store.shown(chosen.round.number, chosen.frames[0].frame_id)
        assert shown is not None
        assert 1 in shown.proposals.class_id


def test_results_of_another_program_propose(here: Path) -> None:
    (here / "photos").mkdir()
    for number in range(4):
        a_picture(here / "photos" / f"{number}.jpg", seed=number)
    box = {"category_id": 7, "bbox": [4, 4, 20, 20]}
    results = [box | {"image_id": number, "score": 0.9 - 0.2 * number} for number in range(4)]
    images = [{"id": number, "file_name": f"{number}.jpg"} for number in range(4)]
    categories = [{"id": 7, "name": "Egret"}]
    (here / "results.json").write_text(json.dumps([*results, results[0]]))
    (here / "instances.json").write_text(json.dumps({"images": images, "categories": categories}))
    named = ("--detector", "coco-results:results.json+instances.json")
    done("init", "birds", "--images", "photos", "--classes", "heron,egret", *named)
    assert "never proposes: heron." in done("-p", "birds", "propose")
    assert "chose 4 frames by class_growth_apart" in done("-p", "birds", "select", "--budget", "4")
    done("-p", "birds", "export", "--batch", "--to", "batch")
    document = json.loads((here / "batch" / "annotations.json").read_bytes())
    assert sorted(one["bbox"] for one in document["annotations"]) == [[4, 4, 20, 20]] * 5

    # The program tells no embeddings: pictures are compared by what they look like.
    compared = done("-p", "birds", "select", "--budget", "2", "--strategy", "kcenter")
    assert "chose 2 frames by kcenter" in compared

    results[0]["score"] = 0.8
    (here / "results.json").write_text(json.dumps(results))
    assert "Predicted 4 frames" in done("-p", "birds", "propose")
    with open_project(here / "birds") as project:
        assert len(project.store.models()) == 2


@pytest.mark.parametrize(
    ("detector", "said"),
    [
        ("onnx:nowhere.yaml", "there is no file nowhere.yaml"),
        ("coco-results:photos/0.jpg+none.json", "there is no file none.json"),
        ("magic:net", "unknown detector 'magic:net'"),
    ],
)
def test_a_detector_that_is_not_there_is_told_at_once(here: Path, detector: str, said: str) -> None:
    (here / "photos").mkdir()
    a_picture(here / "photos" / "0.jpg")
    arguments = ("--images", "photos", "--classes", "a", "--detector", detector)
    refused = prelabel("init", "birds", *arguments)
    assert refused.exit_code == FAILED
    assert said in refused.stderr
    assert not (here / "birds").exists()


def test_a_net_that_knows_none_of_the_classes_says_so(film: Path, net: Path) -> None:
    named = ("--detector", f"onnx:{net}")
    done("init", "birds", "--images", film, "--classes", "heron", *named)
    refused = prelabel("-p", "birds", "propose")
    assert refused.exit_code == FAILED
    assert "knows none of the classes heron" in refused.stderr
