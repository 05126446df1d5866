"""Bird's-eye frames with their cameras and heights, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from lidar_projects import ALL_DRAWN, LidarProject, lidar_project
from playwright.sync_api import Page, expect
from review_server import ReviewServer, serving

from prelabel.cli.main import cli
from prelabel.datasets.annotations import OriginKind
from prelabel.datasets.boxes import Boxes
from prelabel.datasets.geometry import pairwise_iou
from prelabel.datasets.lidar.birds_eye import BirdsEyeGrid
from prelabel.datasets.lidar.cuboids import Cuboids
from prelabel.datasets.lidar.kitti import DONT_CARE, read_kitti_objects
from prelabel.datasets.lidar.lifting import footprints_on_ground
from prelabel.datasets.lidar.projection import project_cuboids
from prelabel.datasets.lidar.simulated.options import SweepOptions
from prelabel.datasets.lidar.simulated.writing import write_sweeps
from prelabel.datasets.lidar.sources import open_sweeps
from prelabel.datasets.progress import Silent
from prelabel.project import open_project

GRID = BirdsEyeGrid(-20, 45, -25, 25, 0.125)
KITTI_GRID = BirdsEyeGrid(0, 70.4, -40, 40, 0.1)

# The box in hand: what it is, and what every camera sees of it at this moment.
HAND = """() => {
  const { editor } = window.__prelabel.page;
  const { around } = editor;
  const box = editor.selected;
  return {
    ...box, live: editor.scene.live && [...editor.scene.live.xyxy],
    shown: [around.hand.bottom, around.hand.top],
    views: around.views.map(({ live, view, field }) => {
      const { left, top } = field.getBoundingClientRect();
      return { seen: live.isSeen, box: [...live.box], view: { ...view, left, top } };
    }),
  };
}"""
# Selected, and zoomed to; then drawn.
SELECT = """async (id) => {
  const { editor } = window.__prelabel.page;
  editor.select(id);
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def streets(tmp_path: Path) -> LidarProject:
    options = SweepOptions(4, 1, 0, 0, 1, beams=32, columns=720, camera_px=(240, 135))
    write_sweeps(tmp_path / "streets", options, Silent())
    return lidar_project(tmp_path / "street", tmp_path / "streets", GRID, 1.5)


@pytest.fixture
def server(streets: LidarProject) -> Iterator[ReviewServer]:
    with serving(streets.folder) as running:
        yield running


def hand(page: Page) -> dict[str, Any]:
    page.wait_for_function(ALL_DRAWN)
    found: dict[str, Any] = page.evaluate(HAND)
    return found


def nearest(page: Page, project: LidarProject) -> str:
    """The box of the frame on the stage whose middle is best seen by the camera ahead."""
    boxes = page.evaluate(
        "() => [...window.__prelabel.page.editor.draft.boxes()].map(({ id, xyxy }) => [id, xyxy])"
    )
    centre = np.array([[(xyxy[0] + xyxy[2]) / 2, (xyxy[1] + xyxy[3]) / 2] for _, xyxy in boxes])
    x, y = project.grid.metres(centre).T
    ahead = np.where((x > 6) & (np.abs(y) < 0.6 * x), np.hypot(x, y), np.inf)
    return str(boxes[int(ahead.argmin())][0])


def expect_agreement(page: Page, project: LidarProject, frame_id: str) -> int:
    """Every camera has the box in hand within half a pixel of where Python projects it."""
    now = hand(page)
    box = Boxes([now["live"] or now["xyxy"]], [now["angle"]])
    flat = footprints_on_ground(box, project.grid)
    bottom, top = now["shown"]
    middle = np.column_stack([flat.centre_m[:, :2], [(bottom + top) / 2]])
    cuboid = Cuboids(middle, np.column_stack([flat.size_m[:, :2], [top - bottom]]), flat.yaw)
    seen = 0
    for one, taken in zip(now["views"], project.sweeps[frame_id].cameras, strict=True):
        wanted = project_cuboids(cuboid, taken.camera)
        assert one["seen"] == bool(len(wanted))
        if one["seen"]:
            np.testing.assert_allclose(one["box"], wanted.boxes.xyxy[0], atol=0.5)
            seen += 1
    return seen


def test_one_correction_moves_in_all_views_and_its_height_is_kept(
    page: Page, server: ReviewServer, streets: LidarProject, tmp_path: Path
) -> None:
    page.goto(server.url)
    page.wait_for_function(ALL_DRAWN)
    frame_id = page.evaluate("() => window.__prelabel.page.editor.draft.task.frame_id")
    chosen = nearest(page, streets)
    page.evaluate(SELECT, chosen)
    assert expect_agreement(page, streets, frame_id) >= 1
    expect(page.get_by_role("region", name="Camera CAM_FRONT", exact=True)).to_be_visible()
    expect(page.locator(".height-source")).to_contain_text("points")

    drag_and_check(page, streets, frame_id)
    raise_by_keys_slider_and_line(page)
    assert expect_agreement(page, streets, frame_id) >= 1
    select_in_a_camera(page, chosen)
    said = hand(page)["height_m"]
    page.wait_for_function("() => window.__prelabel.page.outbox.state === 'saved'")
    page.reload()
    page.wait_for_function(ALL_DRAWN)
    page.evaluate(SELECT, chosen)
    assert hand(page)["height_m"] == said
    expect(page.locator(".height-source")).to_have_text("set by hand")

    page.locator(".stage").focus()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Height as the points tell")
    page.keyboard.press("?")
    page.keyboard.press("A")
    # Enter too soon after a frame came would be meant for the one before.
    page.wait_for_function("() => performance.now() - window.__prelabel.page.shownAt > 350")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing left for you")).to_be_visible()
    expect(page.locator(".surroundings")).to_be_hidden()
    page.evaluate("() => window.__prelabel.page.outbox.letGo()")
    page.wait_for_function("() => window.__prelabel.page.outbox.state === 'saved'")
    server.stop()
    expect_lifted(streets, frame_id, chosen, said, tmp_path)


def drag_and_check(page: Page, project: LidarProject, frame_id: str) -> None:
    """In the middle of a drag, cameras show where the box is by then."""
    before = hand(page)
    place = page.evaluate(
        """() => {
          const { editor } = window.__prelabel.page;
          const { scale, x, y } = editor.scene.view;
          const { left, top } = editor.stage.getBoundingClientRect();
          const [x1, y1, x2, y2] = editor.selected.xyxy;
          return [left + x + scale * (x1 + x2) / 2, top + y + scale * (y1 + y2) / 2];
        }"""
    )
    page.mouse.move(*place)
    page.mouse.down()
    page.mouse.move(place[0] + 6, place[1] + 9)
    page.mouse.move(place[0] + 12, place[1] + 20)
    page.evaluate(DRAWN)
    during = hand(page)
    assert during["live"] != before["xyxy"]
    assert during["xyxy"] == before["xyxy"]
    moved = [one["box"] != other["box"] for one, other in zip(during["views"], before["views"],
        strict=True) if one["seen"]]  # fmt: skip
    assert moved
    assert all(moved)
    expect_agreement(page, project, frame_id)
    page.mouse.up()
    page.evaluate(DRAWN)
    assert hand(page)["xyxy"] == during["live"]
    page.keyboard.press("]")
    page.evaluate(DRAWN)
    assert hand(page)["angle"] != before["angle"]
    expect_agreement(page, project, frame_id)


def raise_by_keys_slider_and_line(page: Page) -> None:
    """Each of the three ways gives a height; undo takes it back, M as the points tell."""
    first = hand(page)
    assert not first["height_m"]
    bottom, top = first["shown"]
    page.keyboard.press("U")
    page.evaluate(DRAWN)
    np.testing.assert_allclose(hand(page)["height_m"], [bottom, top + 0.05], atol=0.001)
    page.keyboard.press("Control+Z")
    page.evaluate(DRAWN)
    assert not hand(page)["height_m"]
    slider = page.get_by_role("slider", name="Bottom of the object, metres over the ground")
    slider.focus()
    page.keyboard.press("ArrowUp")
    page.evaluate(DRAWN)
    assert hand(page)["height_m"][0] > bottom
    page.locator(".stage").focus()
    page.keyboard.press("M")
    page.evaluate(DRAWN)
    assert not hand(page)["height_m"]
    lines = page.evaluate(
        """() => {
          const { side } = window.__prelabel.page.editor.around.heights;
          const { left, top, width } = side.element.getBoundingClientRect();
          return [left + width / 2, top + side.y(side.top), side.y(0) - side.y(1)];
        }"""
    )
    x, y, metre = lines
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y - 5)
    page.mouse.move(x, y - 10)
    page.mouse.up()
    page.evaluate(DRAWN)
    np.testing.assert_allclose(hand(page)["height_m"], [bottom, top + 10 / metre], atol=0.002)


def select_in_a_camera(page: Page, chosen: str) -> None:
    """By a click; clicked again the box behind is taken, around to the nearest."""
    page.evaluate(SELECT, None)
    place = page.evaluate(
        """(id) => {
          const { views } = window.__prelabel.page.editor.around;
          const seen = ({ drawn }) => drawn.find((one) => one.id === id && one.sighting.isSeen);
          const view = views.find(seen);
          const { left, top } = view.field.getBoundingClientRect();
          const [x1, y1, x2, y2] = seen(view).sighting.box;
          const { scale, x, y } = view.view;
          return [left + x + scale * (x1 + x2) / 2, top + y + scale * (y1 + y2) / 2];
        }""",
        chosen,
    )
    reached: set[str] = set()
    for _ in range(12):
        page.mouse.click(*place)
        page.evaluate(DRAWN)
        reached.add(page.evaluate("() => window.__prelabel.page.editor.selectedId"))
        if chosen in reached:
            return
    raise AssertionError(f"{chosen} was not among {reached}")


def expect_lifted(
    streets: LidarProject, frame_id: str, chosen: str, said: list[float], tmp_path: Path
) -> None:
    """The height is in the labels, and in the cuboids that exports have."""
    with open_project(streets.folder) as project:
        version = project.store.labels(frame_id)
        assert version is not None
        labels = version.annotations
        row = labels.box_id.index(chosen)
        assert labels.height_m is not None
        np.testing.assert_allclose(labels.height_m[row], said, atol=1e-6)
        assert labels.origin[row].kind is OriginKind.CHANGED
        assert np.isnan(np.delete(labels.height_m, row, axis=0)).all()
        project.export("coco", tmp_path / "corrected")
    annotations = str(tmp_path / "corrected" / "annotations.json")
    for format in ("kitti", "nuscenes"):
        target = tmp_path / format
        arguments = ["lidar", "lift", annotations, "--frames", str(streets.frames)]
        arguments += ["--to", str(target), "--format", format]
        arguments += ["--images", str(streets.frames / "pictures")]
        done = CliRunner().invoke(cli, arguments)
        assert done.exit_code == 0, done.output
        found = {
            box_id: sweep.labels.cuboids.heights()[at].tolist()
            for sweep in open_sweeps(target).sweeps
            if sweep.labels is not None
            for at, box_id in enumerate(sweep.labels.box_id)
        }
        np.testing.assert_allclose(found[chosen], said, atol=0.01)


ON_ALL_FRAMES = """async (heights) => {
  const { page } = window.__prelabel;
  const { editor, queue } = page;
  const found = {};
  for (const frame of queue.frames) {
    page.show(frame);
    const { around } = editor;
    const scene = await around.scenes.get(frame.task.scene);
    for (let left = 1000; around.scene !== scene; left--) {
      if (!left) throw new Error("the scene did not come onto the page");
      await new Promise((done) => requestAnimationFrame(done));
    }
    const read = async () => {
      editor.select(null);
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const [view] = around.views;
      return Object.fromEntries(view.drawn.filter(({ sighting }) => sighting.isSeen)
        .map(({ id, sighting }) => [id, [...sighting.box]]));
    };
    const byPoints = await read();
    const boxes = [...editor.draft.boxes()];
    editor.change("height", boxes.map((box) => ({ ...box, height_m: heights[box.id] })));
    found[frame.task.frame_id] = { byPoints, said: await read() };
  }
  return found;
}"""


def test_wires_lie_over_the_boxes_that_people_drew_on_real_pictures(
    page: Page, test_data: Path, tmp_path: Path
) -> None:
    kitti = test_data / "kitti_lidar_mini"
    made = lidar_project(tmp_path / "kitti", kitti, KITTI_GRID, ahead=12)
    with serving(made.folder) as server:
        page.goto(server.url)
        page.wait_for_function(ALL_DRAWN)
        page.wait_for_function("() => window.__prelabel.page.queue.frames.length === 13")
        proposed = page.evaluate(
            "() => window.__prelabel.page.queue.frames.flatMap(({ task }) => "
            "task.boxes.map(({ id, xyxy }) => [task.frame_id, id, xyxy]))"
        )
        names, heights = matched(made, proposed)
        found = page.evaluate(ON_ALL_FRAMES, json.loads(json.dumps(heights)))

    overlaps: dict[str, list[float]] = {"byPoints": [], "said": []}
    for frame_id, boxes in found.items():
        lines = kitti / f"training/label_2/{made.sweeps[frame_id].name}.txt"
        objects = [one for one in read_kitti_objects(lines) if one.type != DONT_CARE]
        for how, by_id in boxes.items():
            for box_id, box in by_id.items():
                one = objects[names[box_id]]
                if one.truncated == 0:
                    pair = np.array([box], np.float32), np.array([one.xyxy], np.float32)
                    overlaps[how].append(float(pairwise_iou(*pair)[0, 0]))
    assert len(overlaps["said"]) > 50
    assert np.median(overlaps["said"]) >= 0.95
    assert np.median(overlaps["byPoints"]) >= 0.7  # the roof of a far car gives no points


def matched(
    made: LidarProject, proposed: list[Any]
) -> tuple[dict[str, int], dict[str, list[float]]]:
    """Of each proposal the row of its label among those of its sweep, and the label's heights."""
    rows: dict[str, int] = {}
    heights: dict[str, list[float]] = {}
    for frame_id, box_id, xyxy in proposed:
        labels = made.sweeps[frame_id].labels
        assert labels is not None
        true = made.grid.boxes(labels.cuboids).xyxy
        row = int(np.abs(true - np.array(xyxy)).max(axis=1).argmin())
        rows[box_id], heights[box_id] = row, labels.cuboids.heights()[row].tolist()
    return rows, heights


def test_other_projects_load_nothing_of_it(page: Page, standing_server: ReviewServer) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(standing_server.url)
    page.wait_for_function("() => window.__prelabel?.page.editor.scene.picture")
    before = page.evaluate("() => JSON.stringify([...window.__prelabel.page.editor.draft.boxes()])")
    page.keyboard.press("U")
    page.keyboard.press("M")
    after = page.evaluate("() => JSON.stringify([...window.__prelabel.page.editor.draft.boxes()])")
    assert after == before
    assert any(url.endswith("/page/editor.js") for url in asked)
    assert not [url for url in asked if "/lidar/" in url or "/scene" in url]
    expect(page.locator(".surroundings")).to_have_count(0)
