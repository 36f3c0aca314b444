import pytest

from pyg_moleblend.chem import MoleculeError, identify, identify_all, parse_smiles
from pyg_moleblend.chem.identities import CHUNK_SIZE, _identify_chunk


def test_one_entry_a_molecule_in_their_order() -> None:
    smiles = ["CCO", "bad", "C1CC1", ""]
    found = identify_all(smiles)
    assert [isinstance(entry, MoleculeError) for entry in found] == [False, True, False, True]
    assert [found[0], found[2]] == [identify(parse_smiles("CCO")), identify(parse_smiles("C1CC1"))]
    assert isinstance(found[1], MoleculeError)
    assert found[1].input == "bad"


def test_workers_change_nothing_but_to_leave_out_what_takes_too_long() -> None:
    r"""A ring with a chain of 4,000 atoms, whose scaffold takes RDKit minutes."""
    smiles = [f"{'C' * (1 + i % 40)}O" for i in range(CHUNK_SIZE + 40)]
    found = identify_all([*smiles, "C1CC1" + "C" * 4000], num_workers=1, deadline=2.0)
    assert found[:-1] == identify_all(smiles)
    assert isinstance(found[-1], MoleculeError)
    assert "took longer than 2 s" in str(found[-1])


def test_killed_molecules_are_left_alone() -> None:
    begun: list[int] = []
    found = _identify_chunk(["C", "CC", "CCC"], [0, 1, 0], begun.append, 3.0)
    assert begun == [0, 1, 2]
    assert [isinstance(entry, MoleculeError) for entry in found] == [False, True, False]


def test_refuses() -> None:
    with pytest.raises(ValueError, match="num_workers"):
        identify_all(["C"], num_workers=-1)
