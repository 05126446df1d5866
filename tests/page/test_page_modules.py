"""The parts of the page that need no browser, by their own tests under Node."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "prelabel" / "review" / "page"


def test_modules_of_the_page_pass_their_tests() -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node is installed (Debian: apt-get install nodejs)")
    tests = sorted(str(path) for path in HERE.glob("*.test.mjs"))
    done = subprocess.run([node, "--test", *tests], capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pages_load_nothing_from_elsewhere() -> None:
    loads = re.compile(r"""(src|href|import|from|url|fetch)[\s=(]*["']?(https?:)?//""")
    for path in (*PAGE.rglob("*.js"), *PAGE.rglob("*.css"), *PAGE.rglob("*.html")):
        assert not loads.search(path.read_text(encoding="utf-8")), path.name
