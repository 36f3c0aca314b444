r"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

from pyg_moleblend.chem import from_mol, generate_conformer, parse_smiles
from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.training import Machine

SMILES = [
    "CCO", "c1ccccc1", "CC(=O)O", "CCN", "C1CCCCC1", "CC#N", "COC", "CCCCO",
    "c1ccncc1", "CC(C)=O", "NCC(=O)O", "C=CC=C", "CCOCC", "OCCO",
]  # fmt: skip

torch.set_num_threads(1)  # the molecules of tests are few: more threads wait for each other


@pytest.fixture(scope="session")
def shared_data() -> Path:
    r"""Folder of real datasets that are not part of the project; tests that want it skip without it."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("MOLEBLEND_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real datasets: set MOLEBLEND_DATA (no folder {folder})")
    return folder


@pytest.fixture(scope="session")
def molecules():
    r"""Small molecules with coordinates and two targets, one of them with gaps."""
    data_list = []
    for number, smiles in enumerate(SMILES):
        data = from_mol(generate_conformer(parse_smiles(smiles)))
        size = float(data.num_nodes)
        data.y = torch.tensor([[size, torch.nan if number % 3 == 0 else 2.0 * size]])
        data_list.append(data)
    return data_list


@pytest.fixture(scope="session")
def config():
    return MoleBlendConfig(channels=16, num_layers=2, heads=2, ffn_channels=16, num_gaussians=8)


@pytest.fixture(scope="session")
def machine():
    return Machine(accelerator="cpu", progress=False)
