"""A check that is silenced on a line has its reason on that line."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("active", "benchmarks", "datasets", "models", "prelabel", "tests")
SILENCED = re.compile(r"# (?:type: ignore|noqa)\b")
WITH_REASON = re.compile(r"# (?:type: ignore\[[\w, -]+\]|noqa: [A-Z]+\d+(?:, [A-Z]+\d+)*)  # \w")


def test_every_silenced_check_says_why() -> None:
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if SILENCED.search(line) and not WITH_REASON.search(line)
    ]
    assert silent == []
