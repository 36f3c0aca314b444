import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from corpus_files import ALCOHOLS, AMINES, NITRILES, WRITTEN, write_benchmarks, write_chembl, write_moses, write_text
from qm9_files import qm9_molecules, write_raw
from rdkit import Chem

from pyg_moleblend.chem import identify, parse_smiles
from pyg_moleblend.datasets.corpus import Rules, build_corpus, pieces, sources
from pyg_moleblend.datasets.corpus.manifest import MANIFEST_FILE


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("root")
    # Of MOSES two are in ChEMBL too, one is twice; of ChEMBL there is a stereoisomer, a salt and a charged form.
    write_moses(root, [*ALCOHOLS, "CCCN", "C#CC", "OCC", "CCCC[NH3+]"])
    write_chembl(
        root, [*AMINES, "C[C@H](F)O", "C[C@@H](F)O", "CCN.Cl", "bad", "[O-]C(=O)CC(=O)[O-]"], [*NITRILES, "CC#C"]
    )
    write_benchmarks(root, esol=["CO", "CCN.Cl"], ogb=["CC#N"], ace=["CCCC[O-].[Na+]", "CCN"])
    return root


def build(out: Path, root: Path, **others: Any) -> dict[str, Any]:
    settings = {
        "sources": {"moses": None, "chembl": None},
        "exclude": WRITTEN,
        "sizes": {},
        "progress": False,
        **others,
    }
    return build_corpus(out, root, **settings)


def test_a_corpus(tmp_path: Path, root: Path):
    manifest = build(tmp_path, root, valid_size=2)
    assert json.loads((tmp_path / MANIFEST_FILE).read_text()) == manifest
    tables = {name: pq.read_table(tmp_path / f"{name}.parquet").to_pylist() for name in manifest["sources"]}
    every = [row for table in tables.values() for row in table]

    # Each molecule once, over all sources, and in normal form.
    keys = [identify(parse_smiles(row["smiles"])).skeleton for row in every]
    assert keys == [row["skeleton"] for row in every]
    assert len(set(keys)) == len(keys)
    assert all(row["smiles"] == identify(parse_smiles(row["smiles"])).smiles for row in every)
    assert {row["source"] for row in tables["chembl"]} == {"chembl"}

    chembl = {row["row"]: row["smiles"] for row in tables["chembl"]}
    # 60 amines are up to 61 heavy atoms; ethylamine is ESOL's and MoleculeACE's, and acetonitrile is OGB's.
    assert sorted(chembl) == [0, *range(2, 59), 60, *range(66, 96)]
    assert chembl[60] == Chem.CanonSmiles("C[C@H](F)O")
    steps = {"rows": 96, "taken": 96, "charge": 1, "fragments": 1, "size": 1, "unreadable": 1, "repeated": 1}
    assert manifest["sources"]["chembl"]["steps"] == {**steps, "elsewhere": 0, "benchmark": 2, "kept": 89}
    benchmarks = {"esol": 1, "freesolv": 0, "ogbg-molesol": 1, "moleculeace": 1}
    assert manifest["sources"]["chembl"]["benchmarks"] == benchmarks

    # Methanol and butanol are in benchmarks, "OCC" is ethanol again, and the amines and propyne are ChEMBL's.
    moses = {row["row"]: row["smiles"] for row in tables["moses"]}
    assert sorted(moses) == [1, 2, *range(4, 59)]
    steps = {"rows": 64, "taken": 64, "size": 1, "repeated": 1, "elsewhere": 3, "benchmark": 2, "kept": 57}
    assert manifest["sources"]["moses"]["steps"] == steps

    for name, entry in manifest["sources"].items():
        counts = entry["steps"]
        assert counts["taken"] == sum(value for step, value in counts.items() if step not in ("rows", "taken"))
        assert entry["parts"] == {"train": counts["kept"] - 2, "valid": 2}
        assert sum(row["part"] == "valid" for row in tables[name]) == 2
        assert entry["licence"]
        assert entry["citation"]
    assert manifest["benchmarks"]["freesolv"]["without_key"] == {"unreadable": 1}
    assert manifest["benchmarks"]["esol"]["molecules"] == 3
    assert manifest["settings"]["inputs"]["moses"]["files"]["train.csv.gz"]["bytes"] > 0


def test_files_are_the_same_again_and_an_interrupted_run_goes_on(
    tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch
):
    build(tmp_path / "a", root)
    monkeypatch.setattr(pieces, "PIECE_ROWS", 16)
    whole = pieces.map_chunks

    def breaks(*arguments: Any) -> Any:
        for number, result in enumerate(whole(*arguments)):
            if number == 8:
                raise KeyboardInterrupt
            yield result

    monkeypatch.setattr(pieces, "map_chunks", breaks)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "b", root)
    assert not list((tmp_path / "b").glob("*.parquet"))
    monkeypatch.setattr(pieces, "map_chunks", whole)
    build(tmp_path / "b", root)
    for name in ("moses.parquet", "chembl.parquet"):  # the pieces are others, the rows are not
        assert pq.read_table(tmp_path / "a" / name) == pq.read_table(tmp_path / "b" / name)


def test_a_complete_corpus_is_left_alone_and_a_damaged_one_mended(tmp_path: Path, root: Path):
    first = build(tmp_path, root)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    assert build(tmp_path, root) == first
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.parquet")}
    (tmp_path / "moses.parquet").write_bytes(b"damaged")
    assert build(tmp_path, root) == first
    with pytest.raises(ValueError, match="holds a corpus that differs in seed, valid_size: name another folder"):
        build(tmp_path, root, seed=1, valid_size=0)
    with pytest.raises(ValueError, match="differs in rules"):
        build(tmp_path, root, rules=Rules(max_heavy_atoms=10))
    with pytest.raises(ValueError, match="differs in inputs"):
        build(tmp_path, root, sizes={"moses": 10})


def test_structures_come_with_their_molecules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sources, "NUM_MOLECULES", 12)
    monkeypatch.setattr(sources, "SPLIT_SIZES", (8, 2))
    root = tmp_path / "root"
    write_raw(root / "qm9" / "raw", qm9_molecules())
    write_moses(root, [molecule.smiles for molecule in qm9_molecules()])
    manifest = build(tmp_path / "out", root, sources={"moses": None, "qm9": None}, exclude=["qm9"])
    table = pq.read_table(tmp_path / "out" / "qm9.parquet").to_pylist()
    assert table
    for row in table:
        molecule = qm9_molecules()[row["row"]]
        heavy = molecule.pos[[z > 1 for z in molecule.z]]
        pos = np.array(row["pos"]).reshape(-1, 3)
        assert len(pos) == row["heavy_atoms"] == parse_smiles(row["smiles"]).GetNumAtoms()
        np.testing.assert_allclose(sorted(pos.tolist()), sorted(heavy.tolist()), atol=1e-3)
    assert manifest["sources"]["qm9"]["with_structure"] == len(table)
    # Of MOSES nothing is left: what is not QM9's training part is of its other parts.
    steps = manifest["sources"]["moses"]["steps"]
    assert steps["kept"] == 0
    assert steps["benchmark"] > 0
    assert pq.read_table(tmp_path / "out" / "moses.parquet").num_rows == 0
    assert "pos" not in pq.read_schema(tmp_path / "out" / "moses.parquet").names


@pytest.mark.parametrize(
    ("others", "message"),
    [
        ({"sources": {"zinc": None}}, r"unknown sources \['zinc'\]: expected some of qm9, pcqm4mv2, chembl, moses"),
        ({"sources": {}}, "a corpus needs a source"),
        ({"exclude": ["qm7"]}, r"unknown benchmarks \['qm7'\]"),
        ({"sizes": {"zinc": 3}}, r"unknown sizes \['zinc'\]"),
        ({"sizes": {"moses": 0}}, "sizes must be positive"),
        ({"valid_size": -1}, "sizes must be positive, got valid_size=-1"),
    ],
)
def test_errors(tmp_path: Path, root: Path, others: dict[str, Any], message: str):
    with pytest.raises(ValueError, match=message):
        build(tmp_path, root, **others)


def test_a_damaged_manifest_is_told(tmp_path: Path, root: Path):
    write_text(tmp_path / MANIFEST_FILE, "{")
    with pytest.raises(ValueError, match=r"manifest\.json is damaged; delete it"):
        build(tmp_path, root)
