r"""Which way imports point: a module imports only from rows above its own (or from its own row)."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import pyg_moleblend

PACKAGE = Path(pyg_moleblend.__file__).parent
ROWS = [
    {"components", "runtime"},
    {"fields"},
    {"utils"},
    {"chem"},
    {"losses"},
    {"transforms"},
    {"nn"},
    {"models"},
    {"loader"},
    {"datasets", "splits", "metrics"},
    {"checkpoints"},
    {"quick"},
    {"inference"},
    {"training"},
    {"estimators", "graphgym"},
    {"viz"},
    {"reports"},
    {"cli"},
]
ROW = {name: number for number, row in enumerate(ROWS) for name in row}
MODULES = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    r"""Full names of everything that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def part(path: Path) -> str:
    return path.parts[0].removesuffix(".py")


def floors() -> str:
    r"""The rows of the table as a drawing: each part with the parts that its modules import."""
    used: dict[str, set[str]] = {}
    for path in MODULES:
        names = {name.split(".")[1] for name in imported(path) if name.startswith("pyg_moleblend.")}
        used.setdefault(part(path), set()).update(names & ROW.keys() - {part(path)})
    lines = []
    for number, row in enumerate(ROWS, 1):
        for name in sorted(row & used.keys()):
            below = sorted(used[name], key=lambda other: (ROW[other], other))
            lines.append(f"{number:2}  {name:<12}" + (f"→ {', '.join(below)}" if below else ""))
    return "\n".join(line.rstrip() for line in lines)


def test_the_drawing_of_the_floors_is_up_to_date():
    drawn = (PACKAGE.parent / "CONTRIBUTING.md").read_text()
    assert floors() in drawn, f"the drawing in CONTRIBUTING.md is to be:\n{floors()}"


def test_every_part_has_a_row():
    parts = {part(path) for path in MODULES} - {"__init__", "__main__"}
    assert parts <= ROW.keys(), f"add {sorted(parts - ROW.keys())} to the table"


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_imports_point_upwards(path: Path):
    own = [name.split(".")[1] for name in imported(path) if name.startswith("pyg_moleblend.")]
    if part(path) in ("__init__", "__main__"):
        return
    below = sorted(name for name in own if name in ROW and ROW[name] > ROW[part(path)])
    assert not below, f"{path} imports {below} from rows below its own"


@pytest.mark.parametrize(
    "path", [path for path in MODULES if part(path) in ("nn", "models", "losses", "utils")], ids=str
)
def test_the_core_knows_neither_chemistry_nor_datasets(path: Path):
    forbidden = ("rdkit", "ogb", "pyg_moleblend.chem", "pyg_moleblend.datasets", "torch_geometric.datasets")
    assert not [name for name in imported(path) if name.startswith(forbidden)]


@pytest.mark.parametrize("path", MODULES, ids=str)
def test_torch_scatter_is_never_imported(path: Path):
    r"""PyG calls it by itself where it is installed, and nothing here depends on it."""
    assert not [name for name in imported(path) if name.split(".")[0] == "torch_scatter"]


def test_importing_the_core_loads_no_chemistry():
    code = "import sys, pyg_moleblend.nn, pyg_moleblend.models, pyg_moleblend.checkpoints\n"
    code += "print([name for name in ('rdkit', 'ogb') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
