"""The figures of a comparison of strategies as Markdown, and as the benchmark's RESULT."""

from collections.abc import Mapping, Sequence

from strategy_costs import RoundCost
from strategy_figures import BASELINE, LEVELS, StrategyFigures, rounds_of

from prelabel.active.advice_record import AdviceRecord
from prelabel.active.comparison import Axis, Difference, area_gain
from prelabel.active.summary import Summary
from prelabel.active.usual_strategy import USUAL_STRATEGY


def gains_table(found: Sequence[StrategyFigures]) -> str:
    """Each strategy less random picks, with 95 % intervals over seeds."""
    levels = " | ".join(f"s to {level:.0%}" for level in LEVELS)
    lines = [
        f"| strategy | area by s | seeds won | area by boxes | area by frames | rare classes at "
        f"the end | boxes | frames | {levels} |",
        "|---|" + "---:|" * (7 + len(LEVELS)),
    ]
    for one in found:
        gains = [told(one.gain[axis]) for axis in (Axis.SECONDS, Axis.BOXES, Axis.FRAMES)]
        won = f"{one.gain[Axis.SECONDS].wins} of {one.gain[Axis.SECONDS].seeds}"
        cells = [
            gains[0],
            won,
            *gains[1:],
            told(one.rare_gain),
            f"{one.boxes_ratio:.2f}",
            f"{one.frames_ratio:.2f}",
            *(str(one.seconds_ratio.get(level, "")) for level in LEVELS),
        ]
        lines.append(f"| {one.strategy} | {' | '.join(cells)} |")
    return "\n".join(lines)


def told(difference: Difference) -> str:
    """A mean difference with its interval, where there are seeds enough for one."""
    if difference.low is None or difference.high is None:
        return f"{difference.mean:+.3f}"
    return f"{difference.mean:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"


def verdicts(found: Sequence[StrategyFigures]) -> str:
    """Who beats random picks at equal seconds beyond chance, who loses to them, who neither."""
    groups: dict[str, list[str]] = {"better": [], "no clear difference": [], "worse": []}
    for one in found:
        gain = one.gain[Axis.SECONDS]
        is_better = gain.low is not None and gain.low > 0
        is_worse = gain.high is not None and gain.high < 0
        group = "better" if is_better else "worse" if is_worse else "no clear difference"
        groups[group].append(one.strategy)
    said = [f"{group}: {', '.join(names) or 'none'}" for group, names in groups.items()]
    behind = [one.strategy for one in found if one.gain[Axis.SECONDS].mean < 0]
    return (
        f"At equal seconds, against random picks: {'; '.join(said)}. "
        f"Random picks are ahead in the mean of: {', '.join(behind) or 'none'}."
    )


def beside_usual_table(summary: Summary) -> str:
    """Each strategy less the usual one at equal seconds, with 95 % intervals over seeds."""
    if USUAL_STRATEGY not in summary.strategies:
        return f"{USUAL_STRATEGY} is not among these strategies."
    lines = [f"| strategy | area by s, less {USUAL_STRATEGY} |", "|---|---:|"]
    for name in summary.strategies:
        if name != USUAL_STRATEGY:
            gain = area_gain(summary, name, USUAL_STRATEGY, Axis.SECONDS)
            lines.append(f"| {name} | {told(gain)} |")
    return "\n".join(lines)


def rounds_table(summary: Summary) -> str:
    """Every strategy after every round, means over seeds."""
    lines = [
        "| strategy | round | frames | boxes | human s | mAP50 by seed | mean mAP50 |",
        "|---|" + "---:|" * 6,
    ]
    for strategy in summary.strategies:
        for one in rounds_of(summary, strategy):
            seeds = " ".join(f"{value:.3f}" for value in one.map50_by_seed)
            lines.append(
                f"| {strategy} | {one.number} | {one.frames:.0f} | {one.boxes:.0f} "
                f"| {one.seconds:.0f} | {seeds} | **{one.map50:.3f}** |"
            )
    return "\n".join(lines)


def costs_table(costs: Mapping[str, RoundCost]) -> str:
    """What choosing the first batch takes, as a ratio to random picks."""
    least = costs[BASELINE]
    lines = ["| strategy | time a round | memory |", "|---|---:|---:|"]
    for strategy, cost in costs.items():
        lines.append(
            f"| {strategy} | {cost.seconds / least.seconds:.2f} "
            f"| {cost.peak_mib / least.peak_mib:.2f} |"
        )
    return "\n".join(lines)


def advice_table(records: Mapping[float, AdviceRecord]) -> str:
    """How often advice to go on or to stop was right, by the points an hour that were wanted."""
    lines = [
        "| points wanted an hour | go on, right | stop, right | not sure | precision |",
        "|---:|---:|---:|---:|---:|",
    ]
    for wanted, one in records.items():
        precision = "" if one.precision is None else f"{one.precision:.2f}"
        lines.append(
            f"| {wanted:g} | {one.go_on_right} of {one.go_on} | {one.stop_right} of {one.stop} "
            f"| {one.unsure} | {precision} |"
        )
    return "\n".join(lines)


def result_of(
    dataset: str, found: Sequence[StrategyFigures], records: Mapping[float, AdviceRecord]
) -> dict[str, float | str | None]:
    """The figures of a dataset under the names of the RESULT line."""
    result: dict[str, float | str | None] = {}
    for one in found:
        gain, key = one.gain[Axis.SECONDS], f"{dataset}.{one.strategy}"
        result[f"{key}.auc_gain_mean"] = _rounded(gain.mean)
        result[f"{key}.auc_gain_low"] = _rounded(gain.low)
        result[f"{key}.auc_gain_high"] = _rounded(gain.high)
        ratio = one.seconds_ratio.get(0.9)
        if ratio is not None:
            result[f"{key}.seconds_ratio_90"] = _rounded(ratio.value)
            if ratio.bound:
                result[f"{key}.seconds_ratio_90_is"] = ratio.bound
    for wanted, record in records.items():
        result[f"{dataset}.advice_precision_{wanted:g}"] = _rounded(record.precision)
    return result


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
