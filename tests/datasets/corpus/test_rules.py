import pickle

import pytest
from rdkit import Chem

from pyg_moleblend.datasets.corpus import Rules


@pytest.mark.parametrize(
    ("smiles", "reason"),
    [
        ("CCO", ""),
        ("CC(=O)[O-]", ""),
        ("C[N+](C)(C)C", ""),
        ("[NH3+]CC(=O)[O-]", ""),
        ("OB(O)c1ccccc1", ""),
        ("[2H][2H]", "size"),
        ("CCO.Cl", "fragments"),
        ("O", "size"),
        ("C" * 11, "size"),
        ("C[Se]C", "elements"),
        ("CC*", "elements"),
        ("[2H]CC", "isotopes"),
        ("[CH2]C", "radicals"),
        ("[O-]C(=O)C(=O)[O-]", "charge"),
        ("[NH3+]CC[NH3+]", "charge"),
        ("[13CH2][Se]", "elements"),
    ],
)
def test_each_rule(smiles: str, reason: str):
    rules = Rules(max_heavy_atoms=10)
    assert rules.refusal(Chem.MolFromSmiles(smiles)) == reason
    assert pickle.loads(pickle.dumps(rules)).refusal(Chem.MolFromSmiles(smiles)) == reason


def test_rules_can_be_others():
    mol = Chem.MolFromSmiles("[O-]C(=O)C(=O)[O-]")
    assert Rules(max_charge=2).refusal(mol) == ""
    assert Rules(min_heavy_atoms=7).refusal(mol) == "size"
    assert Rules(max_charge=2, elements=("C",)).refusal(mol) == "elements"
    assert Rules().to_dict()["elements"][:3] == ["H", "B", "C"]


def test_rules_that_nothing_satisfies_are_refused():
    with pytest.raises(ValueError, match="got 5 to 4"):
        Rules(5, 4)
    with pytest.raises(ValueError, match="must not be negative, got -1"):
        Rules(max_charge=-1)
