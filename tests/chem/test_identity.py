import pytest
from rdkit import Chem
from rdkit.Chem.MolStandardize import rdMolStandardize

from pyg_moleblend.chem import Identity, MoleculeError, identify, parse_smiles, skeleton


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
    "smiles", ["CCO", "c1ccccc1CN", "CS(=O)(=O)N", "OB(O)c1ccccc1", "C[Si](C)(C)C", "[2H]C", "CP(C)=O"]
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
