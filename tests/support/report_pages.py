"""Reading a report page, and made-up results to write one of."""

from collections.abc import Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

from builders import frame_id_of

from prelabel.active.summary import ArmResult, PickResult, RoundResult, Summary

VOID = {"meta", "br", "img", "link", "input", "hr"}
HOSTILE = "<script>alert('x')</script> & \"quotes\""


class Page(HTMLParser):
    """Reads a page, checks that its tags nest, and keeps its text, attributes and elements."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.source = path.read_text(encoding="utf-8")
        self.feed(self.source)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def a_pick(name: str = "a", reason: str = "drawn at random", uri: str = "") -> PickResult:
    return PickResult(frame_id_of(name), uri or f"/gone/{name}.jpg", None, reason, 9.5, False)


def an_arm(
    strategy: str,
    seed: int,
    map50: Sequence[float],
    *,
    seconds_a_round: float = 100.0,
    picks: Sequence[PickResult] = (),
    by_class: Mapping[str, float | None] | None = None,
) -> ArmResult:
    """Twenty frames and fifty boxes a round; round 0 has cost 100 s in every arm."""
    return ArmResult(
        strategy,
        seed,
        tuple(
            RoundResult(
                round=number,
                frames=20 * (number + 1),
                boxes=50 * (number + 1),
                seconds=100 + number * seconds_a_round,
                map50=value,
                map=value / 2,
                map50_by_class=by_class or {"car": value, "van": None},
                train_seconds=3.0,
                picks=tuple(picks) if number else (),
            )
            for number, value in enumerate(map50)
        ),
    )


def a_summary(*arms: ArmResult, full: float | None = None) -> Summary:
    return Summary(
        name="streets",
        dataset="forty pictures",
        classes=("car", "van"),
        detector="torchvision:micro",
        full_data_map50=full,
        cost_model={"open_s": 3.0, "verify_s": 1.6},
        arms=arms,
        settings={"training": {"steps": 50}, "seeds": [0, 1]},
        command="prelabel simulate configs/streets.yaml",
    )


def faster(gain: float, seeds: int = 3) -> Summary:
    """entropy_sum ends `gain` above random; seeds differ a little, and so does the gain."""
    arms = []
    for seed in range(seeds):
        lift = 0.01 * seed
        arms.append(an_arm("random", seed, [0.3, 0.4 + lift, 0.5 + lift]))
        ours = [0.3, 0.4 + lift + gain * (1 + lift), 0.5 + lift + gain]
        arms.append(an_arm("entropy_sum", seed, ours))
    return a_summary(*arms)
