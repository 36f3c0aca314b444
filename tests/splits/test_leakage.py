import pytest
import torch

from pyg_moleblend.chem import MoleculeError, identify_all
from pyg_moleblend.splits import Split, column_split, leakage, random_split, scaffold_split

SMILES = [
    "CC(=O)O",  # 0 train
    "C[C@H](N)C(=O)O",  # 1 train
    "Cc1ccccc1",  # 2 train
    "CC(=O)[O-].[Na+]",  # 3 valid: the salt of 0
    "CCc1ccccc1",  # 4 valid: the scaffold of 2
    "C[C@@H](N)C(=O)O",  # 5 test: the mirror image of 1
    "CCC",  # 6 test: no ring, as 0, which is no relation
    "OC(C)=O",  # 7 test: 0 again, and the parent of 3
    "bad",  # 8 test
]
SPLIT = column_split(["train"] * 3 + ["valid"] * 2 + ["test"] * 4)


def test_relatives_are_found_level_by_level() -> None:
    found = leakage(SPLIT, identify_all(SMILES))
    assert found.rows("parent", "valid", "train") == [3]
    assert found.rows("parent", "test", "train") == [7]
    assert found.rows("parent", "test", "valid") == [7]
    assert found.rows("skeleton") == [5, 7]
    assert found.rows("scaffold", "valid", "train") == [4]
    assert found.rows("scaffold") == []
    assert found.unidentified == [8]
    assert "1 of 4 test rows have in train the same parent molecule" in str(found)
    assert found.to_dict()["leaks"][0] == {
        "level": "parent", "part": "valid", "source": "train", "rows": [3], "total": 2, "count": 1,
    }  # fmt: skip


def test_rows_are_those_of_the_source() -> None:
    found = leakage(SPLIT, identify_all(SMILES), torch.arange(9) * 10)
    assert found.rows("parent") == [70]
    assert found.unidentified == [80]


def test_agrees_with_a_plain_loop_over_all_pairs() -> None:
    smiles = [f"{'C' * chain}{ring}" for chain in range(4) for ring in ("C1CC1", "c1ccccc1", "O", "N.Cl", "N", "N.Br")]
    identities = identify_all(smiles)
    split = random_split(smiles, (0.5, 0.25, 0.25), seed=1)
    found = leakage(split, identities)
    for level in ("parent", "scaffold"):
        names = [getattr(identity, level) for identity in identities if not isinstance(identity, MoleculeError)]
        test, train = split.test.tolist(), split.train.tolist()
        expected = sorted(i for i in test if names[i] and any(names[i] == names[j] for j in train))
        assert found.rows(level) == expected
    assert found.rows("parent")


def test_scaffold_splits_have_no_scaffold_in_common() -> None:
    smiles = [f"{'C' * chain}{ring}" for chain in range(4) for ring in ("C1CC1", "c1ccccc1", "C1CCC1", "O")]
    found = leakage(scaffold_split(smiles, (0.5, 0.25, 0.25)), identify_all(smiles))
    assert not any(leak.rows for leak in found.leaks if leak.level == "scaffold")


def test_refuses_a_split_of_other_molecules() -> None:
    far = Split("far", torch.tensor([0]), torch.tensor([1]), torch.tensor([9]))
    with pytest.raises(ValueError, match="at least 10 molecules, got 9"):
        leakage(far, identify_all(SMILES))


def test_only_what_is_in_common_is_told() -> None:
    split = column_split(["train", "valid", "test"])
    assert (
        str(leakage(split, identify_all(["CCO", "N", "O"])))
        == "no two parts have a molecule or a ring scaffold in common"
    )
    assert len(str(leakage(split, identify_all(["CCO", "N", "OCC"]))).splitlines()) == 2  # the parent, and its skeleton
