from collections import defaultdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import pyg_moleblend.datasets.check.alike as alike
from pyg_moleblend.chem import Identity, identify_all
from pyg_moleblend.datasets import MoleculeTable

SAME = [
    ["CC(=O)O", "CC(=O)[O-].[Na+]", "CC(=O)O[Na]"],  # a salt, drawn in two ways
    ["N[C@@H](C)C(=O)O", "N[C@H](C)C(=O)O", "C[C@@H]([NH3+])C(=O)[O-]"],  # mirror images, a zwitterion
    ["Cc1ccc[nH]c1=O", "Cc1cccnc1O"],  # tautomers
    ["CS(C)=O", "C[S+](C)[O-]"],
    ["CCN.Cl", "CC[NH3+].[Br-]"],
    ["[2H]C(Cl)(Cl)Cl", "C(Cl)(Cl)Cl"],
    ["[Na+]", "[K+]", "[H][H]"],
]
ALONE = ["CCCCO", "c1ccncc1", "CC(C)(C)C", "CC#CC#N"]


def table(smiles: list[str]) -> MoleculeTable:
    return MoleculeTable(pd.DataFrame({"smiles": smiles}), on_error="skip", progress=False)


@pytest.mark.parametrize("size", [2, 4096])
def test_relatives_are_candidates_and_others_are_not(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "CHUNK_SIZE", size)
    related = [text for group in SAME for text in group]
    found = alike.find_alike(table(ALONE + related))
    assert found.candidate.tolist() == [False] * len(ALONE) + [True] * len(related)


def test_fragments_are_counted() -> None:
    assert alike.find_alike(table(["CCN.Cl.O", "CC", "[Na+].[Cl-]", "C[Hg]C"])).num_fragments.tolist() == [3, 1, 2, 1]


@pytest.mark.parametrize("file", ["BBBP", "clintox", "sider"])
def test_no_two_molecules_of_one_name_are_missed(file: str, shared_data: Path) -> None:
    molecules = table(pd.read_csv(shared_data / "moleculenet" / f"{file}.csv.gz")["smiles"].tolist()[:1000])
    found = alike.find_alike(molecules)
    identities = identify_all(molecules.smiles)
    members: dict[str, list[int]] = defaultdict(list)
    for position, identity in enumerate(identities):
        if isinstance(identity, Identity):
            assert found.num_fragments[position] == identity.num_fragments
            for name in {identity.key, identity.parent, identity.skeleton}:
                members[name].append(position)
    shared = sorted({position for positions in members.values() if len(positions) > 1 for position in positions})
    assert found.candidate[shared].all()
    assert found.candidate.mean() < 0.5 + np.isin(np.arange(len(molecules)), shared).mean()
