import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem, Crippen, DataStructs, Descriptors, MACCSkeys, rdMolDescriptors

from pyg_moleblend.chem import (
    MoleculeError,
    descriptor_matrix,
    descriptor_names,
    fingerprint_counts,
    fingerprint_matrix,
    parse_smiles,
)
from pyg_moleblend.chem import descriptors as module
from pyg_moleblend.chem.descriptors import FINGERPRINTS, check_fingerprints

SMILES = ["CCO", "c1ccccc1C(=O)O", "CC(C)Cc1ccc(cc1)[C@@H](C)C(=O)O", "[Na+].[Cl-]", "C" * 40]


def test_columns_are_rdkit_s_functions():
    names = descriptor_names()
    matrix = descriptor_matrix(SMILES)
    assert matrix.dtype == np.float32
    assert matrix.shape == (5, len(names))
    assert "Ipc" not in names
    assert len(set(names)) == len(names) > 200
    for row, smiles in zip(matrix, SMILES, strict=True):
        mol = Chem.MolFromSmiles(smiles)
        expected = {
            "MolWt": Descriptors.MolWt(mol),
            "MolLogP": Crippen.MolLogP(mol),
            "TPSA": rdMolDescriptors.CalcTPSA(mol),
            "HeavyAtomCount": mol.GetNumHeavyAtoms(),
        }
        for name, value in expected.items():
            assert row[names.index(name)] == np.float32(value)


def test_some_columns_in_an_order_of_one_s_own():
    names = ["TPSA", "MolWt"]
    whole = descriptor_matrix(SMILES)
    columns = [descriptor_names().index(name) for name in names]
    np.testing.assert_array_equal(descriptor_matrix(SMILES, names), whole[:, columns])
    with pytest.raises(ValueError, match=r"RDKit .* has no descriptors \['Weight'\]"):
        descriptor_matrix(SMILES, ["MolWt", "Weight"])


def test_molecules_are_taken_too_and_left_as_they_are():
    mols = [parse_smiles(smiles) for smiles in SMILES]
    properties = [mol.GetPropsAsDict(True, True).keys() for mol in mols]
    np.testing.assert_array_equal(descriptor_matrix(mols), descriptor_matrix(SMILES))
    assert [mol.GetPropsAsDict(True, True).keys() for mol in mols] == properties


def test_what_float32_cannot_hold_is_unknown(monkeypatch: pytest.MonkeyPatch):
    def fails(mol: Chem.Mol) -> float:
        raise ZeroDivisionError

    functions = {"big": lambda mol: -1e39, "inf": lambda mol: np.inf, "fails": fails, "fits": lambda mol: 3e38}
    monkeypatch.setattr(module, "descriptor_functions", lambda: functions)
    with np.errstate(all="raise"):
        row = descriptor_matrix(["CC"])[0]
    assert np.isnan(row[:3]).all()
    assert row[3] == np.float32(3e38)


def test_partial_charges_of_a_metal_are_unknown(capfd: pytest.CaptureFixture[str]):
    row = dict(zip(descriptor_names(), descriptor_matrix(["[Pt](Cl)(Cl)(N)N"])[0], strict=True))
    assert np.isnan(row["MaxPartialCharge"])
    assert row["HeavyAtomCount"] == 5
    assert capfd.readouterr().err == ""


@pytest.mark.slow
def test_workers_give_the_same():
    smiles = SMILES * 30
    np.testing.assert_array_equal(descriptor_matrix(smiles, ["TPSA", "MolWt"], num_workers=1),
                                  descriptor_matrix(smiles, ["TPSA", "MolWt"]))  # fmt: skip


def test_a_molecule_that_takes_too_long_is_unknown():
    rows = module._chunk(SMILES, [0, 1, 0, 0, 0], lambda number: None, ("MolWt",))
    assert np.isnan(rows[:, 0]).tolist() == [False, True, False, False, False]


def test_reading_a_molecule_is_on_its_own_clock():
    started: list[int] = []
    with pytest.raises(MoleculeError):
        module._chunk(["CC", "C(C"], [0, 0], started.append, ("MolWt",))
    assert started == [0, 1]
    assert np.isnan(module._chunk(["C(C"], [1], started.append, ("MolWt",))).all()


def test_no_molecule_at_all():
    assert descriptor_matrix([]).shape == (0, len(descriptor_names()))
    assert fingerprint_matrix([], size=64).shape == (0, 8)
    assert fingerprint_counts([], size=64).shape == (0, 64)


@pytest.mark.parametrize("function", [descriptor_matrix, fingerprint_matrix, fingerprint_counts])
def test_a_smiles_that_cannot_be_read_is_named(function):
    with pytest.raises(MoleculeError, match=r"'C\(C'"):
        function(["CC", "C(C"])


def bits_of(kind: str, mol: Chem.Mol, size: int, radius: int) -> list[int]:
    r"""By RDKit's older functions."""
    if kind == "morgan":
        return list(AllChem.GetMorganFingerprintAsBitVect(mol, radius, nBits=size))
    return list(Chem.RDKFingerprint(mol, fpSize=size))


@pytest.mark.parametrize(("kind", "radius"), [("morgan", 1), ("morgan", 2), ("path", 2)])
def test_bits_are_those_of_rdkit_s_older_functions(kind: str, radius: int):
    packed = fingerprint_matrix(SMILES, kind, 1000, radius)
    assert (packed.dtype, packed.shape) == (np.uint8, (5, 125))
    for row, smiles in zip(packed, SMILES, strict=True):
        expected = bits_of(kind, Chem.MolFromSmiles(smiles), 1000, radius)
        assert np.unpackbits(row, count=1000).tolist() == expected


@pytest.mark.parametrize("kind", FINGERPRINTS)
def test_likeness_goes_with_that_of_keys(kind: str):
    r"""Whatever the kind: like is like itself, and two acids are more like each other than a salt."""
    bits = np.unpackbits(fingerprint_matrix([*SMILES, "OC(=O)c1ccccc1"], kind, 2048), axis=1).astype(bool)
    assert (bits[1] == bits[5]).all()

    def tanimoto(a: int, b: int) -> float:
        return (bits[a] & bits[b]).sum() / max((bits[a] | bits[b]).sum(), 1)

    keys = [MACCSkeys.GenMACCSKeys(Chem.MolFromSmiles(smiles)) for smiles in SMILES]
    assert DataStructs.TanimotoSimilarity(keys[1], keys[2]) > DataStructs.TanimotoSimilarity(keys[1], keys[3])
    assert tanimoto(1, 2) > tanimoto(1, 3)


def test_counts_count_features():
    mol = Chem.MolFromSmiles("C" * 40)
    counts = fingerprint_counts([mol], "morgan", 4096, radius=0)[0]
    assert counts.dtype == np.uint16
    assert sorted(counts[counts > 0].tolist()) == [2, 38]  # CH3 and CH2
    paths = fingerprint_counts(["C" * 600], "atom_pair", 64)[0]
    assert paths.sum() > 255 * 64 / 2


@pytest.mark.parametrize("kind", FINGERPRINTS)
def test_marked_is_what_is_counted(kind: str):
    counts = fingerprint_counts(SMILES[1:3], kind, 1 << 14)
    assert (counts.sum(1) > 0).all()
    if kind in ("morgan", "path"):  # the others mark some bits more for larger counts
        bits = np.unpackbits(fingerprint_matrix(SMILES[1:3], kind, 1 << 14), axis=1)
        assert ((counts > 0) == bits).all()


def test_kinds_and_sizes_are_checked():
    with pytest.raises(ValueError, match=r"`kind` must be one of .*'ecfp'"):
        fingerprint_matrix(SMILES, "ecfp")
    with pytest.raises(ValueError, match=r"`size` must be a positive number of bits, got 0"):
        fingerprint_matrix(SMILES, size=0)
    with pytest.raises(ValueError, match=r"`fingerprints` must be among .*\['maccs'\]"):
        check_fingerprints(["morgan", "maccs"])
