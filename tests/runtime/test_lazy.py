r"""Packages give what they export, whichever of their modules was imported first."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import pyg_moleblend

PACKAGE = Path(pyg_moleblend.__file__).parent
LAZY = [
    ".".join(("pyg_moleblend", *path.parent.relative_to(PACKAGE).parts))
    for path in sorted(PACKAGE.rglob("__init__.py"))
    if "export_lazily(__name__)" in path.read_text()
]


@pytest.mark.parametrize("name", LAZY)
def test_every_exported_name_is_there(name: str):
    package = importlib.import_module(name)
    for word in package.__all__:
        assert not isinstance(getattr(package, word), ModuleType)
        assert word in dir(package)
    with pytest.raises(AttributeError, match=f"module '{name}' has no attribute 'absent'"):
        _ = package.absent


@pytest.mark.parametrize(
    ("module", "package", "name"),
    [
        ("inference.predict", "inference", "predict"),
        ("inference.evaluate", "inference", "evaluate"),
        ("training.finetune", "training", "finetune"),
        ("splits.leakage", "splits", "leakage"),
        ("chem.featurize", "chem", "featurize"),
    ],
)
def test_a_function_is_not_hidden_by_the_module_that_has_its_name(module: str, package: str, name: str):
    importlib.import_module(f"pyg_moleblend.{module}")
    found = getattr(importlib.import_module(f"pyg_moleblend.{package}"), name)
    assert callable(found)
    assert found.__name__ == name


def test_settings_are_had_without_torch():
    check = (
        "import sys; from pyg_moleblend.models import MoleBlendConfig; from pyg_moleblend.training import Schedule\n"
        "MoleBlendConfig(), Schedule(); print('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True).stdout == "False\n"
