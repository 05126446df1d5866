"""Settings of a project: what is written can be read, and mistakes are told together."""

from pathlib import Path

import pytest

from prelabel.datasets.configuration import ConfigurationError
from prelabel.settings import SETTINGS_FILE, ProjectSettings, read_settings, settings_text


@pytest.mark.parametrize("name", ["birds", 'a "quoted" \\ name', "höhe: 3 # no comment", "null"])
def test_what_is_written_for_a_new_project_reads_back_as_the_defaults(
    tmp_path: Path, name: str
) -> None:
    text = settings_text(name, "torchvision:fcos", "postgresql://me@here/labels")
    (tmp_path / SETTINGS_FILE).write_text(text, encoding="utf-8")
    expected = ProjectSettings(
        name=name, detector="torchvision:fcos", store="postgresql://me@here/labels"
    )
    assert read_settings(tmp_path) == expected


def test_all_mistakes_are_told_at_once_with_their_places(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_text(
        "training:\n  steps: 0\n  stepz: 3\nproposals:\n  shown_score: 2\n", encoding="utf-8"
    )
    with pytest.raises(ConfigurationError) as caught:
        read_settings(tmp_path)
    told = str(caught.value)
    assert "4 mistakes" in told
    for place in ("name: is missing", "training.steps", "training.stepz: unknown key"):
        assert place in told
    assert "proposals.shown_score" in told


@pytest.mark.parametrize(
    ("content", "said"),
    [("- a\n- b\n", "must hold keys and values"), ("a: [1\n", "is not valid YAML")],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / SETTINGS_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=said):
        read_settings(tmp_path)
