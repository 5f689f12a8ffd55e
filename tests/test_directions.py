"""The rule of the house: a homework may use common, common never a homework, and a homework never another."""

import ast
from pathlib import Path

import pytest

from tests.helpers import ROOT

# What each room of common may import beside itself and the foundations; a homework may import all of them.
FOUNDATIONS = {"bars", "errors", "files"}
ROOMS = {
    "data": set(),
    "figures": {"data"},
    "gan": set(),
    "run": {"data", "figures"},
    "grading": {"run", "data", "figures"},
    "grade": {"grading", "run", "data", "figures"},
    "playground": {"run", "data", "figures", "report"},
    "report": {"run", "data", "figures"},
    "doctor": {"run", "data"},
    "without_answers": {"run"},
}


def imported(path):
    """The modules that a file imports, wherever in it the import stands: {"common.data.corpus", "numpy", ...}."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import: scripts cannot use them"
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def room(module):
    """("common", "data") of "common.data.corpus", ("hw2_cifar10_cnn", None) of a homework's module, else None."""
    first, *rest = module.split(".")
    if first == "common":
        return first, rest[0] if rest else None
    return (first, None) if first.startswith("hw") and (ROOT / first).is_dir() else None


SOURCES = sorted(path.relative_to(ROOT) for top in ("common", *ROOT.glob("hw*")) for path in (ROOT / top).rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_imports_run_one_way(path):
    own, inside = room(".".join(path.with_suffix("").parts))
    for module in imported(ROOT / path):
        if not (target := room(module)) or target == ("common", None):
            continue
        if target[0] != "common":
            assert own == target[0], f"{path} imports {module}: of homeworks a file may only import its own"
        elif own == "common" and inside not in (None, "__init__", target[1]):
            allowed = FOUNDATIONS | (set() if inside in FOUNDATIONS else ROOMS[inside])
            assert target[1] in allowed, f"{path} imports {module}, against the direction of the rooms"


def test_every_room_is_known():
    names = {
        path.stem for path in (ROOT / "common").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert names - {"__init__"} == {*ROOMS, *FOUNDATIONS}


def test_the_check_sees_an_import_inside_of_a_function(tmp_path):
    path = Path(tmp_path / "module.py")
    path.write_text("def f():\n    from hw2_cifar10_cnn import filters\n")
    assert "hw2_cifar10_cnn.filters" in imported(path)
