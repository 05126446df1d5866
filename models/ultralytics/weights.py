"""From what a user writes after "ultralytics:" to a file with a network in it."""

from importlib.resources import files
from pathlib import Path

from prelabel.models.detector import DetectorError

_OWN_NETS = ("micro", "micro-obb")
_SMALLEST_DOWNLOAD_BYTES = 100_000  # less is an error page, not weights


def find_source(variant: str, state_folder: Path) -> Path:
    """The `.yaml` or `.pt` file of a variant.

    A variant is the name of one of our own networks ("micro", "micro-obb"), the path of a file,
    the name of a definition that ultralytics ships ("yolo11n.yaml"), or the name of weights that
    it offers ("yolo11n.pt"): these are looked for in the folder `weights` of `state_folder` and,
    by this function alone, downloaded to it. A definition that ultralytics ships is given back as
    its bare name. Raises DetectorError where nothing is found.
    """
    if variant in _OWN_NETS:
        return Path(str(files("prelabel.models.ultralytics").joinpath("nets", f"{variant}.yaml")))
    path = Path(variant)
    if "://" in variant or path.suffix not in (".yaml", ".yml", ".pt"):
        raise DetectorError(
            f"unknown ultralytics detector {variant!r}; write {', '.join(_OWN_NETS)}, a definition "
            "such as yolo11n.yaml, weights such as yolo11n.pt, or the path of such a file"
        )
    if path.is_file():
        return path.resolve()
    if path.name != variant:
        raise DetectorError(f"{variant}: there is no such file")
    return _named_weights(variant, state_folder) if path.suffix == ".pt" else path


def _named_weights(name: str, state_folder: Path) -> Path:
    from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

    path = state_folder.resolve() / "weights" / name
    if not path.is_file():
        if name not in GITHUB_ASSETS_NAMES:
            raise DetectorError(
                f"{name}: neither a file nor the name of weights that ultralytics offers"
            )
        _download(name, path)
    return path


def _download(name: str, path: Path) -> None:
    from ultralytics.utils.downloads import attempt_download_asset

    path.parent.mkdir(parents=True, exist_ok=True)
    advice = f"put the file at {path} or write the path of one you have"
    if "'" in str(path):
        raise DetectorError(f"{name}: ultralytics cannot download to a path with a quote; {advice}")
    try:
        attempt_download_asset(str(path), progress=False)
    except (OSError, MemoryError) as error:  # no network; no room on the disk
        told = str(error).replace("❌", "").strip()
        raise DetectorError(f"{name}: cannot be downloaded ({told}); {advice}") from error
    if not path.is_file() or path.stat().st_size < _SMALLEST_DOWNLOAD_BYTES:
        raise DetectorError(f"{name}: the download did not give a usable file; {advice}")
