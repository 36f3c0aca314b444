from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem
from torch_geometric.loader import DataLoader

from pyg_moleblend.chem import from_mol, from_smiles
from pyg_moleblend.datasets import MoleculeTable

BAD = ["", "C1CC", "C(C)(C)(C)(C)C", "not a molecule", None, "[Xx]", "CC>>CO"]
# A number of carbons for each SMILES: a label that its molecule can be asked about.
GOOD = {"C" * n: n for n in range(1, 6)} | {"c1ccccc1": 6, "[Na+].[Cl-]": 0, "OC=O": 1, " CC ": 2}


def frame_of(smiles: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"smiles": smiles, "carbons": [GOOD.get(text or "") for text in smiles]}, dtype=object)


def carbons(x: torch.Tensor) -> int:
    return int((x[:, 0] == 5).sum())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([*GOOD, *BAD]), max_size=25), st.sampled_from(["skip", "keep"]))
def test_bad_rows_never_shift_a_label(smiles: list[str | None], on_error: Any) -> None:
    table = MoleculeTable(frame_of(smiles), targets=["carbons"], on_error=on_error, progress=False)
    bad = [row for row, text in enumerate(smiles) if text in BAD]
    assert [failure.row for failure in table.failures] == bad
    assert all(failure.reason for failure in table.failures)
    assert [status == "ok" for status in table.status] == [text not in BAD for text in smiles]
    assert len(table) == len(smiles) - len(bad)

    predictions = torch.empty(0, 2)
    if len(table):
        (batch,) = DataLoader(table, batch_size=len(smiles))
        for data in table:
            assert carbons(data.x) == int(data.y) == GOOD[smiles[int(data.row)] or ""]
        counts = torch.tensor([float(carbons(data.x)) for data in batch.to_data_list()])
        predictions = torch.stack([counts, batch.row.float()], dim=-1)
    output = table.align(predictions)
    assert table.output_rows.tolist() == [r for r in range(len(smiles)) if on_error == "keep" or r not in bad]
    for row, (count, own_row) in zip(table.output_rows.tolist(), output, strict=True):
        if row in bad:
            assert count.isnan()
        else:
            assert (int(count), int(own_row)) == (GOOD[smiles[row] or ""], row)


def test_raise_names_the_rows() -> None:
    with pytest.raises(ValueError, match=r"2 of 4 rows are no molecule: row 1, 'C1CC': unclosed ring.*on_error='skip'"):
        MoleculeTable(frame_of(["C", "C1CC", "CC", None]), progress=False)
    with pytest.raises(ValueError, match=r"9 of 9 rows .*; and 4 more\."):
        MoleculeTable(frame_of(["?"] * 9), progress=False)
    assert len(MoleculeTable(frame_of(["C", "CC"]), progress=False)) == 2


def test_targets_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text("name,mol,a,b\n007,CCO,1,\n008,C1CC,2,3\n009,N,,4\n")
    table = MoleculeTable(path, smiles="mol", targets=["b", "a"], ids="name", on_error="skip", progress=False)
    assert table.ids == ["007", "008", "009"]
    assert table.target_names == ["b", "a"]
    assert table.y.nan_to_num(-1).tolist() == [[-1.0, 1.0], [4.0, -1.0]]
    assert [table.ids[row] for row in table.row.tolist()] == ["007", "009"]
    assert str(table) == "MoleculeTable(2 molecules of 3 rows)"
    without = MoleculeTable(path, smiles="mol", on_error="skip", progress=False)
    assert "y" not in without[0]
    assert without.ids == ["0", "1", "2"]


def test_molecules_keep_their_coordinates(tmp_path: Path) -> None:
    block = """name
  test          3D

  3  2  0  0  0  0            999 V2000
    0.0000    0.0000    0.0000 O   0  0
    1.4000    0.1000    0.0000 C   0  0
    2.0000    1.5000    0.3000 N   0  0
  1  2  1  0
  2  3  1  0
M  END
"""
    (tmp_path / "t.sdf").write_text(f"{block}>  <y>\n2.5\n\n$$$$\n")
    mol = Chem.MolFromMolBlock(block)
    tables = [
        MoleculeTable(tmp_path / "t.sdf", targets=["y"], progress=False),
        MoleculeTable(pd.DataFrame({"m": [mol], "y": [2.5]}), smiles="m", targets=["y"], progress=False),
    ]
    for table in tables:
        assert torch.equal(table[0].pos, from_mol(mol).pos)
        assert table[0].y.tolist() == [[2.5]]
        assert table[0].smiles == "OCN"


def test_align_takes_what_belongs_to_this_selection() -> None:
    table = MoleculeTable(frame_of(["C", "?", "CC", "CCC"]), on_error="keep", progress=False)
    assert table.align(torch.tensor([1.0, 2.0, 3.0])).nan_to_num(-1).tolist() == [1.0, -1.0, 2.0, 3.0]
    assert table[[2, 0]].align(torch.tensor([3.0, 1.0])).nan_to_num(-1).tolist() == [1.0, -1.0, -1.0, 3.0]
    for wrong in (torch.zeros(4), torch.zeros(3, dtype=torch.long)):
        with pytest.raises(ValueError, match="floating-point row for each of 3 molecules"):
            table.align(wrong)


def test_arguments_reach_the_molecules() -> None:
    table = MoleculeTable(frame_of(["C"]), hydrogens="add", transform=lambda data: data.num_nodes, progress=False)
    assert table[0] == 5
    assert torch.equal(MoleculeTable(frame_of(["CCO"]), progress=False)[0].edge_attr, from_smiles("CCO").edge_attr)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_error": "ignore"}, "'raise', 'skip' or 'keep', got 'ignore'"),
        ({"targets": "carbons"}, r"say \['carbons'\]"),
        ({"targets": ["oxygens"]}, r"no column 'oxygens'"),
        ({"ids": "name"}, r"no column 'name'; its columns are \['smiles', 'carbons'\]"),
        ({"hydrogens": "some"}, "hydrogens"),
    ],
)
def test_refuses(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MoleculeTable(frame_of(["C"]), progress=False, **arguments)


def test_bounds_keep_their_rows_and_their_targets() -> None:
    frame = pd.DataFrame({"smiles": ["C", "C1CC", "CC", "CCC"], "a": [1, 2, 3, 4], "b": ["<5", "6", ">=7", None]})
    table = MoleculeTable(frame, targets=["a", "b"], on_error="skip", progress=False, censored=True)
    assert table.label_side.tolist() == [[0, -1], [0, 1], [0, 0]]
    assert table[1].y.tolist() == [[3, 7]]
    assert table[1].label_side.tolist() == [[0, 1]]
    one = table[[1, 0]].select_targets(["b"])
    assert one.label_side.tolist() == [[1], [-1]]
    assert next(iter(DataLoader(one, batch_size=2))).label_side.tolist() == [[1], [-1]]
    assert MoleculeTable(frame, targets=["a"], on_error="skip", progress=False).label_side is None
    assert MoleculeTable(frame, on_error="skip", progress=False, censored=True).label_side is None
    with pytest.raises(ValueError, match=r"column 'b' must hold finite numbers.*--censored"):
        MoleculeTable(frame, targets=["b"], on_error="skip", progress=False)
