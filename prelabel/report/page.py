"""Turning facts into one HTML file that needs nothing beside it."""

from collections.abc import Mapping
from pathlib import Path

import jinja2

from prelabel.datasets.files import write_whole
from prelabel.report import wording

REPORT_FILE = "report.html"


def write_page(template: str, facts: Mapping[str, object], folder: Path) -> Path:
    """Fill a template and write `report.html` into `folder`, whole or not at all.

    A report written before is replaced. All text is escaped: names of files and classes, and
    reasons, come from outside.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("prelabel.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for word in (wording.count, wording.plural, wording.figure, wording.seconds, wording.clock):
        environment.filters[word.__name__] = word
    text = environment.get_template(template).render(facts)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REPORT_FILE
    write_whole(path, text.encode())
    return path
