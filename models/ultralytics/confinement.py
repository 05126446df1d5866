"""Keeping the ultralytics package inside the state folder and off the network.

Left alone it writes settings to the home folder, asks a name server whether it is online, sends
usage events, installs packages it finds missing and replaces functions of other libraries. All of
this is decided while it is imported, so `confine` must run first; nothing else here imports it.
"""

import importlib.util
import json
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from prelabel.datasets.errors import MissingExtraError
from prelabel.datasets.files import write_whole

# Read by ultralytics when it is imported or later on, and by the processes started from this one.
_ENVIRONMENT = {
    "YOLO_OFFLINE": "1",  # no look-up whether there is a network, no usage events
    "YOLO_AUTOINSTALL": "0",  # a missing package is an error, not a reason to run pip
    "YOLO_VERBOSE": "0",
    "OMP_WAIT_POLICY": "PASSIVE",  # spinning threads slow each other down on busy cores
}
_SETTINGS = {
    "uuid": "",
    "sync": False,
    "clearml": False,
    "comet": False,
    "dvc": False,
    "mlflow": False,
    "raytune": False,
    "vscode_msg": False,
    "openvino_msg": False,
}
_PATCHED = (  # functions of other libraries that importing ultralytics replaces
    ("torch", "save"),
    ("PIL.Image", "open"),  # its version runs pip when a picture cannot be read
    ("cv2", "imread"),
    ("cv2", "imwrite"),
    ("cv2", "imshow"),
)


def confine(state_folder: Path) -> None:
    """Import ultralytics so that all it writes lies in `state_folder` and it calls nobody.

    What its import changes in the process (print options, OpenCV's threads, environment, warning
    filters, functions of other libraries) is set back; the YOLO_ variables stay, since it reads
    some of them at every call. Where somebody imported it before, it is turned off as far as that
    is still possible. Raises MissingExtraError where it is not installed.
    """
    if importlib.util.find_spec("ultralytics") is None:
        raise MissingExtraError("ultralytics", "a detector of the ultralytics family")
    if "ultralytics" not in sys.modules:
        _import_confined(state_folder.resolve() / "ultralytics")
    _turn_off()


def _import_confined(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.environ |= _ENVIRONMENT
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    os.environ.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(folder / "inductor"))  # made, never used
    _write_settings(folder)
    with _process_left_alone():
        importlib.import_module("ultralytics.nn.tasks")


def _write_settings(folder: Path) -> None:
    """Settings that ultralytics finds at its first start; it adds the ones not named here."""
    path = folder / "Ultralytics" / "settings.json"
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    folders = {f"{name}_dir": str(folder / name) for name in ("datasets", "weights", "runs")}
    write_whole(path, json.dumps(_SETTINGS | folders).encode())


@contextmanager
def _process_left_alone() -> Iterator[None]:
    import cv2
    import numpy as np
    import torch

    functions = [
        (module := importlib.import_module(name), function, getattr(module, function))
        for name, function in _PATCHED
    ]
    environment, cv2_threads = dict(os.environ), cv2.getNumThreads()
    torch_threads, print_options = torch.get_num_threads(), np.get_printoptions()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        finally:
            for module, function, original in functions:
                setattr(module, function, original)
            os.environ.clear()
            os.environ.update(environment)
            cv2.setNumThreads(cv2_threads)
            torch.set_num_threads(torch_threads)
            # torch has no way to ask what the options were before
            torch.set_printoptions(profile="default")  # type: ignore[no-untyped-call]  # no types
            np.set_printoptions(**print_options)


def _turn_off() -> None:
    """Say no in memory too: for a settings file that says yes, or an import that came before."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] != "ultralytics":
            continue
        for constant in ("ONLINE", "AUTOINSTALL"):
            if constant in vars(module):
                setattr(module, constant, False)
    settings: dict[str, Any] = sys.modules["ultralytics.utils"].SETTINGS
    dict.update(settings, _SETTINGS)  # past its own `update`, which writes the file anew
