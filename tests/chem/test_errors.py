import pickle

import pytest
from rdkit import Chem

from pyg_moleblend.chem import MoleculeError
from pyg_moleblend.chem.errors import require_mol


def test_message_names_input_reason_and_remedy() -> None:
    error = MoleculeError("C(", "unclosed branch", "close it")
    assert str(error) == "cannot use molecule 'C(': unclosed branch; close it"
    assert (error.input, error.reason, error.remedy) == ("C(", "unclosed branch", "close it")
    assert isinstance(error, ValueError)


def test_long_input_is_shortened_in_the_message_only() -> None:
    error = MoleculeError("C" * 5000, "too long", "cut it")
    assert len(str(error)) < 200
    assert "CCC..." in str(error)
    assert len(error.input) == 5000


def test_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(MoleculeError("C(", "unclosed", "close it")))
    assert str(error) == "cannot use molecule 'C(': unclosed; close it"
    assert error.input == "C("


def test_require_mol() -> None:
    require_mol(Chem.MolFromSmiles("C"), "it")
    with pytest.raises(MoleculeError, match=r"'it': expected an rdkit\.Chem\.Mol, got int"):
        require_mol(3, "it")
    with pytest.raises(MoleculeError, match="'it': it has no atoms"):
        require_mol(Chem.Mol(), "it")
