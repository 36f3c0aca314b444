r"""What a public docstring says of each argument: a default, where there is one."""

import importlib
import inspect
import re
from collections.abc import Iterator

import pytest

PACKAGES = [
    "checkpoints",
    "chem",
    "datasets",
    "estimators",
    "inference",
    "loader",
    "metrics",
    "models",
    "nn",
    "splits",
    "training",
    "transforms",
    "utils",
    "viz",
]
SETTINGS = {"MoleBlendConfig", "Schedule", "Machine"}
r"""The command line takes their docstrings for its help, and tells the defaults itself."""


def exported() -> Iterator[tuple[str, object]]:
    for name in PACKAGES:
        package = importlib.import_module(f"pyg_moleblend.{name}")
        for word in package.__all__:
            if word not in SETTINGS and (inspect.isclass(getattr(package, word)) or callable(getattr(package, word))):
                yield f"{name}.{word}", getattr(package, word)


def entries(docstring: str) -> dict[str, str]:
    r"""What stands under ``Args:``, by argument."""
    block = re.search(r"^Args:\n((?: {4}.*\n|\n(?= {4}))*)", docstring + "\n", re.MULTILINE)
    parts = re.split(r"^ {4}(\w+): ", block[1] if block else "", flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize("thing", [pytest.param(thing, id=name) for name, thing in exported()])
def test_arguments_say_their_defaults(thing: object):
    said = entries(inspect.getdoc(thing) or "")
    try:
        parameters = inspect.signature(thing).parameters
    except (TypeError, ValueError):
        pytest.skip("has no signature")
    silent = [
        name
        for name, parameter in parameters.items()
        if name in said and parameter.default is not parameter.empty and "default" not in said[name]
    ]
    assert not silent


def test_entries_are_found():
    assert entries("Does.\n\nArgs:\n    a: One.\n    b: Two,\n        lines.\n\nRaises:\n    ValueError: c.") == {
        "a": "One.\n",
        "b": "Two,\n        lines.\n",
    }
