"""Predicting many frames with a trained detector, on all cores, into Parquet files.

Each worker is a process with one thread that opens the detector, reads pictures, predicts and
writes files of its own; the parent hands out frames and counts. Killed at any point and called
again it goes on with the frames that are not in the files, and none is in them twice.
"""

import multiprocessing
import signal
import time
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from types import TracebackType
from typing import Self

from prelabel.datasets.frames import Frame
from prelabel.datasets.progress import Advance, Progress
from prelabel.models.bulk_worker import (
    Chunk,
    ChunkDone,
    ChunkPredictor,
    Failed,
    UnreadableFrame,
    WriteOut,
    run_worker,
)
from prelabel.models.checkpoints import model_id_of
from prelabel.models.detector import DetectorError, PredictOptions
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.views import View

# For fewer frames, starting processes takes longer than predicting them.
_WORTH_A_PROCESS = 64
_BATCHES_A_CHUNK = 2
_CHUNKS_AHEAD = 2  # one in work, one that waits: a worker is never idle
_PATIENCE_S = 5.0


class WorkerDiedError(DetectorError):
    """A worker process ended before its work did."""


@dataclass(frozen=True, slots=True)
class PredictReport:
    """What a bulk prediction did, in frames; `skipped` ones had a prediction already."""

    predicted: int
    skipped: int
    unreadable: tuple[UnreadableFrame, ...]
    seconds: float


def predict_to_files(
    checkpoint: Path,
    frames: Sequence[Frame],
    options: PredictOptions,
    files: PredictionFiles,
    workers: int,
    state_folder: Path,
    progress: Progress,
) -> PredictReport:
    """Predict the frames that `files` does not hold yet.

    `workers` processes share the work (0, or few frames: this process does it alone); what they
    write beside predictions goes to `state_folder`. Pictures that cannot be read are reported and
    stop nothing. Raises DetectorError where the detector cannot be used, WorkerDiedError where a
    worker dies, and PredictionFilesError where `files` holds predictions of another model or
    other options.
    """
    start_s = time.perf_counter()
    files.check_settings(_settings(checkpoint, options))
    present = files.predicted_ids()
    different = {frame.frame_id: frame for frame in frames}
    todo = [frame for frame_id, frame in different.items() if frame_id not in present]
    chunks = chunks_of(todo, options, files.folder)
    with progress.task("predict", len(todo)) as advance:
        tally = Tally(advance)
        if workers == 0 or len(todo) < _WORTH_A_PROCESS:
            _predict_here(checkpoint, state_folder, chunks, tally)
        else:
            with WorkerPool(checkpoint, min(workers, len(chunks)), state_folder) as pool:
                pool.predict(chunks, tally)
    return PredictReport(
        predicted=tally.predicted,
        skipped=len(different) - len(todo),
        unreadable=tuple(tally.unreadable),
        seconds=time.perf_counter() - start_s,
    )


def _settings(checkpoint: Path, options: PredictOptions) -> dict[str, object]:
    names = ("input_px", "score_min", "nms_iou", "max_boxes", "with_embeddings")
    settings: dict[str, object] = {name: getattr(options, name) for name in names}
    # None, as in files from before there were views.
    view = None if options.view is View.AS_IS else str(options.view)
    return {"model_id": model_id_of(checkpoint)} | settings | {"view": view}


def chunks_of(frames: Iterable[Frame], options: PredictOptions, folder: Path) -> list[Chunk]:
    """Frames of one size together, since only those share a pass through a network."""
    in_order = sorted(frames, key=lambda frame: (frame.height_px, frame.width_px))
    size = options.batch_size * _BATCHES_A_CHUNK
    return [
        Chunk(tuple(in_order[start : start + size]), options, folder)
        for start in range(0, len(in_order), size)
    ]


@dataclass(slots=True)
class Tally:
    """What is done so far."""

    advance: Advance
    predicted: int = 0
    unreadable: list[UnreadableFrame] = field(default_factory=list)

    def add(self, done: ChunkDone) -> None:
        self.predicted += done.predicted
        self.unreadable += done.unreadable
        self.advance(done.predicted + len(done.unreadable))


def _predict_here(
    checkpoint: Path, state_folder: Path, chunks: Sequence[Chunk], tally: Tally
) -> None:
    if not chunks:
        return
    predictor = ChunkPredictor(checkpoint, state_folder)
    try:
        for chunk in chunks:
            tally.add(predictor.predict(chunk))
    finally:
        predictor.write_out()


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    connection: Connection
    chunks: deque[Chunk] = field(default_factory=deque)  # sent and not answered


class WorkerPool:
    """Processes that hold a detector ready; used as a context manager, for several predictions."""

    def __init__(self, checkpoint: Path, workers: int, state_folder: Path) -> None:
        self._checkpoint, self._state_folder = checkpoint, state_folder
        self._count = workers
        self._workers: list[_Worker] = []

    def __enter__(self) -> Self:
        self._workers = [self._start(number) for number in range(self._count)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the processes; after an error they still write what they have, if that is quick."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            worker.process.join(_PATIENCE_S)
            if worker.process.exitcode is None:
                worker.process.kill()
                worker.process.join()

    def _start(self, number: int) -> _Worker:
        # A fork would copy locks that other threads hold.
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        folder = self._state_folder / f"worker-{number}"  # frameworks write settings there
        process = context.Process(
            target=run_worker, args=(there, self._checkpoint, folder), daemon=True
        )
        process.start()
        there.close()  # so that its end is seen as an end of file
        return _Worker(process, here)

    def predict(self, chunks: Iterable[Chunk], tally: Tally) -> None:
        """Have the chunks predicted; all of them are written when this returns."""
        waiting = deque(chunks)
        for _ in range(_CHUNKS_AHEAD):
            for worker in self._workers:
                self._send_next(worker, waiting)
        while any(worker.chunks for worker in self._workers):
            for worker, answer in self._answers():
                worker.chunks.popleft()
                tally.add(answer)
                self._send_next(worker, waiting)
        for worker in self._workers:
            self._send(worker, WriteOut())
        for worker in self._workers:
            self._receive(worker)

    def _send_next(self, worker: _Worker, waiting: deque[Chunk]) -> None:
        if waiting:
            worker.chunks.append(waiting.popleft())
            self._send(worker, worker.chunks[-1])

    def _answers(self) -> list[tuple[_Worker, ChunkDone]]:
        by_connection = {worker.connection: worker for worker in self._workers}
        ready = [by_connection[one] for one in wait(list(by_connection)) if one in by_connection]
        return [(worker, self._receive(worker)) for worker in ready]

    def _send(self, worker: _Worker, request: Chunk | WriteOut) -> None:
        try:
            worker.connection.send(request)
        except ConnectionError as error:
            raise self._death(worker) from error

    def _receive(self, worker: _Worker) -> ChunkDone:
        try:
            answer: ChunkDone | Failed = worker.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise self._death(worker) from error
        if isinstance(answer, Failed):
            raise DetectorError(answer.message)
        return answer

    def _death(self, worker: _Worker) -> WorkerDiedError:
        worker.process.join(_PATIENCE_S)
        code = worker.process.exitcode
        if code is not None and code < 0:
            how = f"was killed by {signal.Signals(-code).name}, perhaps for want of memory"
        else:
            how = f"ended with exit code {code}; its own message is above"
        at = f" near {worker.chunks[0].frames[0].uri}" if worker.chunks else ""
        return WorkerDiedError(
            f"worker process {worker.process.pid} {how},{at} while it used {self._checkpoint}: "
            "what is predicted so far is kept; run again to go on, with fewer workers if memory "
            "is short"
        )
