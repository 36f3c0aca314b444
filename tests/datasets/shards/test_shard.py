import hashlib
import json
import pickle
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import own_fields  # noqa: F401 -- declares them
import pytest
import torch
from rdkit import Chem
from rdkit.Chem import rdDistGeom
from safetensors import safe_open
from safetensors.torch import save_file

from pyg_moleblend.datasets.base import store
from pyg_moleblend.datasets.io.reading import Reading, read_chunk
from pyg_moleblend.datasets.shards.shard import read_facts, read_shard, write_shard
from pyg_moleblend.fields import FIELDS
from pyg_moleblend.runtime.files import digest

SMILES = ["CCO", "bad", "c1ccncc1", "[Na+].[Cl-]", "N", "CC |$é;$|"]


@pytest.fixture
def reading() -> Reading:
    return read_chunk(SMILES)


@pytest.fixture
def reading_3d() -> Reading:
    mol = Chem.AddHs(Chem.MolFromSmiles("OCC"))
    rdDistGeom.EmbedMolecule(mol, randomSeed=1)
    return read_chunk(["C", mol, "bad"])


@pytest.mark.parametrize("name", ["reading", "reading_3d"])
def test_what_is_written_is_read(tmp_path: Path, name: str, request: pytest.FixtureRequest) -> None:
    reading = request.getfixturevalue(name)
    y = np.arange(2 * len(reading.rows), dtype=np.float32).reshape(-1, 2)
    write_shard(tmp_path / "s.safetensors", reading, {"y": y})
    data, slices = read_shard(tmp_path / "s.safetensors")
    expected, ends = store(reading, y=torch.from_numpy(y))
    for key in ("x", "edge_index", "edge_attr", "pos", "row", "y"):
        assert torch.equal(data[key].nan_to_num(99), expected[key].nan_to_num(99))
        assert data[key].dtype == expected[key].dtype
        assert slices[key].tolist() == ends[key].tolist()
    cuts = slices["smiles"].tolist()
    texts = [bytes(data.smiles[a:b].numpy()).decode() for a, b in pairwise(cuts)]
    assert texts == reading.smiles


def test_a_shard_is_small_and_memory_mapped(tmp_path: Path, reading: Reading) -> None:
    path = tmp_path / "s.safetensors"
    found = write_shard(path, reading)
    content = path.read_bytes()
    assert found == digest(path) == (len(content), hashlib.sha256(content).hexdigest())
    with safe_open(path, "pt") as file:
        assert "pos" not in file.keys()  # noqa: SIM118 - not a dictionary
    data, _ = read_shard(path)
    assert data.x.dtype == data.edge_index.dtype == data.edge_attr.dtype == torch.uint8
    assert data.pos.shape == (len(data.x), 3)
    assert data.pos.untyped_storage().nbytes() == 4  # one NaN for all
    maps = Path("/proc/self/maps")
    if maps.exists():
        assert str(path) in maps.read_text()


def test_equal_content_is_equal_bytes(tmp_path: Path, reading: Reading) -> None:
    facts = {f"fact {number}": number for number in range(20)}
    for name, given in (("a", facts), ("b", dict(reversed(facts.items())))):
        write_shard(tmp_path / name, reading, {"y": np.zeros((5, 1), np.float32)}, list("vwxyz"), given)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert read_facts(tmp_path / "a") == facts


def test_conformers_are_kept(tmp_path: Path, reading: Reading) -> None:
    several = np.random.default_rng(0).normal(size=(len(reading.graphs.x), 3, 3)).astype(np.float32)
    write_shard(tmp_path / "s", reading._replace(graphs=reading.graphs._replace(fields={"conformers": several})))
    data, slices = read_shard(tmp_path / "s")
    assert torch.equal(data.conformers, torch.from_numpy(several))
    assert torch.equal(slices["conformers"], slices["x"])


def test_no_molecules_are_a_shard_too(tmp_path: Path) -> None:
    write_shard(tmp_path / "s", read_chunk(["bad"]), {"y": np.zeros((0, 2), np.float32)}, [], {"n": 1})
    data, slices = read_shard(tmp_path / "s")
    assert data.x.shape == (0, 9)
    assert data.pos.shape == (0, 3)
    assert slices["x"].tolist() == slices["y"].tolist() == [0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": {"y": np.zeros((4, 1))}}, "one row a molecule for 5 molecules"),
        ({"ids": ["a"]}, "one row a molecule for 5 molecules"),
        ({"columns": {"x": np.zeros((5, 1))}}, r"may not be called \['x'\]"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, reading: Reading, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write_shard(tmp_path / "s", reading, **arguments)
    assert list(tmp_path.iterdir()) == []


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("executed"),))


def test_other_files_are_named_and_not_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pickle").write_bytes(pickle.dumps(Payload()))
    torch.save(Payload(), "torch")
    Path("empty").touch()
    save_file({"x": torch.zeros(1)}, "other", {"facts": json.dumps([1])})
    for name in ("pickle", "torch", "empty", "other"):
        for read in (read_shard, read_facts):
            with pytest.raises(ValueError, match=rf"^{name} is .*"):
                read(name)
    assert not Path("executed").exists()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read_shard("nowhere")


def test_tensors_are_cut_by_the_level_that_they_are_declared_with(
    tmp_path: Path, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = {
        "own_pair": np.arange(51.0)[:, None].repeat(2, 1),  # molecules of 3, 6, 2, 1 and 2 atoms, less one
        "own_atom": np.zeros(14, dtype=bool),
        "own_graph": np.zeros((5, 3)),
        "own_text": ["a", "bä", "", "d", "e"],
    }
    with pytest.raises(ValueError, match="pair field 'own_pair' must have 54 rows"):
        write_shard(tmp_path / "s", reading._replace(graphs=reading.graphs._replace(fields=fields)))
    fields["own_pair"] = np.arange(108.0).reshape(54, 2)
    write_shard(tmp_path / "s", reading._replace(graphs=reading.graphs._replace(fields=fields)))
    data, slices = read_shard(tmp_path / "s")
    assert slices["own_pair"].tolist() == [0, 9, 45, 49, 50, 54]
    assert slices["own_atom"] is slices["x"]
    assert slices["own_graph"] is slices["row"]
    assert slices["own_text"].tolist() == [0, 1, 4, 4, 5, 6]
    assert torch.equal(data.own_pair, torch.arange(108.0).double().view(54, 2))
    for name, message in (
        ("own_pair", r"54 rows for 5 molecules: .*fields\.declare\('own_pair', level="),
        ("own_text", r"texts: .*fields\.declare\('own_text', level='graph', dtype='str'\)"),
    ):
        with monkeypatch.context() as patch:
            patch.delitem(FIELDS, name)
            with pytest.raises(ValueError, match=message):
                read_shard(tmp_path / "s")
    monkeypatch.setitem(FIELDS, "own_atom", FIELDS["own_pair"])
    with pytest.raises(ValueError, match="14 rows of 'own_atom', a field of level 'pair', expected 54"):
        read_shard(tmp_path / "s")


def test_own_fields_do_not_take_the_names_of_others(tmp_path: Path, reading: Reading) -> None:
    for name in ("row", "y"):
        fields = {name: np.zeros(5, dtype=np.int64)}
        with pytest.raises(ValueError, match=rf"may not be called \['{name}'\]"):
            write_shard(
                tmp_path / "s",
                reading._replace(graphs=reading.graphs._replace(fields=fields)),
                {"y": np.zeros((5, 1))},
            )
