"""Commands about people, guidelines and time."""

import csv
import io
import re
from datetime import timedelta
from pathlib import Path

import click
import pytest
from builders import a_picture
from click.testing import CliRunner, Result

from prelabel.cli.main import FAILED, cli
from prelabel.project import open_project
from prelabel.store.store import utc_now
from prelabel.work.activity import Activity, ActivityKind
from prelabel.work.people import Role

GROUPS = ("people", "guidelines", "time")
COMMANDS = [
    (name, below)
    for name in GROUPS
    for group in [cli.commands[name]]
    if isinstance(group, click.Group)
    for below in group.commands
]


@pytest.fixture(scope="module")
def empty_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli people")
    (folder / "photos").mkdir()
    a_picture(folder / "photos" / "0.jpg")
    arguments = ["init", str(folder / "birds"), "--images", str(folder / "photos")]
    made = CliRunner().invoke(cli, [*arguments, "--classes", "heron"])
    assert made.exit_code == 0, made.output
    return folder / "birds"


@pytest.fixture
def birds(empty_project: Path, tmp_path: Path) -> Path:
    """A project of the test's own."""
    folder = tmp_path / "birds"
    folder.mkdir()
    for name in ("prelabel.yaml", "store.db"):
        (folder / name).write_bytes((empty_project / name).read_bytes())
    return folder


def run(birds: Path, *arguments: str, typed: str | bytes | None = None) -> Result:
    given = ["-p", str(birds), "--author", "seth", *arguments]
    return CliRunner().invoke(cli, given, input=typed)


def said(birds: Path, *arguments: str, typed: str | bytes | None = None) -> str:
    done = run(birds, *arguments, typed=typed)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(("group", "command"), COMMANDS)
def test_help_has_an_example_of_the_command(group: str, command: str) -> None:
    shown = CliRunner().invoke(cli, [group, command, "--help"])
    assert shown.exit_code == 0
    assert re.search(rf"Example:\n +prelabel {group} {command}", shown.output)


def test_somebody_is_added_with_a_link_that_works(birds: Path) -> None:
    output = said(birds, "people", "add", "olga", "--role", "owner")
    assert "Added olga as owner." in output
    assert "From now on everybody logs in" not in output
    token = re.search(r"^/link/(\S+)$", output, re.MULTILINE)
    assert token is not None
    with open_project(birds) as project:
        assert project.people.redeem(token[1]).role is Role.OWNER
        assert [event.author for event in project.store.events()][-2:] == ["seth", "seth"]


def test_an_owner_who_would_be_shut_out_is_warned(birds: Path) -> None:
    assert "no owner can yet: prelabel people add NAME" in said(birds, "people", "add", "ann")
    assert "no owner" not in said(birds, "people", "add", "olga", "--role", "owner")
    assert "no owner" not in said(birds, "people", "link", "ann")


def test_a_password_is_asked_for_twice_and_not_shown(birds: Path) -> None:
    typed = "correct horse\ncorrect horse\n"
    output = said(birds, "people", "add", "olga", "--role", "owner", "--password", typed=typed)
    assert "olga can log in with this password." in output
    assert "correct horse" not in output
    assert "/link/" not in output
    with open_project(birds) as project:
        assert project.people.check_password("olga", "correct horse") is not None
    changed = "another horse\nanother horse\n"
    said(birds, "people", "link", "Olga", "--password", typed=changed)
    with open_project(birds) as project:
        assert project.people.check_password("olga", "correct horse") is None


def test_people_are_listed_changed_and_shut_out(birds: Path) -> None:
    assert "Nobody yet: prelabel people add NAME" in said(birds, "people", "list")
    said(birds, "people", "add", "olga", "--role", "owner")
    said(birds, "people", "add", "ann [red]")
    assert said(birds, "people", "role", "Ann [RED]", "reviewer") == "ann [red] is reviewer now.\n"
    assert "cannot log in any more" in said(birds, "people", "disable", "ann [red]")
    lines = said(birds, "people", "list").splitlines()
    assert re.match(r"olga +owner +yes", lines[1])
    assert re.match(r"ann \[red\] +reviewer +disabled", lines[2])
    assert "ann [red] can log in again" in said(birds, "people", "enable", "ann [red]")


BAD = {
    "no such person": (["people", "link", "nobody"], "`prelabel people list` names all"),
    "a name twice": (["people", "add", "OLGA"], "take another name"),
    "an unfit name": (["people", "add", "a/b"], "no slash"),
    "the last owner": (["people", "disable", "olga"], "make somebody else an owner first"),
    "no such version": (["guidelines", "show", "--version", "7"], "have no version 7"),
    "no text": (["guidelines", "set", "{birds}/store.db"], "is no UTF-8 text"),
    "an empty text": (["guidelines", "set", "{birds}/empty.md"], "must not be empty"),
    "a file in the way": (["time", "export", "--to", "{birds}/prelabel.yaml"], "File exists"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_gives_one_line_with_the_way_out(case: str, birds: Path) -> None:
    (birds / "empty.md").touch()
    said(birds, "people", "add", "olga", "--role", "owner")
    arguments, message = BAD[case]
    shown = run(birds, *(one.format(birds=birds) for one in arguments))
    assert shown.exit_code == FAILED, shown.output
    assert message in shown.stderr
    assert shown.stderr.strip().count("\n") == 0


def test_guidelines_are_set_and_shown(birds: Path) -> None:
    assert "prelabel guidelines set FILE" in said(birds, "guidelines")
    text = "# Héron\r\ngris\r\n"
    told = said(birds, "guidelines", "set", "-", typed=b"\xef\xbb\xbf" + text.encode())
    assert told == "Version 1 of the guidelines is in force.\n"
    (birds / "guide.md").write_text("# Heron\nwhite", encoding="utf-8")
    assert "Version 2" in said(birds, "guidelines", "set", str(birds / "guide.md"))
    assert said(birds, "guidelines") == "# Heron\nwhite\n"
    assert said(birds, "guidelines", "show", "--version", "1") == "# Héron\ngris\n"


def test_time_is_shown_and_exported(birds: Path) -> None:
    begun = utc_now() - timedelta(minutes=5)
    with open_project(birds) as project:
        events = [
            Activity(f"e{at}", begun + timedelta(seconds=at), ActivityKind.INPUT)
            for at in (0, 25, 50, 75)
        ]
        project.time_sheet.append("ann", 1, events)
    assert re.search(r"ann +0 +75 s +0 +0 +0", said(birds, "time"))
    rows = list(csv.DictReader(io.StringIO(said(birds, "time", "export"))))
    assert [row["event_id"] for row in rows] == ["e0", "e25", "e50", "e75"]
    file = birds / "activity.csv"
    assert said(birds, "time", "export", "--to", str(file)) == f"Wrote 4 events to {file}.\n"
    assert list(csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))) == rows
