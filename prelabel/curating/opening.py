"""FiftyOne with everything it writes below the project's folder, and nothing it sends anywhere."""

import importlib
import importlib.util
import logging
import os
import sys
import warnings
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prelabel.curating.errors import CurationError
from prelabel.curating.mongod import PROGRAM_VARIABLE, MongodOptions, find_mongod, running_mongod
from prelabel.workspace import Workspace

METHOD = "prelabel"  # the name under which FiftyOne knows our matcher
CONFIG_CLASS = "prelabel.curating.evaluation_method.MatcherConfig"
URI_VARIABLE = "FIFTYONE_DATABASE_URI"
FiftyOne = Any  # the module, which comes without types
PLUGINS = Path(__file__).parent / "plugins"


@dataclass(frozen=True, slots=True)
class Curation:
    """FiftyOne, connected to the database of a project, and the name of the project's dataset."""

    fiftyone: FiftyOne
    dataset_name: str
    folder: Path


@contextmanager
def opened_curation(workspace: Workspace, environment: Mapping[str, str]) -> Iterator[Curation]:
    """FiftyOne on the database that FIFTYONE_DATABASE_URI names, else on one of the project's own.

    A process can be connected to one database only. Raises CurationError where FiftyOne is not
    installed, there is no MongoDB, or the process is connected to another one.
    """
    if importlib.util.find_spec("fiftyone") is None:
        raise CurationError("FiftyOne is not installed: pip install 'prelabel[fiftyone]'")
    folder = workspace.folder / "curation"
    given = environment.get(URI_VARIABLE)
    if given:
        shared = blake2b(str(workspace.folder).encode(), digest_size=4).hexdigest()
        yield Curation(_loaded(given, folder), f"{workspace.settings.name}-{shared}", folder)
        return
    program = find_mongod(environment)
    if program is None:
        raise CurationError(
            "FiftyOne needs a MongoDB server, and no mongod was found: install MongoDB 6.0 or "
            f"later, name its mongod with {PROGRAM_VARIABLE}, or name a running server with "
            f"{URI_VARIABLE}"
        )
    with running_mongod(folder / "database", MongodOptions(program)) as address:
        try:
            yield Curation(_loaded(address, folder), workspace.settings.name, folder)
        finally:
            disconnect()


def _loaded(address: str, folder: Path) -> FiftyOne:
    """The module, told by its environment where everything lies before it is imported."""
    loaded = "fiftyone" in sys.modules
    if not loaded:
        folder.mkdir(parents=True, exist_ok=True)
        set_environment(os.environ, address, folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of libraries about each other, while they are loaded
        fiftyone = importlib.import_module("fiftyone")
        importlib.import_module("fiftyone.brain")
    connected = fiftyone.config.database_uri
    if connected != address:
        raise CurationError(
            f"this process uses FiftyOne with the database {connected}: use another process for "
            f"{address}"
        )
    constants: Any = importlib.import_module("fiftyone.constants")
    constants.WELCOME_PATH = str(folder / "welcome.json")  # would lie in the home folder
    logging.getLogger("fiftyone").setLevel(logging.WARNING)
    fiftyone.config.show_progress_bars = False
    return fiftyone


def set_environment(environment: MutableMapping[str, str], address: str, folder: Path) -> None:
    """Tell FiftyOne, and the servers it starts, where the database is and where to write."""
    settings = {
        URI_VARIABLE: address,
        "FIFTYONE_DO_NOT_TRACK": "1",
        "FIFTYONE_DATABASE_VALIDATION": "false",  # a warning in each process about the version
        "FIFTYONE_SHOW_PROGRESS_BARS": "false",
        "FIFTYONE_CONFIG_PATH": str(folder / "config.json"),
        "FIFTYONE_APP_CONFIG_PATH": str(folder / "app_config.json"),
        "FIFTYONE_ANNOTATION_CONFIG_PATH": str(folder / "annotation_config.json"),
        "FIFTYONE_EVALUATION_CONFIG_PATH": str(folder / "evaluation_config.json"),
        "FIFTYONE_BRAIN_CONFIG_PATH": str(folder / "brain_config.json"),
        "FIFTYONE_DATASET_ZOO_DIR": str(folder / "zoo"),
        "FIFTYONE_MODEL_ZOO_DIR": str(folder / "zoo"),
        "FIFTYONE_DEFAULT_DATASET_DIR": str(folder / "datasets"),
        **_evaluation_method(environment),
        "FIFTYONE_PLUGINS_DIR": str(plugins_folder(folder, environment)),
    }
    environment.update(settings)
    environment.setdefault("MPLCONFIGDIR", str(folder / "matplotlib"))


def _evaluation_method(environment: Mapping[str, str]) -> dict[str, str]:
    """Our matcher, beside the methods of evaluation that there are anyway."""
    methods = environment.get("FIFTYONE_DETECTION_BACKENDS", "*").split(",")
    return {
        "FIFTYONE_DETECTION_BACKENDS": ",".join(dict.fromkeys([*methods, METHOD])),
        f"FIFTYONE_DETECTION_{METHOD.upper()}_CONFIG_CLS": CONFIG_CLASS,
    }


def plugins_folder(folder: Path, environment: Mapping[str, str]) -> Path:
    """Where FiftyOne looks for plugins: ours where they are installed, beside the user's own."""
    own = environment.get("FIFTYONE_PLUGINS_DIR")
    if not own or Path(own) == PLUGINS:
        return PLUGINS
    together = folder / "plugins"
    together.mkdir(parents=True, exist_ok=True)
    for name, place in (("prelabel", PLUGINS), ("own", Path(own))):
        link = together / name
        if link.is_symlink():
            link.unlink()
        link.symlink_to(place.resolve(), target_is_directory=True)
    return together


def disconnect() -> None:
    """Let go of the database before it ends; FiftyOne has no public way to do so."""
    database = sys.modules.get("fiftyone.core.odm.database")
    if database is not None:
        database._disconnect()
