from pathlib import Path

import pytest
from rdkit import Chem

from pyg_moleblend.chem import Hydrogens, MoleculeError, from_mol, from_smiles, parse_molblock, parse_smiles, read_sdf
from pyg_moleblend.chem.parse import given_smiles, parse_each


@pytest.mark.parametrize(
    "text",
    ["CCO", " CCO", "CCO\r", "CCO\r\n", "\ufeffCCO", "\u00a0CCO\u200b", "CCO ethanol", "CCO\tethyl alcohol"],
)
def test_margin_and_name_are_understood(text: str) -> None:
    mol = parse_smiles(text)
    assert Chem.MolToSmiles(mol) == "CCO"
    assert given_smiles(text, mol) == "CCO"


def test_name_stays_with_the_molecule() -> None:
    assert parse_smiles("CCO ethyl alcohol").GetProp("_Name") == "ethyl alcohol"
    assert parse_smiles("CCO Äthanol").GetProp("_Name") == "Äthanol"


def test_extension_is_part_of_the_smiles() -> None:
    text = "CC[O] |^1:2| radical"
    mol = parse_smiles(text)
    assert mol.GetProp("_Name") == "radical"
    assert given_smiles(text, mol) == "CC[O] |^1:2|"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        (" \t\r\n", "is empty"),
        ("\ufeff", "is empty"),
        (None, "missing"),
        (float("nan"), "missing"),
        (3, "expected a string, got int"),
        (b"CCO", "expected a string, got bytes"),
        ("CC>>CO", "reaction"),
        ("CC>O>CO", "reaction"),
        ("CCÅ", "not ASCII"),
        ("C\ud800", "not ASCII"),
        ("HCl", "syntax error around position 1"),
        ("C1CC", "unclosed ring"),
        ("C(C", "extra open parentheses"),
        ("n1ccnc1", "Can't kekulize mol"),
        ("C(C)(C)(C)(C)C", "Explicit valence for atom # 0 C, 5, is greater than permitted"),
        ("|$R$|", "syntax error|no atoms"),
    ],
)
def test_reason_is_clear(value: object, reason: str) -> None:
    with pytest.raises(MoleculeError, match=reason):
        parse_smiles(value)


def test_dative_bonds_are_not_a_reaction() -> None:
    assert parse_smiles("O->[Mg+2]<-O").GetNumAtoms() == 3
    with pytest.raises(MoleculeError, match="valence"):
        parse_smiles("FB(F)(F)<-O(C)C")


def test_molblock_keeps_coordinates_and_atom_order() -> None:
    written = Chem.MolToMolBlock(Chem.MolFromSmiles("OCC |(0,0,0;1.4,0,0.2;2.1,1.2,0)|"))
    mol = parse_molblock(written)
    assert [atom.GetSymbol() for atom in mol.GetAtoms()] == ["O", "C", "C"]
    assert mol.GetConformer().GetPositions().tolist() == [[0, 0, 0], [1.4, 0, 0.2], [2.1, 1.2, 0]]
    assert parse_molblock(written.replace("\n", "\r\n")).GetNumAtoms() == 3


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (lambda block: "", "is empty"),
        (lambda block: None, "missing"),
        (lambda block: "hello", "expected one molblock, got 0"),
        (lambda block: block + "$$$$\n" + block, "expected one molblock, got 2"),
        (lambda block: block[:150], "EOF hit while reading"),
        (lambda block: block.replace("0.0000", "   nan", 1), "Cannot process coordinates on line 5"),
        (lambda block: "\n\n\n  0  0\nM  END\n", "no atoms"),
    ],
)
def test_bad_molblock(edit, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(MoleculeError, match=reason):
        parse_molblock(edit(Chem.MolToMolBlock(Chem.MolFromSmiles("CCO"))))


def test_every_awkward_input_gives_a_graph_or_a_reason(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data.parent / "reference" / "nasty.tsv"
    if not path.is_file():
        pytest.skip(f"needs the list of awkward inputs ({path})")
    lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    rows = [line.split("\t") for line in lines[1:]]
    assert len(rows) == 106
    for text, kind, _, _, _, parsed, *_ in rows:
        text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\\r", "\r").replace("\0", "\\")
        if kind == "sdf":
            sdf = tmp_path / "it.sdf"
            sdf.write_text(text)
            if parsed == "records None":
                with pytest.raises(MoleculeError, match="holds no record"):
                    list(read_sdf(sdf))
            else:
                got = ["None" if isinstance(mol, MoleculeError) else "ok" for _, mol in read_sdf(sdf)]
                assert got == parsed.removeprefix("records ").split(",")
        elif parsed == "ok" and text.strip():
            data = from_mol(parse_molblock(text)) if kind == "molblock" else from_smiles(text)
            assert data.num_nodes > 0
            assert data.pos.shape == (data.num_nodes, 3)
        else:
            with pytest.raises(MoleculeError) as caught:
                parse_molblock(text) if kind == "molblock" else from_smiles(text)
            # RDKit's own words, where it has any.
            assert "gives no reason" not in caught.value.reason


def outcome(text: str, policy: Hydrogens) -> object:
    try:
        return described(parse_smiles(text, policy))
    except MoleculeError as error:
        return error.args


def described(mol: Chem.Mol) -> object:
    return Chem.MolToCXSmiles(mol), mol.GetPropsAsDict(True)


@pytest.mark.parametrize("policy", list(Hydrogens))
def test_many_are_read_as_one_by_one(varied_smiles: list[str], policy: Hydrogens) -> None:
    odd = ["BAD(", "", None, "CC>>CO", "CCÅ", " CCO ethanol\r", "CCO Äthanol", "C1CC", "[2H]C"]
    texts = [*varied_smiles, *odd]
    found = [mol.args if isinstance(mol, MoleculeError) else described(mol) for mol in parse_each(texts, policy)]
    assert found == [outcome(text, policy) for text in texts]
