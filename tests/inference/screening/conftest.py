from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from pyg_moleblend.inference.loaded_model import LoadedModel
from pyg_moleblend.inference.predict import load_predictor

SMILES = ["CCO", "CC", "c1ccccc1", "bad", "CCN", "CCCC", "CO", "C#N", "CC=O", "OCCO", "", "CCOC", "C1CC1"]


@pytest.fixture
def load(folder: Path) -> Callable[[], LoadedModel]:
    r"""Loads a model of two targets."""
    return partial(load_predictor, folder)


@pytest.fixture
def table(tmp_path: Path) -> Path:
    r"""Thirteen rows, two of which are no molecule."""
    path = tmp_path / "library.csv"
    path.write_text("name,smiles\n" + "".join(f"m{row},{text}\n" for row, text in enumerate(SMILES)))
    return path
