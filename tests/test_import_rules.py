"""Imports go down prelabel → active → models → datasets, never in circles, and load little."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FLOORS = {"datasets": 0, "models": 1, "active": 2, "prelabel": 3}


def _module_names() -> dict[str, Path]:
    names = {}
    for folder in FLOORS:
        for path in (ROOT / folder).rglob("*.py"):
            if any(parent.is_symlink() for parent in path.parents):
                continue
            parts = path.relative_to(ROOT).with_suffix("").parts
            parts = parts if folder == "prelabel" else ("prelabel", *parts)
            names[".".join(parts).removesuffix(".__init__")] = path
    return names


def _imports(path: Path, known: set[str]) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (whole & known) or {node.module}
    return found & known


def _floor(module: str) -> int:
    second = module.split(".")[1] if "." in module else "prelabel"
    return FLOORS.get(second, FLOORS["prelabel"])


def test_imports_point_down() -> None:
    modules = _module_names()
    upward = [
        f"{module} imports {imported}"
        for module, path in modules.items()
        for imported in _imports(path, set(modules))
        if _floor(imported) > _floor(module)
    ]
    assert upward == []


def test_no_two_modules_import_each_other() -> None:
    modules = _module_names()
    graph = {module: _imports(path, set(modules)) for module, path in modules.items()}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert set(order) == set(modules)


def test_importing_prelabel_loads_no_framework() -> None:
    heavy = ("torch", "torchvision", "ultralytics", "fiftyone", "onnxruntime", "matplotlib")
    program = (
        "import sys, prelabel, prelabel.cli.main, prelabel.datasets, prelabel.models, "
        "prelabel.models.registry, prelabel.active\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"
