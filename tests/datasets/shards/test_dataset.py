import pickle
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from shard_rows import GOOD, damage, portions
from torch_geometric.data import Batch, Data

from pyg_moleblend.datasets import MoleculeShards, MoleculeTable
from pyg_moleblend.datasets.io.entries import Rows
from pyg_moleblend.datasets.io.reading import ReadChunk
from pyg_moleblend.datasets.shards.build import build_shards
from pyg_moleblend.transforms import AddRelations

ENTRIES = ["CCO", "bad", *GOOD, "C1CC", "CC |$é;$|", *GOOD]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shards")
    build_shards(portions(ENTRIES, (4,)), folder, {"a": 1}, ReadChunk(), shard_size=5, facts={"target_names": ["row"]})
    return folder


@pytest.fixture(scope="module")
def table() -> MoleculeTable:
    frame = pd.DataFrame({"smiles": ENTRIES, "row": range(len(ENTRIES))})
    return MoleculeTable(frame, targets=["row"], on_error="skip", progress=False)


def assert_same(found: Data, expected: Data) -> None:
    for key in ("x", "edge_index", "edge_attr", "pos", "row", "y"):
        assert found[key].dtype == expected[key].dtype
        assert torch.equal(found[key].nan_to_num(99), expected[key].nan_to_num(99)), key
    assert found.smiles == expected.smiles


def test_molecules_are_those_of_the_table_in_memory(folder: Path, table: MoleculeTable) -> None:
    molecules = MoleculeShards(folder)
    assert len(molecules) == len(table) == 12
    for found, expected in zip(molecules, table, strict=True):
        assert_same(found, expected)
    assert_same(molecules[-1], table[-1])
    assert molecules.smiles == table.smiles
    assert torch.equal(molecules.row, table.row)
    assert torch.equal(molecules.y, table.y)
    assert molecules.ids == [f"id {row}" for row in table.row.tolist()]
    assert molecules.failures == table.failures
    assert molecules.num_atoms.tolist() == [data.num_nodes for data in table]
    assert not molecules.has_pos.any()
    assert str(molecules) == f"MoleculeShards({folder.name!r}, 12)"


@pytest.mark.parametrize(
    "chosen", [slice(3, 9), [7, 0, 7], torch.tensor([11, 2]), torch.arange(12) % 3 == 0, slice(None, None, -1)]
)
def test_selections_are_those_of_the_table_in_memory(folder: Path, table: MoleculeTable, chosen: Any) -> None:
    found, expected = MoleculeShards(folder)[chosen], table[chosen]
    for molecules, others in ((found, expected), (found[1:], expected[1:]), (found[[1, 0]], expected[[1, 0]])):
        assert molecules.smiles == others.smiles == [data.smiles for data in molecules]
        assert torch.equal(molecules.row, others.row)
        assert torch.equal(molecules.y, others.y)
        assert len(molecules.num_atoms) == len(molecules.ids) == len(others)
        stores, places = molecules.locate(torch.arange(len(molecules)))
        rows = [molecules.store(a)[0].row[b] for a, b in zip(stores.tolist(), places.tolist(), strict=True)]
        assert rows == others.row.tolist()


def test_what_is_sent_to_another_process_is_little_more_than_a_path(folder: Path) -> None:
    molecules = MoleculeShards(folder, transform=AddRelations())[2:9]
    expected = [data.smiles for data in molecules]
    sent = pickle.dumps(molecules)
    assert len(sent) < 3_000
    again = pickle.loads(sent)
    assert [data.smiles for data in again] == expected
    assert again[0].spd.numel() == again[0].num_nodes ** 2


def test_nothing_is_opened_before_it_is_looked_at(folder: Path) -> None:
    molecules = MoleculeShards(folder)
    assert not molecules._stores
    _ = molecules[0]
    assert list(molecules._stores) == [0]


@pytest.mark.parametrize("kind", ["flipped", "cut", "removed"])
def test_a_damaged_file_is_named(tmp_path: Path, kind: str) -> None:
    build_shards(portions(ENTRIES, (4,)), tmp_path, {}, ReadChunk(), shard_size=5)
    damage(tmp_path / "shard-000002.safetensors", kind)
    with pytest.raises(ValueError, match=r"shard-000002\.safetensors is damaged or missing; run the command"):
        list(MoleculeShards(tmp_path))
    if kind == "flipped":
        assert len(list(MoleculeShards(tmp_path, verify=False))) == 12


def test_a_report_that_was_cut_off_is_named_and_written_again(tmp_path: Path) -> None:
    def build() -> MoleculeShards:
        build_shards(portions(ENTRIES, (4,)), tmp_path, {}, ReadChunk(), shard_size=5)
        return MoleculeShards(tmp_path)

    failures = build().failures
    assert failures
    path = tmp_path / "failures.csv"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(ValueError, match=r"failures\.csv is damaged or missing"):
        _ = MoleculeShards(tmp_path).failures
    assert build().failures == failures


def test_targets_are_chosen_by_name(tmp_path: Path) -> None:
    rows = Rows(["C", "N"], {"y": torch.tensor([[1.0, 2.0, 3.0], [4.0, float("nan"), 6.0]]).numpy()})
    build_shards([rows], tmp_path, {}, ReadChunk(), facts={"target_names": ["a", "b", "c"]})
    molecules = MoleculeShards(tmp_path)
    chosen = molecules.select_targets(["c", "a"])
    assert (chosen.target_names, chosen.y.tolist()) == (["c", "a"], [[3.0, 1.0], [6.0, 4.0]])
    assert chosen[1].y.tolist() == [[6.0, 4.0]]
    assert chosen.select_targets(["a"]).y.tolist() == [[1.0], [4.0]]
    assert molecules.y.shape == (2, 3)
    assert chosen.ids == ["0", "1"]
    with pytest.raises(ValueError, match=r"no targets \['d'\], its targets are \['a', 'b', 'c'\]"):
        molecules.select_targets(["d"])


def test_structures_of_some_molecules(tmp_path: Path) -> None:
    mol = Chem.MolFromSmiles("OCC")
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    build_shards([Rows(["C", mol, "N", "O"])], tmp_path, {}, ReadChunk(), shard_size=3)
    molecules = MoleculeShards(tmp_path)
    assert molecules.has_pos.tolist() == [False, True, False, False]
    assert molecules[[3, 1]].has_pos.tolist() == [False, True]
    batch = Batch.from_data_list(list(molecules))
    assert batch.pos.isnan().all(-1).tolist() == [True, False, False, False, True, True]


def test_failures_and_their_causes_may_be_any_text(tmp_path: Path) -> None:
    entries = ["CCO", "C1CC\rC", "?" * 140_000, 'a,"b"\nc']
    build_shards(portions(entries, (4,)), tmp_path / "out", {"a": 1}, ReadChunk())
    failures = MoleculeShards(tmp_path / "out").failures
    assert [(failure.row, failure.input) for failure in failures] == list(enumerate(entries))[1:]
