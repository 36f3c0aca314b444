import json
import os
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rdkit
import torch
from batches import assert_same_batch, assert_same_data
from filelock import FileLock
from own_fields import AddOwn
from rdkit import Chem
from shard_rows import GOOD, contents, damage
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform, Compose
from tqdm import tqdm

from pyg_moleblend.chem import Conformers, from_smiles
from pyg_moleblend.datasets import MoleculeShards
from pyg_moleblend.datasets.shards.prepare import prepare
from pyg_moleblend.transforms import AddRelations

FRAME = pd.DataFrame(
    {
        "smiles": ["CCO", "bad", "c1ccccc1", "", "CC(=O)[O-].[Na+]", "C1CC"],
        "gap": [0.5, 1.5, None, 3.5, 4.5, 5.5],
        "mu": range(6),
        "name": ["a", "b", "007", "d", "NA", "f"],
    }
)


def write(path: Path) -> Path:
    if path.suffix == ".parquet":
        FRAME.to_parquet(path)
    elif path.suffix == ".sdf":
        with Chem.SDWriter(str(path)) as writer:
            for row in FRAME.itertuples():
                mol = Chem.MolFromSmiles(row.smiles) or Chem.MolFromSmiles("CN(=O)(C)(C)C", sanitize=False)
                for key in ("gap", "mu", "name"):
                    mol.SetProp(key, "" if pd.isna(getattr(row, key)) else str(getattr(row, key)))
                writer.write(mol)
    elif path.suffix == ".smi":
        path.write_text("".join(f"{row.smiles} {row.name}\n" for row in FRAME.itertuples()))
    else:
        FRAME.to_csv(path, sep="\t" if path.suffix == ".tsv" else ",", index=False)
    return path


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.parquet", "t.sdf"])
def test_tables_of_every_kind(tmp_path: Path, name: str) -> None:
    manifest = prepare(write(tmp_path / name), tmp_path / "out", targets=["mu", "gap"], ids="name")
    molecules = MoleculeShards(tmp_path / "out")
    sdf = name.endswith("sdf")  # there an empty molecule is one of no atoms, as bad as the others
    assert (manifest.rows, manifest.molecules, manifest.failures) == (6, 3, 3)
    assert molecules.row.tolist() == [0, 2, 4]
    assert molecules.ids == ["a", "007", "NA"]
    assert molecules.target_names == ["mu", "gap"]
    np.testing.assert_array_equal(molecules.y, np.array([[0, 0.5], [2, np.nan], [4, 4.5]], np.float32))
    assert [failure.row for failure in molecules.failures] == [1, 3, 5]
    assert molecules.failures[0].input == ("record 1 of t.sdf" if sdf else "bad")
    for data, row in zip(molecules, (0, 2, 4), strict=True):
        assert torch.equal(data.x, from_smiles(FRAME.smiles[row]).x)


def test_conformers_are_part_of_it(tmp_path: Path) -> None:
    prepare(write(tmp_path / "t.csv"), tmp_path / "one", conformers=Conformers(seed=1))
    prepare(write(tmp_path / "t.csv"), tmp_path / "two", conformers=Conformers(seed=1, count=2))
    one, two = MoleculeShards(tmp_path / "one"), MoleculeShards(tmp_path / "two")
    assert one.has_pos.all()
    assert "conformers" not in one[0]
    for first, both in zip(one, two, strict=True):
        assert both.conformers.shape == (both.num_nodes, 2, 3)
        assert torch.equal(both.conformers[:, 0], both.pos)
        assert torch.equal(first.pos, both.pos)
    with pytest.raises(ValueError, match=r"conformers was {.*'count': 1.* is None"):
        prepare(tmp_path / "t.csv", tmp_path / "one")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"targets": ["gap"]}, r"targets was \[\], is \['gap'\]"),
        ({"ids": "name"}, "ids was None, is 'name'"),
        ({"smiles": "name"}, "smiles was 'smiles', is 'name'"),
        ({"hydrogens": "add"}, "hydrogens was 'remove', is 'add'"),
        ({"shard_size": 2}, "shard_size was 16384, is 2"),
    ],
)
def test_other_arguments_are_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    table = write(tmp_path / "t.csv")
    prepare(table, tmp_path / "out")
    with pytest.raises(ValueError, match=message):
        prepare(table, tmp_path / "out", **change)


def test_another_table_and_another_rdkit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = write(tmp_path / "t.csv")
    before = prepare(table, tmp_path / "out")
    moved = table.rename(tmp_path / "moved.csv")
    assert prepare(moved, tmp_path / "out") == before  # what counts is what it holds
    moved.write_text(moved.read_text().replace("CCO", "CCN"))
    with pytest.raises(ValueError, match=r"table was {'bytes'"):
        prepare(moved, tmp_path / "out")
    moved.write_text(moved.read_text().replace("CCN", "CCO"))
    monkeypatch.setattr(rdkit, "__version__", "1999.09.1")
    with pytest.raises(ValueError, match=r"rdkit was .* is '1999.09.1'"):
        prepare(moved, tmp_path / "out")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"on_error": "keep"}, "must be 'skip' or 'raise', got 'keep'"),
        ({"on_error": "raise"}, "row 1, 'bad': "),
        ({"engine": "spark"}, "must be 'local' or 'ray', got 'spark'"),
        ({"engine": "ray"}, r"engine 'ray' reads \.parquet tables"),
        ({"targets": "gap"}, r"say \['gap'\]"),
        ({"targets": ["name"]}, "row 0 holds 'a'"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        prepare(write(tmp_path / "t.csv"), tmp_path / "out", **arguments)
    assert not (tmp_path / "out" / "manifest.json").exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a child process that is there at once")
def test_killed_at_any_moment_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    draw = random.Random(0)
    entries = [draw.choice([*GOOD, "bad", ""]) for _ in range(400)]
    table = tmp_path / "t.csv"
    pd.DataFrame({"smiles": entries, "y": range(400), "name": [f"n{i}" for i in range(400)]}).to_csv(table)
    arguments: dict[str, Any] = {"targets": ["y"], "ids": "name", "shard_size": 8}
    started = time.perf_counter()
    prepare(table, tmp_path / "undisturbed", **arguments)
    whole = time.perf_counter() - started

    kills, torn = 0, 0
    while kills < 12:
        child = os.fork()
        if child == 0:
            try:
                tqdm.set_lock(threading.RLock())  # its own: one that is killed holding this process's ends that, too
                prepare(table, tmp_path / "killed", **arguments)
            finally:
                os._exit(0)
        time.sleep(draw.uniform(0, whole / 3))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        kills += 1
        torn += os.WIFSIGNALED(status)
        if (finished := sorted((tmp_path / "killed").glob("shard-*.safetensors"))) and kills == 6:
            damage(finished[-1], "flipped")
    assert torn
    prepare(table, tmp_path / "killed", **arguments)
    assert contents(tmp_path / "killed") == contents(tmp_path / "undisturbed")
    molecules = MoleculeShards(tmp_path / "killed")
    assert molecules.row.tolist() == [row for row, entry in enumerate(entries) if entry in GOOD]
    assert molecules.y.flatten().tolist() == molecules.row.tolist()
    assert molecules.ids == [f"n{row}" for row in molecules.row]


def test_one_process_at_a_time_works_in_a_folder(tmp_path: Path) -> None:
    table, out = write(tmp_path / "t.csv"), tmp_path / "out"
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match="is a file, and shards need a folder"):
        prepare(table, tmp_path / "file")
    out.mkdir()
    with FileLock(out / ".writer"), pytest.raises(ValueError, match=f"another process is at work in {out}"):
        prepare(table, out)
    assert prepare(table, out).rows == 6


@pytest.fixture
def own(tmp_path: Path) -> Path:
    r"""A table of which every shard has other sizes, and one no molecule."""
    smiles = ["CCO", "bad", "[He]", "bad", "C" * 300, "c1ccccc1", "N", "[Na+].[Cl-]", "CC |(0,0,0;1.5,0,0)|"]
    pd.DataFrame({"smiles": smiles, "gap": range(9), "name": [f"m{row}" for row in range(9)]}).to_csv(
        tmp_path / "own.csv", index=False
    )
    return tmp_path / "own.csv"


@pytest.mark.parametrize("num_workers", [0, 1])
def test_own_fields_of_every_level_are_kept(tmp_path: Path, own: Path, num_workers: int) -> None:
    arguments: dict[str, Any] = {"targets": ["gap"], "ids": "name", "shard_size": 2}
    prepare(own, tmp_path / "plain", **arguments)
    prepare(own, tmp_path / "out", **arguments, transform=AddOwn(2.0), num_workers=num_workers)
    molecules = MoleculeShards(tmp_path / "out")
    assert molecules.row.tolist() == [0, 4, 5, 6, 7, 8]
    assert [(failure.row, failure.reason) for failure in molecules.failures][1] == (2, "helium is not wanted")
    plain = MoleculeShards(tmp_path / "plain")
    expected = [AddOwn(2.0)(plain[place]) for place, row in enumerate(plain.row.tolist()) if row != 2]
    for data, wanted in zip(molecules, expected, strict=True):
        assert_same_data(data, wanted)
    places = [3, 1, 5, 0, 0]
    assert_same_batch(molecules.get_batch(places), Batch.from_data_list([expected[place] for place in places]))
    stored, slices = molecules.store(2)
    assert stored.own_count.dtype == torch.int32  # the smallest that holds 299 * 300
    assert slices["own_pair"].tolist() == [0, 300**2, 300**2 + 36]
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(tmp_path / "out" / "shard-000002.safetensors") in maps.read_text()


def test_the_transform_is_part_of_what_shards_depend_on(tmp_path: Path, own: Path) -> None:
    prepare(own, tmp_path / "out", transform=AddOwn(2.0))
    assert json.loads((tmp_path / "out" / "key.json").read_text())["transform"] == "AddOwn(scale=2.0)"
    before = contents(tmp_path / "out")
    prepare(own, tmp_path / "out", transform=AddOwn(2.0))
    assert contents(tmp_path / "out") == before
    for other in (AddOwn(3.0), None):
        with pytest.raises(ValueError, match=r"transform was 'AddOwn\(scale=2.0\)', is"):
            prepare(own, tmp_path / "out", transform=other)
    with pytest.raises(ValueError, match="give it a `__repr__` with all arguments"):
        prepare(own, tmp_path / "new", transform=lambda data: data)
    assert not (tmp_path / "new").exists()


def test_shards_without_a_transform_have_the_key_that_they_had(tmp_path: Path, own: Path) -> None:
    prepare(own, tmp_path / "out")
    assert "transform" not in json.loads((tmp_path / "out" / "key.json").read_text())


def test_a_transform_may_give_labels_and_relations(tmp_path: Path, own: Path) -> None:
    prepare(own, tmp_path / "out", transform=Compose([AddRelations(2), AddOwn(), AddHeavyAtoms()]), shard_size=2)
    molecules = MoleculeShards(tmp_path / "out")
    assert molecules.y.flatten().tolist() == [3, 300, 6, 1, 2, 2]
    batch = molecules.get_batch(range(6))
    for name, values in AddRelations(2)(from_smiles("c1ccccc1")):
        if name in ("spd", "bond_path"):
            assert torch.equal(batch[2][name], values)


class AddHeavyAtoms(BaseTransform):
    def forward(self, data: Data) -> Data:
        data.y = torch.tensor([[float(data.num_nodes)]])
        return data
