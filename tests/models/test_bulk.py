"""Bulk prediction: what many processes write is what one would, whoever is killed on the way."""

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from builders import a_picture
from bulk_work import OPTIONS, finished_predictions, frames_in, predict

from prelabel.datasets.frames import Frame
from prelabel.datasets.progress import Silent
from prelabel.models.bulk import (
    Tally,
    WorkerDiedError,
    WorkerPool,
    chunks_of,
    predict_to_files,
)
from prelabel.models.checkpoints import card_path
from prelabel.models.detector import DetectorError
from prelabel.models.prediction_files import PredictionFiles, PredictionFilesError
from prelabel.models.registry import open_detector

COUNT = 1200


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small pictures of two sizes; tests that change some take `own_pictures`."""
    folder = tmp_path_factory.mktemp("pictures")
    for number in range(COUNT):
        a_picture(folder / f"{number:04}.jpg", 16 + number % 2, 12, seed=number)
    return folder


@pytest.fixture
def own_pictures(pictures: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for path in sorted(pictures.glob("*.jpg"))[:11]:
        shutil.copy(path, folder)
    return folder


@pytest.fixture
def checkpoint(pictures: Path, tmp_path: Path) -> Path:
    return finished_predictions(pictures, tmp_path / "results.json")


def test_many_processes_write_what_one_predicts(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    report = predict(checkpoint, pictures, tmp_path)
    assert (report.predicted, report.skipped, report.unreadable) == (COUNT, 0, ())
    frames = frames_in(pictures)
    alone = open_detector(checkpoint, tmp_path / "alone").predict(frames, OPTIONS)
    written = list(PredictionFiles(tmp_path / "run").read([one.frame_id for one in frames]))
    assert [one.frame_id for one in written] == [one.frame_id for one in alone]
    for mine, theirs in zip(written, alone, strict=True):
        assert mine.boxes == theirs.boxes
        assert mine.score.tolist() == theirs.score.tolist()


def test_what_is_there_is_skipped_and_the_rest_is_added(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    frames, files = frames_in(pictures)[:9], PredictionFiles(tmp_path / "run")

    def go(some: list[Frame]) -> tuple[int, int]:
        report = predict_to_files(checkpoint, some, OPTIONS, files, 2, tmp_path / "state", Silent())
        return report.predicted, report.skipped

    assert go(frames[:5]) == (5, 0)
    assert go([*frames, frames[0]]) == (4, 5)
    assert go(frames) == (0, 9)
    assert len(list(files.read())) == 9


def test_unreadable_pictures_are_listed_and_stop_nothing(
    checkpoint: Path, own_pictures: Path, tmp_path: Path
) -> None:
    frames = frames_in(own_pictures)
    Path(frames[3].uri).write_bytes(b"")
    Path(frames[4].uri).unlink()
    report = predict_to_files(
        checkpoint,
        frames,
        OPTIONS,
        PredictionFiles(tmp_path / "run"),
        0,
        tmp_path / "state",
        Silent(),
    )
    assert report.predicted == 9
    told = {one.frame_id: one.reason for one in report.unreadable}
    assert told.keys() == {frames[row].frame_id for row in (3, 4)}
    assert told[frames[3].frame_id] == "is empty (0 bytes)"
    assert told[frames[4].frame_id] == "cannot be read: No such file or directory"
    assert {one.uri for one in report.unreadable} == {frames[3].uri, frames[4].uri}


def test_other_options_are_refused(checkpoint: Path, pictures: Path, tmp_path: Path) -> None:
    frames, files = frames_in(pictures)[:1], PredictionFiles(tmp_path / "run")
    state = tmp_path / "state"
    predict_to_files(checkpoint, frames, OPTIONS, files, 0, state, Silent())
    other = replace(OPTIONS, batch_size=1)
    predict_to_files(checkpoint, frames, other, files, 0, state, Silent())
    with pytest.raises(PredictionFilesError, match="score_min"):
        predict_to_files(
            checkpoint, frames, replace(OPTIONS, score_min=0.2), files, 0, state, Silent()
        )


def test_a_detector_that_cannot_be_opened_is_told_by_the_parent(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    card_path(checkpoint).unlink()
    with pytest.raises(DetectorError, match=r"results\.json: has no card"):
        predict(checkpoint, pictures, tmp_path)


def test_a_killed_worker_is_named_and_nothing_is_lost(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    files, frames = PredictionFiles(tmp_path / "run"), frames_in(pictures)

    victims: list[int] = []

    def kill_one(units: int = 1, note: str = "") -> None:
        pool_processes = multiprocessing.active_children()
        if not victims and len(pool_processes) == 2:
            victims.append(pool_processes[0].pid or 0)
            os.kill(victims[0], signal.SIGKILL)

    chunks = chunks_of(frames, OPTIONS, files.folder)
    with (
        pytest.raises(
            WorkerDiedError, match=r"was killed by SIGKILL.*run again to go on"
        ) as caught,
        WorkerPool(checkpoint, 2, tmp_path / "state") as pool,
    ):
        pool.predict(chunks, Tally(kill_one))
    assert f"worker process {victims[0]} " in str(caught.value)
    assert not multiprocessing.active_children()
    before = len(files.predicted_ids())
    report = predict(checkpoint, pictures, tmp_path)
    assert (report.predicted, report.skipped) == (COUNT - before, before)
    assert len(list(files.read())) == COUNT


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on_and_predicts_each_frame_once(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    rng = random.Random(0)
    files = PredictionFiles(tmp_path / "run")
    seen = {0}
    for _ in range(10):
        process = _start(checkpoint, pictures, tmp_path)
        _wait_for_files(files.folder, rng.randint(0, 12), process)
        time.sleep(rng.uniform(0, 0.05))
        workers = _children_of(process.pid)
        if rng.random() < 0.5:
            os.killpg(process.pid, signal.SIGKILL)  # all of it, as a power cut would
        else:
            process.kill()  # the parent alone; its workers notice
        process.wait()
        psutil.wait_procs(workers, timeout=120)
        seen.add(len(files.predicted_ids()))
    process = _start(checkpoint, pictures, tmp_path)
    assert process.wait(300) == 0
    assert len(seen) > 4  # kills came in the middle of the work
    wanted = {one.frame_id for one in frames_in(pictures)}
    assert sorted(one.frame_id for one in files.read()) == sorted(wanted)
    assert not list(PredictionFiles(tmp_path / "run").folder.glob("*.unfinished"))


def test_ctrl_c_stops_cleanly_and_keeps_what_is_done(
    checkpoint: Path, pictures: Path, tmp_path: Path
) -> None:
    for turn in range(20):
        folder = tmp_path / f"{turn}"
        folder.mkdir()
        process = _start(checkpoint, pictures, folder)
        files = PredictionFiles(folder / "run")
        _wait_for_files(files.folder, 1, process)
        workers = _children_of(process.pid)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the workers too
        if process.wait(timeout=120):
            break  # otherwise the work was done before the signal came
    told = (folder / "errors.txt").read_bytes()
    assert told.rstrip().endswith(b"KeyboardInterrupt")
    assert told.count(b"Traceback") == 1  # the workers have nothing to say
    _, alive = psutil.wait_procs(workers, timeout=120)
    assert not alive
    assert 0 < len(files.predicted_ids()) <= COUNT
    assert not list(files.folder.glob("*.unfinished"))


def _start(checkpoint: Path, pictures: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A bulk prediction in a process group of its own."""
    support = Path(__file__).parents[1] / "support"
    with (folder / "errors.txt").open("wb") as errors:
        return subprocess.Popen(
            [sys.executable, "-c", "import bulk_work; bulk_work.main()"]
            + [str(one) for one in (checkpoint, pictures, folder)],
            env=os.environ | {"PYTHONPATH": str(support)},
            stderr=errors,
            start_new_session=True,
        )


def _wait_for_files(folder: Path, more: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until there are so many files more than now, or the process has ended."""
    target = len(list(folder.glob("*.parquet"))) + more
    while len(list(folder.glob("*.parquet"))) < target and process.poll() is None:
        time.sleep(0.01)


def _children_of(process_id: int) -> list[psutil.Process]:
    try:
        return psutil.Process(process_id).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
