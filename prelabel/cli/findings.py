"""The findings of `prelabel doctor` as a table; loads nothing that may be broken."""

from collections.abc import Sequence

from rich.table import Table

from prelabel.doctor import Finding, Status

_MARKS = {
    Status.OK: "[green]ok[/]",
    Status.ABSENT: "[dim]absent[/]",
    Status.LOW: "[yellow]low[/]",
    Status.BROKEN: "[red]broken[/]",
}


def doctor_table(findings: Sequence[Finding]) -> Table:
    """One row for each part of the machine."""
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        table.add_row(one.part, _MARKS[one.status], one.detail, one.remedy)
    return table
