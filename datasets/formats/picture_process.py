"""A process that looks at pictures beside this one.

Threads of this process would not do for very many small files: beside one that computes they wait
for their turn in the interpreter far longer than for the disk.
"""

import multiprocessing
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Self

import msgspec

from prelabel.datasets.formats.picture_threads import Look, PictureThreads

_ANSWER = msgspec.msgpack.Decoder(list[Look])


class PictureProcess:
    """Answers questions as PictureThreads does; should the process end early, by such threads."""

    def __init__(self, max_pixels: int) -> None:
        self._max_pixels = max_pixels
        self._asked: deque[Sequence[str]] = deque()
        self._instead: PictureThreads | None = None

    def __enter__(self) -> Self:
        self._connection, there = multiprocessing.Pipe()
        # Not by multiprocessing, which would run the program's main file a second time.
        command = [sys.executable, "-P", "-m", __name__, str(there.fileno()), str(self._max_pixels)]
        self._process = subprocess.Popen(command, pass_fds=[there.fileno()])
        there.close()  # so that its end is seen as an end of file
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()
        self._process.kill()  # it only reads: there is nothing to finish
        self._process.wait()
        if self._instead is not None:
            self._instead.__exit__(kind, error, trace)

    def ask(self, paths: Sequence[str]) -> None:
        """Have these pictures looked at."""
        if self._instead is not None:
            self._instead.ask(paths)
            return
        self._asked.append(paths)
        try:
            self._connection.send(paths)
        except ConnectionError:
            self._instead = self._threads()

    def answer(self) -> list[Look]:
        """What was found at the oldest question that is not answered yet."""
        if self._instead is None:
            try:
                looks = _ANSWER.decode(self._connection.recv_bytes())
            except (EOFError, OSError):  # also in the middle of an answer
                self._instead = self._threads()
            else:
                self._asked.popleft()
                return looks
        return self._instead.answer()

    def _threads(self) -> PictureThreads:
        """Threads of this process, asked what the other one has not answered."""
        threads = PictureThreads(self._max_pixels)
        for paths in self._asked:
            threads.ask(paths)
        return threads


def serve(connection: Connection, max_pixels: int) -> None:
    """Answer the lists of paths that come until the other end closes.

    Receiving goes on while answers are sent, so the two ends never wait for one another.
    """
    asked: SimpleQueue[Future[list[Look]] | None] = SimpleQueue()
    sender = Thread(target=_send_answers, args=(connection, asked))
    sender.start()
    with PictureThreads(max_pixels) as pictures:
        try:
            while True:
                asked.put(pictures.look_at(connection.recv()))
        except (EOFError, OSError):
            asked.put(None)
            sender.join()


def _send_answers(connection: Connection, asked: "SimpleQueue[Future[list[Look]] | None]") -> None:
    try:
        while (future := asked.get()) is not None:
            connection.send_bytes(msgspec.msgpack.encode(future.result()))
    except ConnectionError:
        return  # the other end is gone, and nobody waits for the rest


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that started this one decides
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]))
