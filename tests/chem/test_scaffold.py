import time

import pytest
from rdkit import Chem
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from pyg_moleblend.chem import murcko_scaffold


@pytest.mark.parametrize(
    "smiles", ["CCO", "CC=CC.O", "[Na+].[Cl-]", "c1ccccc1CCC1CC1", "O[C@H]1CCO[C@@H]1C1CC1", "O=C1CCCC1", "CC1CC1.CCO"]
)
@pytest.mark.parametrize("chirality", [True, False])
def test_is_rdkits(smiles: str, chirality: bool) -> None:
    expected = MurckoScaffoldSmiles(mol=Chem.MolFromSmiles(smiles), includeChirality=chirality)
    assert murcko_scaffold(Chem.MolFromSmiles(smiles), chirality) == expected


def test_long_chains_are_no_work() -> None:
    begin = time.monotonic()
    assert murcko_scaffold(Chem.MolFromSmiles("C" * 2000), chirality=True) == ""
    assert time.monotonic() - begin < 5
