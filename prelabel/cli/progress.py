"""Progress bars in a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from prelabel.datasets.progress import Advance


class TerminalProgress:
    """One bar a piece of work, all of them below each other while they run."""

    def __init__(self, console: Console) -> None:
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            TextColumn("[dim]{task.fields[note]}"),
            console=console,
        )

    @contextmanager
    def task(self, title: str, total: int | None) -> Iterator[Advance]:
        """Show a bar of `total` units until the block is left."""
        bar = self._bars.add_task(title, total=total, note="")
        self._bars.start()
        try:
            yield self._advance_of(bar)
        finally:
            self._bars.stop_task(bar)
            if all(task.stop_time is not None for task in self._bars.tasks):
                self._bars.stop()
                for task in self._bars.task_ids:
                    self._bars.remove_task(task)

    def _advance_of(self, bar: TaskID) -> Advance:
        def advance(units: int = 1, note: str = "") -> None:
            self._bars.update(bar, advance=units, note=note)

        return advance
