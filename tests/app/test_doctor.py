"""The doctor says what can be used, and what to do about the rest."""

import importlib.metadata
from pathlib import Path

import pytest

from prelabel.doctor import Finding, Status, examine


def found(folder: Path, environment: dict[str, str] | None = None) -> dict[str, Finding]:
    return {one.part: one for one in examine(folder, environment or {})}


def test_every_part_is_examined_by_using_it(tmp_path: Path) -> None:
    findings = found(tmp_path / "not" / "there" / "yet")
    assert {"torch", "torchvision operators", "cv2", "modAL", "ultralytics", "onnxruntime"} <= set(
        findings
    )
    assert {"FiftyOne", "FiftyOne's MongoDB", "PostgreSQL driver", "memory", "disk"} <= set(
        findings
    )
    for part in ("python", "torch", "torchvision operators", "cv2", "modAL"):
        assert findings[part].status is Status.OK, findings[part]
    assert "nms works" in findings["torchvision operators"].detail
    assert "builds networks" in findings["ultralytics"].detail
    assert "runs on CPU" in findings["onnxruntime"].detail


def test_what_is_not_usable_comes_with_a_remedy(tmp_path: Path) -> None:
    for one in examine(tmp_path, {}):
        assert one.status is Status.OK or one.remedy


def test_a_database_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    address = "mongodb://127.0.0.1:9/?connectTimeoutMS=500"
    finding = found(tmp_path, {"FIFTYONE_DATABASE_URI": address})["FiftyOne's MongoDB"]
    assert finding.status is Status.BROKEN
    assert "does not answer" in finding.detail


def test_an_extra_that_is_not_installed_is_absent_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = importlib.metadata.version

    def version(name: str) -> str:
        if name == "onnxruntime":
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    finding = found(tmp_path)["onnxruntime"]
    assert finding.status is Status.ABSENT
    assert "prelabel[onnx]" in finding.remedy
