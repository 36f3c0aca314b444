import json
from pathlib import Path

import pandas as pd
import pytest

from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.check import check_molecules
from pyg_moleblend.metrics.results import plain
from pyg_moleblend.splits import column_split


@pytest.fixture
def table() -> MoleculeTable:
    frame = pd.DataFrame(
        {
            "smiles": ["bad", "CCO", "OCC", "CC(=O)[O-].[Na+]", None, "CC(=O)O", "F[P-](F)(F)(F)(F)F"],
            "value": ["1", "2", "3", "", "4", "much", "7"],
        }
    )
    return MoleculeTable(frame, on_error="skip", progress=False)


def test_everything_is_told_by_its_row(table: MoleculeTable) -> None:
    split = column_split(["train", "test", "train", "test", "valid"])
    found = check_molecules(table, ["value"], split)
    assert (found.rows, [failure.row for failure in found.failures]) == (7, [0, 4])
    assert found.several_fragments == [3]
    assert [failure.row for failure in found.unidentified] == [6]
    assert [group.rows for group in found.same_molecule.groups] == [[1, 2]]
    assert found.same_molecule.groups[0].conflicts == {"value": [2, 3]}
    assert [group.rows for group in found.same_parent.groups] == [[1, 2], [3, 5]]
    assert found.sizes.largest[0] == (6, 7)
    assert (found.labels[0].labelled, found.labels[0].unreadable) == (3, [5])
    assert found.leakage is not None
    assert found.leakage.rows("parent") == [2, 5]
    assert json.loads(json.dumps(plain(found.to_dict()), allow_nan=False))["same_molecule"][0]["rows"] == [1, 2]


def test_without_targets_and_split(table: MoleculeTable) -> None:
    found = check_molecules(table)
    assert (found.labels, found.leakage) == ([], None)
    with pytest.raises(ValueError, match="no column 'energy'"):
        check_molecules(table, ["energy"])


def test_published_datasets_have_targets_of_their_own(shared_data: Path, tmp_path: Path) -> None:
    import gzip

    from pyg_moleblend.datasets import MoleculeNet

    raw = tmp_path / "freesolv" / "raw"
    raw.mkdir(parents=True)
    (raw / "SAMPL.csv").write_bytes(gzip.decompress((shared_data / "moleculenet" / "SAMPL.csv.gz").read_bytes()))
    found = check_molecules(MoleculeNet(tmp_path, "freesolv", progress=False))
    assert (found.rows, len(found.labels), found.labels[0].labelled) == (642, 1, 642)
    assert found.labels[0].kind == "regression"
