"""Render the picture of a report that the README shows.

    python benchmarks/report_picture.py runs/demo/summary.json docs/pictures/report.png

Needs Chromium on the PATH; with none it says so and leaves the old picture as it is.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2

from prelabel.active.summary import Summary
from prelabel.report.simulation import write_report
from prelabel.report.wall import WallOptions

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-color-profile=srgb",
)
TIMEOUT_S = 120


def find_browser() -> str | None:
    """The first Chromium on the PATH."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def photograph(browser: str, page: Path, picture: Path, width_px: int, height_px: int) -> None:
    """A screenshot of the top of a page, with a browser profile of its own."""
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        unfinished = Path(profile) / "shot.png"
        subprocess.run(
            [
                browser,
                *FLAGS,
                f"--user-data-dir={profile}",
                f"--window-size={width_px},{height_px}",
                f"--screenshot={unfinished}",
                page.resolve().as_uri(),
            ],
            check=True,
            timeout=TIMEOUT_S,
            capture_output=True,
        )
        shot = cv2.imread(str(unfinished))
        if shot is None:
            sys.exit(f"{browser} made no picture of {page}; run it by hand to see why")
        beside = picture.with_name(f"{picture.stem}.unfinished.png")
        cv2.imwrite(str(beside), shot, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        os.replace(beside, picture)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("summary", type=Path, help="summary.json of a simulation")
    parser.add_argument("picture", type=Path, help="PNG file to write")
    parser.add_argument("--width", type=int, default=1180)
    parser.add_argument("--height", type=int, default=1500)
    asked = parser.parse_args()
    browser = find_browser()
    if browser is None:
        sys.exit(f"no browser found, looked for {', '.join(BROWSERS)}: install chromium")
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(Summary.read(asked.summary), Path(folder), WallOptions())
        photograph(browser, page, asked.picture, asked.width, asked.height)
    print(f"{asked.picture}: {asked.picture.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
