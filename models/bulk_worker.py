"""One worker of a bulk prediction: opens the detector once and predicts what it is sent."""

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import pyarrow as pa

from prelabel.datasets.errors import BadInputError, PrelabelError
from prelabel.datasets.frames import Frame
from prelabel.datasets.predictions import Prediction
from prelabel.models.contract import check_predictions
from prelabel.models.detector import Detector, PredictOptions
from prelabel.models.prediction_files import PredictionFiles
from prelabel.models.prediction_table import table_of
from prelabel.models.registry import open_detector

# Whichever comes first makes a file of what was predicted: few files, little to lose in a kill,
# and a bounded memory.
_FRAMES_A_FILE = 1000
_BYTES_A_FILE = 32_000_000
_SECONDS_A_FILE = 20.0

# Read by the libraries when they are loaded. Threads of several processes on the same cores
# hinder each other; waiting ones must not spin.
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


@dataclass(frozen=True, slots=True)
class UnreadableFrame:
    """A frame whose picture cannot be used; `reason` does not name the file again."""

    frame_id: str
    uri: str
    reason: str


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames to predict into a folder."""

    frames: tuple[Frame, ...]
    options: PredictOptions
    folder: Path


@dataclass(frozen=True, slots=True)
class WriteOut:
    """Ask to write what is not written yet; answered with itself."""


@dataclass(frozen=True, slots=True)
class ChunkDone:
    """A chunk was predicted; it is written now or with later ones."""

    predicted: int
    unreadable: tuple[UnreadableFrame, ...]


@dataclass(frozen=True, slots=True)
class Failed:
    """The detector cannot be used; the worker ends."""

    message: str


class ChunkPredictor:
    """A detector and what it predicted since the last file was written."""

    def __init__(self, checkpoint: Path, state_folder: Path) -> None:
        self._detector: Detector = open_detector(checkpoint, state_folder)
        # Tables, not predictions: many small arrays that live long leave the heap full of holes.
        self._unwritten: list[pa.Table] = []
        self._files: PredictionFiles | None = None
        self._last_file_s = time.monotonic()

    def predict(self, chunk: Chunk) -> ChunkDone:
        """Predict a chunk; of frames that cannot be read it only says so."""
        if self._files is None or self._files.folder != chunk.folder:
            self.write_out()
            self._files = PredictionFiles(chunk.folder)
        predictions, unreadable = self._readable(chunk.frames, chunk.options)
        self._unwritten.append(table_of(predictions))
        if (
            sum(one.num_rows for one in self._unwritten) >= _FRAMES_A_FILE
            or sum(one.nbytes for one in self._unwritten) >= _BYTES_A_FILE
            or time.monotonic() - self._last_file_s >= _SECONDS_A_FILE
        ):
            self.write_out()
        _give_back_free_memory()
        return ChunkDone(len(predictions), tuple(unreadable))

    def write_out(self) -> None:
        """Write what is not written yet."""
        if self._files is not None and self._unwritten:
            self._files.write_table(pa.concat_tables(self._unwritten))
        self._unwritten = []
        self._last_file_s = time.monotonic()

    def _readable(
        self, frames: Sequence[Frame], options: PredictOptions
    ) -> tuple[list[Prediction], list[UnreadableFrame]]:
        """Predict; around a picture that cannot be read, in halves until it stands alone."""
        try:
            predictions = self._detector.predict(frames, options)
        except BadInputError as error:
            if len(frames) == 1:
                reason = str(error).removeprefix(f"{frames[0].uri}: ")
                return [], [UnreadableFrame(frames[0].frame_id, frames[0].uri, reason)]
        else:
            check_predictions(
                self._detector.spec, frames, predictions, with_embeddings=options.with_embeddings
            )
            return predictions, []
        middle = len(frames) // 2
        first, first_unreadable = self._readable(frames[:middle], options)
        second, second_unreadable = self._readable(frames[middle:], options)
        return first + second, first_unreadable + second_unreadable


def run_worker(connection: Connection, checkpoint: Path, state_folder: Path) -> None:
    """Serve the other end of `connection` until it is closed, in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    os.environ |= _ONE_THREAD
    try:
        predictor = ChunkPredictor(checkpoint, state_folder)
        _keep_to_one_thread()
        _serve(connection, predictor)
    except PrelabelError as error:
        connection.send(Failed(str(error)))
    except ConnectionError:
        return  # the other end was killed; there is nobody to answer


def _serve(connection: Connection, predictor: ChunkPredictor) -> None:
    while True:
        try:
            request = connection.recv()
        except EOFError:
            predictor.write_out()
            return
        if isinstance(request, Chunk):
            connection.send(predictor.predict(request))
        else:
            predictor.write_out()
            connection.send(request)


def _give_back_free_memory() -> None:
    """Return the holes in the heap to the system, where the C library can (glibc).

    Batches of ever other sizes leave more and more of them; it takes a hundredth of the time.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _keep_to_one_thread() -> None:
    """For libraries that were loaded before the environment could say so."""
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
