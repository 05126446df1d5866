"""The command line: one clear line on bad input, help with an example, a reference that is true."""

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from builders import a_picture
from click.testing import CliRunner, Result

from prelabel.cli.main import FAILED, cli
from prelabel.cli.reference import reference_text

REFERENCE = Path(__file__).resolve().parents[2] / "docs" / "cli.md"
COMMANDS = cli.list_commands(click.Context(cli))


def prelabel(*arguments: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(one) for one in arguments])


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(5):
        a_picture(folder / f"{number}.jpg", seed=number)
    return folder


@pytest.fixture
def birds(tmp_path: Path, photos: Path) -> Path:
    made = prelabel("init", tmp_path / "birds", "--images", photos, "--classes", "heron, egret")
    assert made.exit_code == 0, made.output
    return tmp_path / "birds"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_of_the_command(command: str) -> None:
    shown = prelabel(command, "--help")
    assert shown.exit_code == 0
    assert re.search(rf"Example:\n.*prelabel( -p birds)? {command}", shown.output)


def test_the_reference_is_what_the_help_says() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference_text(), "run `make docs`"


def test_init_says_what_came_in_and_what_is_next(tmp_path: Path, photos: Path) -> None:
    (photos / "broken.jpg").write_bytes(b"")
    shown = prelabel("init", tmp_path / "birds", "--images", photos, "--classes", "heron,egret")
    assert shown.exit_code == 0
    assert "classes heron, egret" in shown.output
    assert "5 frames read (0 labelled, 5 unlabelled)" in shown.output
    assert "broken.jpg" in shown.output
    assert "Next: prelabel select --budget 20" in shown.output


def test_the_first_batch_is_of_typical_pictures_and_stays_the_same_until_labels_come(
    birds: Path,
) -> None:
    first = prelabel("-p", birds, "select", "--budget", "3")
    again = prelabel("-p", birds, "select", "--budget", "3")
    assert first.exit_code == again.exit_code == 0
    assert "Round 1: chose 3 frames by typical" in first.output
    assert first.stdout == again.stdout


def test_an_exported_batch_says_how_it_comes_back(birds: Path, photos: Path) -> None:
    prelabel("-p", birds, "select", "--budget", "3")
    in_place = prelabel("-p", birds, "export", "--batch")
    assert f"prelabel import CORRECTED-FILE --images {photos}" in in_place.output
    with_copies = prelabel("-p", birds, "export", "--batch", "--format", "yolo")
    assert with_copies.output.rstrip().endswith("prelabel import CORRECTED-FOLDER")


def test_a_budget_beyond_the_pool_takes_all(birds: Path) -> None:
    assert "chose 5 frames" in prelabel("-p", birds, "select", "--budget", "50").output


BAD = {
    "no project": (["-p", "{tmp}/nowhere", "status"], "holds no project"),
    "made twice": (["init", "{tmp}/birds", "--images", "{tmp}/photos"], "holds a project already"),
    "nothing to learn from": (["-p", "{tmp}/birds", "train"], "no labelled frame"),
    "no detector": (["-p", "{tmp}/birds", "propose"], "prelabel train"),
    "strategy without proposals": (
        ["-p", "{tmp}/birds", "select", "--budget", "2", "--strategy", "entropy_sum"],
        "--strategy typical` (or random, ",
    ),
    "unknown strategy": (
        ["-p", "{tmp}/birds", "select", "--budget", "2", "--strategy", "magic"],
        "choose one of random",
    ),
    "no labels to export": (["-p", "{tmp}/birds", "export"], "no labels yet"),
    "no batch to export": (["-p", "{tmp}/birds", "export", "--batch"], "no batch yet"),
    "no dataset": (["-p", "{tmp}/birds", "import", "{tmp}/empty"], "or empty"),
    "not a configuration": (
        ["simulate", "{tmp}/photos/0.jpg", "--to", "{tmp}/out"],
        "is not valid YAML",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_line_with_the_way_out(case: str, birds: Path) -> None:
    arguments, said = BAD[case]
    (birds.parent / "empty").mkdir()
    shown = prelabel(*(one.format(tmp=birds.parent) for one in arguments))
    assert shown.exit_code == FAILED, shown.output
    assert said in shown.stderr
    assert shown.stderr.strip().count("\n") == 0
    assert shown.stderr.startswith("prelabel: ")


def test_classes_of_a_source_are_taken_in_when_asked(birds: Path, tmp_path: Path) -> None:
    table = tmp_path / "photos" / "boxes.csv"
    rows = ["filename,class,xmin,ymin,xmax,ymax", "0.jpg,stork,1,1,9,9", "1.jpg,heron,2,2,8,8"]
    table.write_text("\n".join(rows), encoding="utf-8")
    without = prelabel("-p", birds, "import", table)
    assert "1 box left out" in without.output
    assert "--add-classes" in without.output
    taken = prelabel("-p", birds, "import", table, "--add-classes")
    assert taken.exit_code == 0, taken.output
    assert "with 2 boxes" in taken.output
    assert "New class: stork." in taken.output
    assert prelabel("-p", birds, "classes").output == "1  heron\n2  egret\n3  stork\n"
    again = prelabel("-p", birds, "classes", "add", "egret", "stork")
    assert "There already: egret, stork." in again.output
    refused = prelabel("-p", birds, "classes", "add", " ")
    assert refused.exit_code == FAILED
    assert "is empty or has space around it" in refused.stderr


def test_usage_mistakes_have_another_exit_status(tmp_path: Path) -> None:
    assert prelabel("init", tmp_path / "birds").exit_code == 2
    assert prelabel("fly").exit_code == 2


def test_a_mistyped_setting_is_told_with_its_path(birds: Path) -> None:
    settings = birds / "prelabel.yaml"
    settings.write_text(settings.read_text() + "colour: blue\n", encoding="utf-8")
    shown = prelabel("-p", birds, "status")
    assert shown.exit_code == FAILED
    assert "colour: unknown key" in shown.stderr


def test_an_init_that_was_killed_is_given_again(tmp_path: Path, photos: Path) -> None:
    """SIGKILL before the import: the settings stand, the store is empty, nothing is lost."""
    program = (
        "import os, signal, sys\n"
        "import prelabel.project as project\n"
        "project.import_dataset = lambda *given: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from prelabel.cli.main import main\n"
        "main()\n"
    )
    arguments = ["init", str(tmp_path / "birds"), "--images", str(photos), "--classes", "heron"]
    killed = subprocess.run([sys.executable, "-c", program, *arguments], check=False)
    assert killed.returncode == -9
    done = prelabel(*arguments)
    assert done.exit_code == 0, done.output
    assert "5 frames read" in done.output


@pytest.mark.parametrize(
    "wrong",
    [
        ("--images", "{tmp}/empty", "--classes", "a,b", "--detector", "torchvision:fcos"),
        (
            "--images",
            "{tmp}/photos",
            "--classes",
            "a",
            "--store",
            "postgresql://x@/y?host=/nowhere",
        ),
    ],
)
def test_an_init_that_failed_is_given_again_with_other_arguments(
    wrong: tuple[str, ...], tmp_path: Path, photos: Path
) -> None:
    (tmp_path / "empty").mkdir()
    failed = prelabel("init", tmp_path / "birds", *(one.format(tmp=tmp_path) for one in wrong))
    assert failed.exit_code == FAILED, failed.output
    right = ("--images", photos, "--classes", "heron,egret", "--detector", "torchvision:ssdlite")
    done = prelabel("init", tmp_path / "birds", *right)
    assert done.exit_code == 0, done.output
    assert "with the classes heron, egret." in done.output
    settings = (tmp_path / "birds" / "prelabel.yaml").read_text(encoding="utf-8")
    assert "torchvision:ssdlite" in settings
    assert "nowhere" not in settings


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            ("--classes", "a,b"),
            "5 frames with the detector torchvision:micro and the classes heron",
        ),
        (("--classes", "heron,egret", "--store", "sqlite:///other.db"), "another store"),
    ],
)
def test_an_init_that_brought_frames_in_goes_on_with_what_it_began_with(
    changed: tuple[str, ...], said: str, birds: Path, photos: Path
) -> None:
    (birds / "init-unfinished").touch()
    refused = prelabel("init", birds, "--images", photos, *changed)
    assert refused.exit_code == FAILED
    assert said in refused.stderr
    assert prelabel("init", birds, "--images", photos, "--classes", "heron,egret").exit_code == 0


def test_settings_edited_after_a_failed_init_are_not_overwritten(
    birds: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    prelabel("init", tmp_path / "gulls", "--images", tmp_path / "empty", "--classes", "a")
    settings = tmp_path / "gulls" / "prelabel.yaml"
    edited = settings.read_text(encoding="utf-8").replace("steps: 1000", "steps: 7")
    settings.write_text(edited, encoding="utf-8")
    arguments = (
        "--images",
        tmp_path / "photos",
        "--classes",
        "a",
        "--detector",
        "torchvision:fcos",
    )
    refused = prelabel("init", tmp_path / "gulls", *arguments)
    assert refused.exit_code == FAILED
    assert "was edited" in refused.stderr
    assert settings.read_text(encoding="utf-8") == edited
    assert prelabel("init", tmp_path / "gulls", *arguments[:-2]).exit_code == 0


def test_the_author_of_what_is_done_is_kept(birds: Path) -> None:
    from prelabel.project import open_project

    assert prelabel("-p", birds, "--author", "ada", "select", "--budget", "2").exit_code == 0
    with open_project(birds) as project:
        assert "ada" in {event.author for event in project.store.events()}


def test_doctor_runs_where_there_is_no_project() -> None:
    shown = prelabel("doctor")
    assert "torchvision operators" in shown.output
