"""The scripted annotator without a mouse: boxes are moved, stretched and drawn by keys."""

from collections.abc import Sequence

from review_policy import Corners, Decision, Missing, Verdict
from scripted_annotator import ScriptedAnnotator

_LONG_STEP = 10


class KeyboardAnnotator(ScriptedAnnotator):
    """Presses keys only; a box is drawn as a copy of another one that is brought to its place."""

    def _carry_out(self, decision: Decision, box_id: str) -> None:
        if decision.verdict is not Verdict.ADJUST:
            super()._carry_out(decision, box_id)
            return
        assert decision.xyxy is not None
        assert decision.class_id is not None
        self._bring(box_id, decision.xyxy)
        if decision.changes_class:
            self.press(str((decision.class_id + 1) % 10))
        self.press("Space")

    def draw(self, missing: Sequence[Missing]) -> None:
        """Draw boxes where there are none."""
        for one in missing:
            if self.look().selected is None:
                self.press("Tab")
            self.press("d")
            self._bring(self.in_hand(), one.xyxy)
            self.press(str((one.class_id + 1) % 10))

    def _bring(self, box_id: str, wanted: Corners) -> None:
        """Make the box as large as wanted, as far as the picture lets it grow, then move it, and
        then stretch it the rest of the way."""
        for _ in range(2):
            self._stretch(box_id, wanted)
            now = self.look().box(box_id)["xyxy"]
            self._step("", "ArrowRight", "ArrowLeft", wanted[0] - now[0])
            self._step("", "ArrowDown", "ArrowUp", wanted[1] - now[1])

    def _stretch(self, box_id: str, wanted: Corners) -> None:
        now = self.look().box(box_id)["xyxy"]
        wider = (wanted[2] - wanted[0]) - (now[2] - now[0])
        taller = (wanted[3] - wanted[1]) - (now[3] - now[1])
        self._step("Control+", "ArrowRight", "ArrowLeft", wider)
        self._step("Control+", "ArrowDown", "ArrowUp", taller)

    def _step(self, held: str, forward: str, back: str, by: float) -> None:
        """Go so many pixels, ten at a time as long as that is not too far."""
        pixels = round(abs(by))
        key = forward if by > 0 else back
        self.press(f"{held}Shift+{key}", pixels // _LONG_STEP)
        self.press(f"{held}{key}", pixels % _LONG_STEP)
