"""A person who knows the true boxes, at a real browser: looks, presses keys, drags, and counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page
from review_policy import (
    Corners,
    Decision,
    Effort,
    Missing,
    Plan,
    Reshape,
    SeenBox,
    Verdict,
    plan_of,
)

from prelabel.datasets.annotations import AnnotationSet

_LOOK = """() => {
  const { editor, queue } = window.__prelabel.page;
  const frame = queue.current;
  const { left, top } = editor.stage.getBoundingClientRect();
  const { scale, x, y } = editor.scene.view;
  const open = (box) => editor.draft.isOpen(box);
  return {
    task: frame.task.task,
    frame_id: frame.task.frame_id,
    selected: editor.selectedId,
    draw_class: editor.drawClass,
    view: { scale, x: x + left, y: y + top },
    boxes: [...editor.draft.boxes()].map((box) => ({
      id: box.id, xyxy: box.xyxy, class_id: box.class_id, status: box.status, is_open: open(box),
      score: box.proposal?.score ?? null, uncertainty: box.proposal?.uncertainty ?? 0,
    })),
  };
}"""
_ARE_HERE = """(count) => {
  const { queue, pictures } = window.__prelabel.page;
  return queue.open.filter(({ task }) => pictures.peek(task.picture)).length === count;
}"""
Place = tuple[float, float]

# Also nothing is left to draw: a frame that has just been drawn may be zoomed into at once.
STILL = """() => {
  const editor = window.__prelabel?.page.editor;
  if (!editor?.draft || !editor.scene.picture) return false;
  return !editor.canvas.frame && editor.camera.goal === null;
}"""
_HAS_ANSWER = """() => {
  const page = window.__prelabel?.page;
  if (!page || page.queue.asking) return false;
  return page.queue.current || page.editor.message.textContent.startsWith("Nothing left for you");
}"""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the page shows: the frame, the box in hand, all boxes, and how the picture lies."""

    task: int
    frame_id: str
    selected: str | None
    draw_class: int
    view: dict[str, float]
    boxes: tuple[dict[str, Any], ...]

    @property
    def proposals(self) -> list[SeenBox]:
        """The proposals that must be decided on."""
        return [
            SeenBox(
                box["id"], tuple(box["xyxy"]), box["class_id"], box["score"], box["uncertainty"]
            )
            for box in self.boxes
            if box["is_open"]
        ]

    def box(self, box_id: str) -> dict[str, Any]:
        return next(box for box in self.boxes if box["id"] == box_id)

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the picture lies in the window."""
        scale = self.view["scale"]
        return x * scale + self.view["x"], y * scale + self.view["y"]


class ScriptedAnnotator:
    """Labels frame by frame with the keyboard and the mouse of a page that shows the annotator's
    view; `truth` holds the true boxes by frame id."""

    def __init__(self, page: Page, truth: Mapping[str, AnnotationSet]) -> None:
        self._page = page
        self._truth = truth
        self.keys = 0
        self.clicks = 0

    def look(self) -> Sight:
        """What there is to see, once nothing moves any more."""
        self._page.wait_for_function(STILL)
        seen = self._page.evaluate(_LOOK)
        return Sight(**{**seen, "boxes": tuple(seen["boxes"])})

    def has_frame(self) -> bool:
        """Whether there is a frame to work on, once the server has said so."""
        self._page.wait_for_function(_HAS_ANSWER)
        return bool(self._page.evaluate("() => window.__prelabel.page.queue.current !== null"))

    def in_hand(self) -> str:
        """The id of the box in hand."""
        selected = self.look().selected
        assert selected is not None, "no box is in hand"
        return selected

    def settle(self) -> None:
        """Wait until the server has everything that was done, and the last frame, too."""
        self._page.evaluate("() => window.__prelabel.page.outbox.letGo()")
        self._page.wait_for_function("() => window.__prelabel.page.outbox.waiting === 0")

    def press(self, key: str, times: int = 1) -> None:
        for _ in range(times):
            self._page.keyboard.press(key)
        self.keys += times

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press, move and let go of the left button; places are in the window."""
        mouse = self._page.mouse
        mouse.move(*start)
        mouse.down()
        mouse.move(*_between(start, end))
        mouse.move(*end)
        mouse.up()
        self.clicks += 1

    def label_frame(self) -> tuple[Sight, Effort]:
        """Make the boxes of the frame in hand the true ones and submit; what was seen at first."""
        before = Effort(self.keys, self.clicks)
        first = self.look()
        plan = plan_of(first.proposals, self._truth[first.frame_id], first.draw_class)
        self._decide(plan)
        sight = self.look()
        if plan.missing:
            if sight.proposals:
                self.press("A")
            self.draw(plan.missing)
        self.submit("Enter" if plan.missing or not sight.proposals else "Shift+Enter")
        return first, Effort(self.keys - before.keys, self.clicks - before.clicks)

    def submit(self, key: str = "Enter") -> None:
        """Hand the frame in, not so soon that the page takes it for a slip."""
        wait_until_enter_counts(self._page)
        self.press(key)

    def _decide(self, plan: Plan) -> None:
        """Go through the proposals until all that are left are right."""
        while True:
            sight = self.look()
            rest = [plan.decisions[box.box_id] for box in sight.proposals]
            if all(one.verdict is Verdict.RIGHT for one in rest):
                return
            assert sight.selected is not None
            self._carry_out(plan.decisions[sight.selected], sight.selected)

    def _carry_out(self, decision: Decision, box_id: str) -> None:
        if decision.verdict is Verdict.WRONG:
            self.press("X")
            return
        assert decision.class_id is not None
        if decision.verdict is Verdict.RECLASS:
            self.press(f"Shift+Digit{(decision.class_id + 1) % 10}")
            return
        if decision.reshape is not None:
            self._reshape(box_id, decision)
        if decision.verdict is Verdict.ADJUST and decision.changes_class:
            self.press(str((decision.class_id + 1) % 10))
        self.press("Space")

    def _reshape(self, box_id: str, decision: Decision) -> None:
        assert decision.xyxy is not None
        left, top, right, bottom = decision.xyxy
        if decision.reshape is Reshape.ANEW:
            self.press("r")
            sight = self.look()
            self.drag(sight.place(left, top), sight.place(right, bottom))
            return
        sight = self.look()
        is_first = decision.reshape is Reshape.TOP_LEFT
        grip, corner = self._corner(sight, box_id, -1 if is_first else 1)
        goal = sight.place(left, top) if is_first else sight.place(right, bottom)
        self.drag(grip, (grip[0] + goal[0] - corner[0], grip[1] + goal[1] - corner[1]))

    def _corner(self, sight: Sight, box_id: str, side: int) -> tuple[Place, Place]:
        """Where a corner's handle is in the window, and where the corner itself."""
        now: Sequence[float] = sight.box(box_id)["xyxy"]
        corner = sight.place(*now[:2]) if side < 0 else sight.place(*now[2:])
        return _grip(sight, now, side), corner

    def draw(self, missing: Sequence[Missing]) -> None:
        """Draw boxes where there are none."""
        self.press("B")
        for one in missing:
            sight = self.look()
            start, end = _free_diagonal(sight, one.xyxy)
            self.drag(start, end)
            if one.class_id != sight.draw_class:
                self.press(str((one.class_id + 1) % 10))


def wait_until_enter_counts(page: Page) -> None:
    """Enter right after a frame came is taken by the page for a slip."""
    page.wait_for_function("() => !window.__prelabel.page.isTooSoon")


def wait_until_all_is_here(page: Page, frames: int) -> None:
    """Wait for so many frames with their pictures: from then on the page needs no server."""
    page.wait_for_function(_ARE_HERE, arg=frames)


def _between(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    return (start[0] + end[0]) / 2, (start[1] + end[1]) / 2


# As the page has them: handles of small boxes stand this far from the centre, in window pixels.
_SMALL_HALF = 11.0
_REACH = 14.0


def _grip(sight: Sight, xyxy: Sequence[float], side: int) -> tuple[float, float]:
    """Where the handle of a corner stands in the window; `side` -1: top left, 1: bottom right."""
    left, top = sight.place(xyxy[0], xyxy[1])
    right, bottom = sight.place(xyxy[2], xyxy[3])
    half_x = max((right - left) / 2, _SMALL_HALF)
    half_y = max((bottom - top) / 2, _SMALL_HALF)
    return (left + right) / 2 + side * half_x, (top + bottom) / 2 + side * half_y


def _free_diagonal(sight: Sight, xyxy: Corners) -> tuple[tuple[float, float], tuple[float, float]]:
    """Two opposite corners to draw between, beginning where no handle of the box in hand is."""
    left, top, right, bottom = xyxy
    corners = [(left, top), (right, bottom), (right, top), (left, bottom)]
    others = [(right, bottom), (left, top), (left, bottom), (right, top)]
    diagonals = [
        (sight.place(*start), sight.place(*end)) for start, end in zip(corners, others, strict=True)
    ]
    if sight.selected is None:
        return diagonals[0]
    held = sight.box(sight.selected)["xyxy"]
    return max(diagonals, key=lambda one: min(_distance(sight, held, one[0]), _REACH))


def _distance(sight: Sight, held: Sequence[float], at: tuple[float, float]) -> float:
    """How far a place is from the outline of a box, in window pixels, as handles stand."""
    (left, top), (right, bottom) = _grip(sight, held, -1), _grip(sight, held, 1)
    across = max(left - at[0], at[0] - right)
    down = max(top - at[1], at[1] - bottom)
    if max(across, down) <= 0:
        return min(-across, -down)
    return max(across, down)
