"""Running a simulation from its configuration file, and reporting on it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import Field

from prelabel.active.simulation import Surroundings, simulate
from prelabel.active.simulation_config import SimulationConfig, read_simulation
from prelabel.active.summary import SUMMARY_FILE, Summary
from prelabel.datasets.configuration import StrictModel, read_configuration
from prelabel.datasets.formats.base import ImportReport
from prelabel.datasets.formats.registry import open_dataset
from prelabel.datasets.frames import LabelledFrame
from prelabel.datasets.progress import Progress, Silent
from prelabel.datasets.scenes.options import SCENE_CLASSES, SceneOptions
from prelabel.datasets.scenes.writing import write_scenes
from prelabel.recording import StoreRecorder
from prelabel.report.simulation import write_report
from prelabel.report.verdict import verdicts_of

SCENES_FORMAT = "scenes"  # the source is a YAML file that says which scenes to draw


class ScenesFile(StrictModel):
    """Which scenes to draw."""

    scenes: SceneOptions = Field(default_factory=SceneOptions)


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a simulation left behind."""

    summary: Summary
    report: Path
    verdicts: tuple[str, ...]  # a sentence on each strategy
    next_command: str


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A simulation as its file describes it, and the data it is to run on."""

    config: SimulationConfig
    classes: tuple[str, ...]
    frames: Sequence[LabelledFrame]


def simulate_from_file(
    configuration: Path,
    folder: Path,
    data_root: Path | None = None,
    progress: Progress | None = None,
) -> Simulated:
    """Run the simulation that a YAML file describes, and write what came out to `folder`.

    A relative path of a dataset is meant from `data_root`, or else from the file's own folder.
    Stopped, it goes on after the last finished round. Writes `summary.json`, tables as CSV,
    `report.html`, and a store for each arm.
    """
    watching = progress or Silent()
    ready = prepare(configuration, folder, data_root, watching)
    config = ready.config
    recorder = StoreRecorder(
        folder.resolve(), ready.classes, ready.frames, config.strategies, config.detector
    )
    surroundings = Surroundings(progress=watching, recorder=recorder)
    found = simulate(config, ready.classes, ready.frames, folder, surroundings)
    where = "" if data_root is None else f" --data {data_root}"
    summary = replace(found, command=f"prelabel simulate {configuration} --to {folder}{where}")
    summary.write(folder / SUMMARY_FILE)
    report = write_report(summary, folder)
    return Simulated(
        summary,
        report,
        tuple(one.headline for one in verdicts_of(summary)),
        "prelabel init NAME --images FOLDER --classes a,b    # the same on your own pictures",
    )


def prepare(
    configuration: Path,
    folder: Path,
    data_root: Path | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Read the file of a simulation and its dataset; generated scenes are drawn below `folder`.

    `data_root` as in `simulate_from_file`.
    """
    config = _with_root(read_simulation(configuration), configuration, data_root)
    classes, frames = _read_data(config, folder, progress or Silent())
    return Prepared(config, classes, frames)


def _with_root(
    config: SimulationConfig, configuration: Path, data_root: Path | None
) -> SimulationConfig:
    if data_root is None:
        return config
    beside, root = configuration.resolve().parent, data_root.resolve()
    moved = {"source": _moved(config.source, beside, root)}
    if config.images is not None:
        moved["images"] = _moved(config.images, beside, root)
    return config.model_copy(update=moved)


def _moved(path: Path, beside: Path, root: Path) -> Path:
    """A path that was meant from the file's own folder, meant from another one."""
    return root / path.relative_to(beside) if path.is_relative_to(beside) else path


def _read_data(
    config: SimulationConfig, folder: Path, progress: Progress
) -> tuple[tuple[str, ...], Sequence[LabelledFrame]]:
    if config.format == SCENES_FORMAT:
        options = read_configuration(config.source, ScenesFile).scenes
        return SCENE_CLASSES, write_scenes(folder / "scenes", options, progress)
    report = ImportReport()
    opened = open_dataset(
        config.source,
        report=report,
        format=config.format,
        images=config.images,
        classes=config.classes,
    )
    with progress.task(f"read {config.source.name}", opened.frame_total) as advance:
        frames = []
        for one in opened.frames:
            frames.append(one)
            advance()
    return opened.classes, frames
