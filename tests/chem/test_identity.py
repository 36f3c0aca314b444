import time
from typing import Any

import pytest
from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize
from rdkit.Chem.Scaffolds.MurckoScaffold import MurckoScaffoldSmiles

from pyg_moleblend.chem import Identity, MoleculeError, identify, identify_all, murcko_scaffold, parse_smiles, skeleton
from pyg_moleblend.chem.identity import FEW, IDENTITY_CHUNK_SIZE, SHORT, _identify_chunk


def of(smiles: str) -> Identity:
    return identify(parse_smiles(smiles))


@pytest.mark.parametrize(
    "salts",
    [
        ("CC(=O)O", "CC(=O)[O-].[Na+]", "CC(=O)O[Na]", "CC(=O)O.CC(=O)O", "[K+].CC([O-])=O"),
        ("CCN", "CC[NH3+].[Cl-]", "CCN.Cl"),
        ("C[N+](C)(C)CCO", "C[N+](C)(C)CCO.[Br-]"),  # a charge that no hydrogen can take
    ],
)
def test_salts_have_one_parent(salts: tuple[str, ...]) -> None:
    assert len({of(smiles).parent for smiles in salts}) == 1
    assert len({of(smiles).key for smiles in salts}) > 1


def test_keys_are_those_of_inchi() -> None:
    assert of("OCC").key == of("C(C)O").key == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"  # ethanol's, as published
    assert of("Oc1ccccn1").key == of("O=c1cccc[nH]1").key
    assert of("CCO").has_inchi


def test_stereoisomers_differ_but_for_the_skeleton() -> None:
    left, right = of("C[C@H](N)C(=O)O"), of("C[C@@H](N)C(=O)O.Cl")
    assert left.parent != right.parent
    assert left.skeleton == right.skeleton
    assert left.skeleton != of("CC(N)CC(=O)O").skeleton


def test_what_inchi_has_no_key_for_goes_by_its_smiles() -> None:
    dummy = of("*CC")
    assert not dummy.has_inchi
    assert dummy.key == dummy.skeleton == Chem.CanonSmiles("*CC")


def test_an_ion_has_its_acid_for_a_parent() -> None:
    assert of("[O-][N+](=O)[O-].[Na+]").parent == of("[O-][N+](=O)[O-]").parent == of("O[N+](=O)[O-]").key


@pytest.mark.parametrize(
    "smiles", ["CCO", "C[N+](=O)[O-]", "CC(=O)[O-].[Na+]", "C[C@H](N)C(=O)O", "*CC", "[NH3+]CC(=O)[O-]"]
)
def test_the_skeleton_alone_is_that_of_the_names(smiles: str) -> None:
    assert skeleton(parse_smiles(smiles)) == of(smiles).skeleton
    with pytest.raises(MoleculeError, match="no atoms"):
        skeleton(Chem.Mol())


def test_scaffold_and_fragments() -> None:
    assert of("CCO").scaffold == ""
    assert of("CCc1ccccc1.Cl").scaffold == "c1ccccc1"
    assert of("CCc1ccccc1.Cl").num_fragments == 2


@pytest.mark.parametrize(
    "smiles",
    [
        "CCO",
        "c1ccccc1CN",
        "CS(=O)c1ccccc1[N+](=O)[O-]",
        "CS(=O)(=O)N",
        "OB(O)c1ccccc1",
        "C[Si](C)(C)C",
        "[2H]C",
        "CP(C)=O",
    ],
)
def test_neutral_covalent_molecules_are_their_own_parents(smiles: str) -> None:
    r"""The way around RDKit's standardiser gives what it gives."""
    expected = rdMolStandardize.ChargeParent(parse_smiles(smiles))
    assert of(smiles).parent == of(smiles).key == Chem.MolToInchiKey(expected)


def test_what_rdkit_cannot_standardise_is_an_error() -> None:
    with pytest.raises(MoleculeError, match="fails to identify it: Explicit valence"):
        of("F[P-](F)(F)(F)(F)F")
    with pytest.raises(MoleculeError, match="no atoms"):
        identify(Chem.Mol())


def test_one_entry_a_molecule_in_their_order() -> None:
    smiles = ["CCO", "bad", "C1CC1", ""]
    found = identify_all(smiles)
    assert [isinstance(entry, MoleculeError) for entry in found] == [False, True, False, True]
    assert [found[0], found[2]] == [identify(parse_smiles("CCO")), identify(parse_smiles("C1CC1"))]
    assert isinstance(found[1], MoleculeError)
    assert found[1].input == "bad"


def test_workers_change_nothing_but_to_leave_out_what_takes_too_long() -> None:
    r"""A ring with a chain of 4,000 atoms, whose scaffold takes RDKit minutes."""
    smiles = [f"{'C' * (1 + i % 40)}O" for i in range(IDENTITY_CHUNK_SIZE + 40)]
    found = identify_all([*smiles, "C1CC1" + "C" * 4000], num_workers=1, deadline=2.0)
    assert found[:-1] == identify_all(smiles)
    assert isinstance(found[-1], MoleculeError)
    assert "took longer than 2 s" in str(found[-1])


def test_few_short_molecules_start_no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def mapped(function: Any, chunks: Any, num_workers: int, deadline: float) -> Any:
        asked.append(num_workers)
        return iter(())

    monkeypatch.setattr("pyg_moleblend.chem.identity.map_chunks", mapped)
    for smiles in (["CCO"] * FEW, ["CCO"] * (FEW + 1), ["CCO", "C" * (SHORT + 1)]):
        identify_all(smiles, num_workers=2)
    assert asked == [0, 2, 2]


def test_killed_molecules_are_left_alone() -> None:
    begun: list[int] = []
    found = _identify_chunk(["C", "CC", "CCC"], [0, 1, 0], begun.append, 3.0)
    assert begun == [0, 1, 2]
    assert [isinstance(entry, MoleculeError) for entry in found] == [False, True, False]


def test_refuses() -> None:
    with pytest.raises(ValueError, match="num_workers"):
        identify_all(["C"], num_workers=-1)


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
