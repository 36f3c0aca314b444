from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rdkit import Chem

from pyg_moleblend.chem import quantum_labels
from pyg_moleblend.datasets.quantum import compute_quantum_labels, read_quantum_labels
from pyg_moleblend.datasets.quantum.compute import LabelChunk
from pyg_moleblend.datasets.quantum.part import read_column

pytest.importorskip("tblite", reason="needs the extra [quantum]")

LINES = ["CCO ethanol", "C", "C(", "O=C=O\tdioxide", "", " N#N", "[U]"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "molecules.smi"
    path.write_text("\n".join(LINES) + "\n")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.parquet"))}


def test_every_row_has_labels_or_a_cause(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    summary = compute_quantum_labels(table, out, num_workers=0, part_size=3)
    assert (summary.rows, summary.molecules) == (7, 4)
    assert sum(summary.failures.values()) == 3
    parts = sorted(out.glob("*.parquet"))
    assert [read_column(part, "row") for part in parts] == [[0, 1, 2], [3, 4, 5], [6]]
    errors = [error for part in parts for error in read_column(part, "error")]
    assert [bool(error) for error in errors] == [False, False, True, False, True, False, True]
    assert "syntax error" in errors[2]
    assert "empty" in errors[4]
    assert "Z >86" in errors[6]
    stored = read_quantum_labels(out)
    assert stored.smiles == ["CCO", "C", "O=C=O", "N#N"]
    for smiles, properties in zip(stored.smiles, stored.properties, strict=True):
        np.testing.assert_allclose(properties, quantum_labels(smiles).properties, rtol=1e-5, atol=1e-5)


def test_goes_on_where_it_was_interrupted(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compute_quantum_labels(table, tmp_path / "whole", num_workers=0, part_size=2)
    label, seen = LabelChunk._label, []

    def watched(self: LabelChunk, text: Any, killed: int) -> Any:
        seen.append(text)
        if len(seen) == 4:
            raise KeyboardInterrupt
        return label(self, text, killed)

    monkeypatch.setattr(LabelChunk, "_label", watched)
    with pytest.raises(KeyboardInterrupt):
        compute_quantum_labels(table, tmp_path / "out", num_workers=0, part_size=2)
    assert list(contents(tmp_path / "out")) == ["part-000000.parquet"]
    compute_quantum_labels(table, tmp_path / "out", num_workers=0, part_size=2)
    assert seen == LINES[:4] + LINES[2:]  # what was finished is not done again
    assert contents(tmp_path / "out") == contents(tmp_path / "whole")
    compute_quantum_labels(table, tmp_path / "out", num_workers=0, part_size=2)
    assert len(seen) == 9


def test_a_table_may_grow_but_not_change(table: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert compute_quantum_labels(table, out, num_workers=0, part_size=5).rows == 7
    table.write_text("\n".join([*LINES, "CO", "F"]) + "\n")
    assert compute_quantum_labels(table, out, num_workers=0, part_size=5).rows == 9
    assert read_quantum_labels(out).smiles == ["CCO", "C", "O=C=O", "N#N", "CO", "F"]
    with pytest.raises(ValueError, match=r"'seed': 0.*now it would be.*'seed': 1"):
        compute_quantum_labels(table, out, seed=1, num_workers=0, part_size=5)
    with pytest.raises(ValueError, match=r"'deadline': 60\.0.*now it would be.*'deadline': 90"):
        compute_quantum_labels(table, out, num_workers=0, part_size=5, deadline=90)
    table.write_text("\n".join(["CCO", "CC"]) + "\n")
    with pytest.raises(ValueError, match=r"row 1 of .*is 'C', in the table it is 'CC'"):
        compute_quantum_labels(table, out, num_workers=0, part_size=5)


def test_columns_of_a_table(tmp_path: Path) -> None:
    frame = pd.DataFrame({"drug": ["C", None, "N"], "y": [1, 2, 3]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    for name in ("a.csv", "a.parquet"):
        summary = compute_quantum_labels(tmp_path / name, tmp_path / f"{name}.out", "drug", num_workers=0)
        assert (summary.rows, summary.molecules) == (3, 2)
        assert compute_quantum_labels(tmp_path / name, tmp_path / f"{name}.out", "drug", num_workers=0) == summary
    block = Chem.MolToMolBlock(Chem.MolFromSmiles("C"))
    (tmp_path / "a.sdf").write_text(f"{block}$$$$\n")
    with pytest.raises(ValueError, match="labels are kept with SMILES"):
        compute_quantum_labels(tmp_path / "a.sdf", tmp_path / "out", num_workers=0)
    with pytest.raises(ValueError, match="`part_size` must be at least 1 row, got 0"):
        compute_quantum_labels(tmp_path / "a.csv", tmp_path / "out", "drug", num_workers=0, part_size=0)


def test_a_molecule_that_ended_its_worker_is_a_failure() -> None:
    started: list[int] = []
    one, two = LabelChunk(0, 5.0)(["C", "N"], [0, 1], started.append)
    assert started == [0, 1, -1]
    assert one.labels is not None
    assert two == ("N", None, "it took longer than 5 s, or ended its process")


@pytest.mark.slow
def test_workers_give_the_same_bytes(table: Path, tmp_path: Path) -> None:
    compute_quantum_labels(table, tmp_path / "one", num_workers=0, part_size=4)
    compute_quantum_labels(table, tmp_path / "two", num_workers=2, part_size=4)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_an_empty_table(tmp_path: Path) -> None:
    (tmp_path / "a.smi").write_text("")
    with pytest.raises(ValueError, match=r"a\.smi is empty"):
        compute_quantum_labels(tmp_path / "a.smi", tmp_path / "out", num_workers=0)
