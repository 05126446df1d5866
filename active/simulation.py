"""Comparing strategies on a labelled dataset: all arms, all seeds, paired and resumable."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prelabel.active.loop import (
    DetectorSource,
    KnownDetectors,
    Setting,
    SimulationError,
    Step,
    measure_full_data,
    run_step,
)
from prelabel.active.roles import Roles
from prelabel.active.rounds import START, LabelledBatch, NoRecorder, RoundRecord, RoundRecorder
from prelabel.active.simulation_config import SimulationConfig
from prelabel.active.summary import (
    SUMMARY_FILE,
    ArmResult,
    PickResult,
    RoundResult,
    Summary,
    label_marks,
)
from prelabel.active.tables import write_tables
from prelabel.active.workers import FolderLock, run_side_by_side
from prelabel.datasets.files import write_whole
from prelabel.datasets.frames import Frame, LabelledFrame
from prelabel.datasets.progress import Progress, Silent

TEST_SEED = 0  # of a drawn test set: one and the same for every seed of a comparison
_IDENTITY_FILE = "simulation.json"

# What may differ when a simulation is gone on with: these change which rounds there are, or how
# fast they come, and no round itself.
_MAY_CHANGE = {"name", "source", "images", "strategies", "seeds", "rounds", "workers", "full_data"}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a simulation meets besides its data: where detectors come from, who watches, who keeps
    the rounds, and the command that a user types to run it again, for the summary."""

    detectors: DetectorSource = field(default_factory=KnownDetectors)
    progress: Progress = field(default_factory=Silent)
    recorder: RoundRecorder = field(default_factory=NoRecorder)
    command: str = ""


def simulate(
    config: SimulationConfig,
    classes: Sequence[str],
    labelled: Sequence[LabelledFrame],
    folder: Path,
    surroundings: Surroundings | None = None,
) -> Summary:
    """Run every strategy from every seed and write what came out to `folder`.

    Killed at any point and called again with the same arguments, it goes on after the last
    finished round and ends with the same summary, apart from training times. Strategies, seeds and
    rounds may be added later. Writes `summary.json`, `rounds.csv`, `selections.csv`, and below
    `rounds/` the labels, model and figures of each round.

    Raises SimulationError where the folder holds another simulation or one is at work in it, and
    BadInputError where the labelled frames do not suffice.
    """
    around = surroundings or Surroundings()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    roles = Roles.of(classes, labelled, config.test_share, TEST_SEED)
    with FolderLock(folder):
        _claim(folder, config, roles)
        setting = Setting(config, roles, folder, around.detectors)
        finished = _finish_all(setting, around)
        full_data = measure_full_data(setting) if config.full_data else None
        summary = _summary(setting, finished, full_data, around.command)
        write_tables(summary, folder)
        summary.write(folder / SUMMARY_FILE)
    return summary


def steps_of(config: SimulationConfig) -> list[Step]:
    """All rounds of a simulation, each after those it builds on."""
    steps: list[Step] = []
    for seed in config.seeds:
        steps.append(Step(START, seed, 0))
        for number in range(1, config.rounds + 1):
            steps.extend(Step(strategy, seed, number) for strategy in config.strategies)
    return steps


def _finish_all(setting: Setting, around: Surroundings) -> dict[Step, RoundRecord]:
    steps = steps_of(setting.config)
    finished: dict[Step, RoundRecord] = {}
    with around.progress.task(f"Simulating {setting.config.name}", len(steps)) as advance:
        for step, record in _records(setting, steps):
            finished[step] = record
            around.recorder.record(record)
            where = f"{step.strategy}, seed {step.seed}, round {step.number}"
            advance(1, f"{where}: mAP50 {record.measured.map50:.3f}")
    return finished


def _records(setting: Setting, steps: Sequence[Step]) -> Iterator[tuple[Step, RoundRecord]]:
    if setting.config.workers == 1:
        return ((step, run_step(setting, step)) for step in steps)
    return run_side_by_side(setting, steps, setting.config.workers)


def _claim(folder: Path, config: SimulationConfig, roles: Roles) -> None:
    """Mark the folder as that of this simulation, or see that it is."""
    identity = {
        "settings": config.model_dump(mode="json", exclude=_MAY_CHANGE),
        "data": roles.fingerprint(),
    }
    path = folder / _IDENTITY_FILE
    if not path.exists():
        write_whole(path, json.dumps(identity, ensure_ascii=False, indent=1).encode())
    begun = json.loads(path.read_text(encoding="utf-8"))
    if begun != json.loads(json.dumps(identity)):
        changed = [key for key in identity if begun.get(key) != identity[key]]
        raise SimulationError(
            f"{folder}: holds a simulation with other {' and '.join(changed)}; take another folder"
        )


def _summary(
    setting: Setting, finished: dict[Step, RoundRecord], full_data: float | None, command: str
) -> Summary:
    config = setting.config
    arms = (
        _arm(setting, finished, strategy, seed)
        for strategy in config.strategies
        for seed in config.seeds
    )
    return Summary(
        name=config.name,
        dataset=config.source.name,
        classes=setting.roles.classes,
        detector=config.detector,
        full_data_map50=full_data,
        cost_model=config.cost.constants(),
        arms=tuple(arms),
        settings=config.model_dump(mode="json", exclude={"source", "images", "workers"}),
        command=command,
    )


def _arm(
    setting: Setting, finished: dict[Step, RoundRecord], strategy: str, seed: int
) -> ArmResult:
    frames = setting.roles.frames()
    rounds: list[RoundResult] = []
    labelled, boxes, seconds = 0, 0, 0.0
    for step in Step(strategy, seed, setting.config.rounds).lineage():
        record = finished[step]
        labels, measured = record.labelled.labels, record.measured
        labelled += len(labels)
        boxes += sum(len(one) for one in labels.values())
        seconds += sum(record.labelled.seconds.values())
        rounds.append(
            RoundResult(
                round=step.number,
                frames=labelled,
                boxes=boxes,
                seconds=seconds,
                map50=measured.map50,
                map=measured.map,
                map50_by_class=measured.map50_by_class,
                train_seconds=measured.train_seconds,
                picks=_picks(record.labelled, frames),
            )
        )
    return ArmResult(strategy, seed, tuple(rounds))


def _picks(labelled: LabelledBatch, frames: Mapping[str, Frame]) -> tuple[PickResult, ...]:
    return tuple(
        PickResult(
            frame_id=one.frame_id,
            uri=frames[one.frame_id].uri,
            score=one.score,
            reason=one.reason,
            cost_s=one.cost_s,
            is_control=one.is_control,
            spent_s=labelled.seconds[one.frame_id],
            proposals=labelled.proposals.get(one.frame_id, ()),
            labels=label_marks(labelled.labels[one.frame_id]),
        )
        for one in labelled.batch.picks
    )
