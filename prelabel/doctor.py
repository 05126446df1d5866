"""What of this machine prelabel can use, found out by using it."""

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from prelabel.curating.mongod import find_mongod

GIB = 1 << 30
LITTLE_MEMORY_GIB = 4.0
LITTLE_DISK_GIB = 2.0
_PROBE_SECONDS = 60

# Run with a folder to write in as the only argument.
_USE_ULTRALYTICS = """
import sys
from pathlib import Path
from prelabel.models.registry import build_detector
build_detector("ultralytics:micro", ["thing"], Path(sys.argv[1]))
print("builds networks")
"""
_USE_ONNXRUNTIME = """
import onnxruntime
print("runs on", onnxruntime.get_device())
"""


class Status(StrEnum):
    """How a part of the machine is."""

    OK = "ok"
    ABSENT = "absent"  # optional, and not installed
    LOW = "low"  # works, but there is little of it
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the machine: how it is, in words, and what to do where it is not usable."""

    part: str
    status: Status
    detail: str
    remedy: str = ""


def examine(folder: Path, environment: Mapping[str, str]) -> list[Finding]:
    """Every finding about this machine; `folder` is where a project would lie."""
    checks: tuple[Callable[[], Finding], ...] = (
        _python,
        lambda: _core("torch", _torch),
        lambda: _core("torchvision operators", _torchvision),
        lambda: _core("cv2", _cv2),
        lambda: _core("modAL", _modal),
        lambda: _optional(
            "ultralytics", "ultralytics-opencv-headless", "ultralytics", _USE_ULTRALYTICS
        ),
        lambda: _optional("onnxruntime", "onnxruntime", "onnx", _USE_ONNXRUNTIME),
        lambda: _by_version("FiftyOne", "fiftyone", "fiftyone"),
        lambda: _mongodb(environment),
        lambda: _by_version("PostgreSQL driver", "psycopg", "postgres"),
        _memory,
        lambda: _disk(folder),
    )
    return [check() for check in checks]


def _python() -> Finding:
    system = f"{platform.system()} {platform.machine()}"
    return Finding("python", Status.OK, f"{platform.python_version()} on {system}")


def _core(part: str, use: Callable[[], str]) -> Finding:
    # Whatever a broken installation throws is the finding, not a fault of this program.
    try:
        return Finding(part, Status.OK, use())
    except Exception as error:
        told = " ".join(str(error).split())[:200]
        return Finding(
            part, Status.BROKEN, f"{type(error).__name__}: {told}", "pip install --force prelabel"
        )


def _torch() -> str:
    import torch

    if torch.cuda.is_available():
        device = f"CUDA, {torch.cuda.get_device_name(0)}"
    elif torch.backends.mps.is_available():
        device = "Apple GPU"
    else:
        device = f"CPU, {os.cpu_count()} cores"
    total = float(torch.ones(8).sum())
    if total != 8:
        raise ArithmeticError(f"8 ones add up to {total}")
    return f"{torch.__version__}, device: {device}"


def _torchvision() -> str:
    import torch
    import torchvision

    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 1, 10, 10], [20, 20, 30, 30]])
    kept = torchvision.ops.nms(boxes, torch.tensor([0.9, 0.8, 0.7]), 0.5).tolist()
    if kept != [0, 2]:
        raise ArithmeticError(f"nms kept {kept} instead of [0, 2]")
    return f"{torchvision.__version__}, nms works"


def _cv2() -> str:
    import cv2
    import numpy as np

    done, encoded = cv2.imencode(".jpg", np.zeros((16, 16, 3), np.uint8))
    if not done or cv2.imdecode(encoded, cv2.IMREAD_COLOR) is None:
        raise OSError("a JPEG cannot be written and read back")
    owners = sorted(
        one.metadata["Name"]
        for one in importlib.metadata.distributions()
        if one.metadata["Name"].lower().startswith("opencv")
    )
    if len(owners) > 1:
        raise ImportError(f"{' and '.join(owners)} install the same folder; remove all but one")
    return f"{cv2.__version__} ({owners[0] if owners else 'not from the package index'})"


def _modal() -> str:
    importlib.import_module("modAL.models")
    return importlib.metadata.version("modAL-python")


def _optional(part: str, distribution: str, extra: str, program: str) -> Finding:
    """An optional package: its version, and whether `program` can use it, in a process of its own.

    What the package writes when it is loaded goes to a folder that is removed again.
    """
    try:
        version = importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return Finding(part, Status.ABSENT, "not installed", f"pip install 'prelabel[{extra}]'")
    with tempfile.TemporaryDirectory() as folder:
        tried = subprocess.run(
            [sys.executable, "-c", program, folder], capture_output=True, text=True, cwd=folder
        )
    if tried.returncode:
        told = " ".join(tried.stderr.strip().splitlines()[-1:])[:200]
        remedy = f"pip install --force-reinstall 'prelabel[{extra}]'"
        return Finding(part, Status.BROKEN, f"{version}, but {told}", remedy)
    return Finding(part, Status.OK, f"{version}, {tried.stdout.strip()}")


def _by_version(part: str, package: str, extra: str) -> Finding:
    """Whether a package is there, without loading it: FiftyOne would start a database server."""
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return Finding(part, Status.ABSENT, "not installed", f"pip install 'prelabel[{extra}]'")
    return Finding(part, Status.OK, f"{package} {version} installed")


def _mongodb(environment: Mapping[str, str]) -> Finding:
    part = "FiftyOne's MongoDB"
    address = environment.get("FIFTYONE_DATABASE_URI")
    if address:
        return _mongodb_at(part, address)
    server = find_mongod(environment)
    if server is None:
        return Finding(
            part,
            Status.ABSENT,
            "no mongod found",
            "install MongoDB 6.0 or later, name its mongod with PRELABEL_MONGOD, or set "
            "FIFTYONE_DATABASE_URI=mongodb://HOST:PORT",
        )
    try:
        shown = subprocess.run(
            [server, "--version"], capture_output=True, text=True, timeout=_PROBE_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(part, Status.BROKEN, f"{server}: {error}", "install MongoDB 6.0 or later")
    if shown.returncode:
        told = " ".join(shown.stderr.split())[:200]
        return Finding(part, Status.BROKEN, f"{server}: {told}", "install MongoDB 6.0 or later")
    return Finding(part, Status.OK, f"{shown.stdout.splitlines()[0]} ({server})")


def _mongodb_at(part: str, address: str) -> Finding:
    try:
        pymongo = importlib.import_module("pymongo")
    except ImportError:
        return Finding(part, Status.ABSENT, "no driver", "pip install 'prelabel[fiftyone]'")
    patience_ms = 3000
    try:
        with pymongo.MongoClient(address, serverSelectionTimeoutMS=patience_ms) as client:
            version = client.server_info()["version"]
    except pymongo.errors.PyMongoError as error:
        told = " ".join(str(error).split())[:200]
        return Finding(
            part,
            Status.BROKEN,
            f"the server of FIFTYONE_DATABASE_URI does not answer: {told}",
            "start that server, or unset FIFTYONE_DATABASE_URI",
        )
    return Finding(part, Status.OK, f"version {version} answers (FIFTYONE_DATABASE_URI)")


def _memory() -> Finding:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / GIB, memory.total / GIB
    detail = f"{free:.1f} GiB free of {total:.1f}"
    if free < LITTLE_MEMORY_GIB:
        return Finding("memory", Status.LOW, detail, "close other programs, or train smaller")
    return Finding("memory", Status.OK, detail)


def _disk(folder: Path) -> Finding:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(existing).free / GIB
    detail = f"{free:.1f} GiB free at {existing}"
    if free < LITTLE_DISK_GIB:
        return Finding("disk", Status.LOW, detail, "make room, or put the project elsewhere")
    return Finding("disk", Status.OK, detail)
