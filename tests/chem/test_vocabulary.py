import numpy as np
import pytest
from ogb.utils.features import allowable_features, get_atom_feature_dims, get_bond_feature_dims
from rdkit import Chem

from pyg_moleblend.chem.vocabulary import (
    ATOM_CLASSES,
    ATOM_VOCABULARY,
    BOND_CLASSES,
    BOND_VOCABULARY,
    Classifier,
    Column,
    classes_of,
)
from pyg_moleblend.fields import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES

OGB_KEYS = {
    "atomic_num": "possible_atomic_num_list",
    "chirality": "possible_chirality_list",
    "degree": "possible_degree_list",
    "formal_charge": "possible_formal_charge_list",
    "num_h": "possible_numH_list",
    "num_radical_e": "possible_number_radical_e_list",
    "hybridization": "possible_hybridization_list",
    "is_aromatic": "possible_is_aromatic_list",
    "is_in_ring": "possible_is_in_ring_list",
    "bond_type": "possible_bond_type_list",
    "bond_stereo": "possible_bond_stereo_list",
    "is_conjugated": "possible_is_conjugated_list",
}


@pytest.mark.parametrize("name", OGB_KEYS)
def test_vocabulary_is_ogbs(name: str) -> None:
    ours = {**ATOM_VOCABULARY, **BOND_VOCABULARY}[name]
    assert list(ours) == allowable_features[OGB_KEYS[name]]


def test_sizes_are_those_of_the_registry() -> None:
    assert [len(v) for v in ATOM_VOCABULARY.values()] == list(ATOM_FEATURE_SIZES) == get_atom_feature_dims()
    assert [len(v) for v in BOND_VOCABULARY.values()] == list(BOND_FEATURE_SIZES) == get_bond_feature_dims()


def _atoms(column: int, values: list[int]) -> list[int]:
    raw = np.zeros((9, len(values)), dtype=np.int64)
    raw[column] = values
    return ATOM_CLASSES(raw)[:, column].tolist()


@pytest.mark.parametrize(
    ("column", "values", "classes"),
    [
        (0, [0, 1, 6, 118, 119, 500], [118, 0, 5, 117, 118, 118]),
        (2, [0, 10, 11, 40], [0, 10, 11, 11]),
        (3, [-9, -6, -5, 0, 5, 6, 9], [11, 11, 0, 5, 10, 11, 11]),
        (4, [0, 8, 9, 12], [0, 8, 9, 9]),
        (5, [0, 4, 5, 8], [0, 4, 5, 5]),
        (7, [0, 1], [0, 1]),
        (8, [0, 1], [0, 1]),
    ],
)
def test_every_number_has_a_class(column: int, values: list[int], classes: list[int]) -> None:
    assert _atoms(column, values) == classes


def test_every_rdkit_name_has_the_class_ogb_gives_it() -> None:
    def ogb_index(key: str, name: str) -> int:
        allowed = allowable_features[key]
        return allowed.index(name) if name in allowed else len(allowed) - 1

    for column, enum, key in (
        (1, Chem.ChiralType, "possible_chirality_list"),
        (6, Chem.HybridizationType, "possible_hybridization_list"),
    ):
        expected = [ogb_index(key, str(enum.values[i])) for i in sorted(enum.values)]
        assert _atoms(column, sorted(enum.values)) == expected
    kinds = sorted(Chem.BondType.values)
    raw = np.zeros((3, len(kinds)), dtype=np.int64)
    raw[0] = kinds
    expected = [ogb_index("possible_bond_type_list", str(Chem.BondType.values[i])) for i in kinds]
    assert BOND_CLASSES(raw)[:, 0].tolist() == expected


def test_stereo_that_ogb_refuses_is_none() -> None:
    stereo = sorted(Chem.BondStereo.values)
    raw = np.zeros((3, len(stereo)), dtype=np.int64)
    raw[1] = stereo
    allowed = allowable_features["possible_bond_stereo_list"]
    names = [str(Chem.BondStereo.values[i]) for i in stereo]
    assert BOND_CLASSES(raw)[:, 1].tolist() == [allowed.index(n) if n in allowed else 0 for n in names]
    assert {"STEREOATROPCW", "STEREOATROPCCW"} <= set(names)


def test_unknown_values_are_misc() -> None:
    assert classes_of([5, "no such thing", 1], (1, 5, "misc")).tolist() == [1, 2, 0]


def test_classifier_keeps_tables_apart() -> None:
    classifier = Classifier([Column(-1, np.array([7, 8, 9])), Column(2, np.array([4, 5]))])
    raw = np.array([[-3, 0, 9], [1, 2, 3]])
    assert classifier(raw).tolist() == [[7, 4], [8, 4], [9, 5]]
