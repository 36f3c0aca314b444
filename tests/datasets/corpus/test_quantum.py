import json
import shutil
from pathlib import Path

import pytest
from corpus_files import ALCOHOLS, AMINES, NITRILES, WRITTEN, write_benchmarks, write_chembl, write_moses

from pyg_moleblend.chem import parse_smiles, skeleton
from pyg_moleblend.datasets.corpus import build_corpus, quantum_lists
from pyg_moleblend.datasets.corpus.quantum import LISTS, QuantumList
from pyg_moleblend.datasets.corpus.ranks import ranks

SMALL = QuantumList("small", 4, 20, 60, 60)
LARGE = QuantumList("large", 21, 35, 20, 15)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, out = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("out")
    write_moses(root)
    write_chembl(root)
    write_benchmarks(root, esol=["CCCCCN", "CCCCCO"])
    build_corpus(out, root, {"moses": None, "chembl": None}, WRITTEN, {}, progress=False)
    return out


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def test_lists(corpus: Path):
    summary = quantum_lists(corpus, [SMALL, LARGE])
    small, large = lines(corpus / "small.smi"), lines(corpus / "large.smi")
    chembl = {smiles for smiles in [*AMINES, *NITRILES] if 4 <= parse_smiles(smiles).GetNumAtoms() <= 20}
    assert {smiles for smiles in small if "N" in smiles} == chembl - {"CCCCCN"}
    alcohols = [smiles for smiles in ALCOHOLS if 4 <= len(smiles) <= 20 and smiles != "CCCCCO"]
    assert {smiles for smiles in small if "N" not in smiles} == set(alcohols)  # there are no more
    assert len(small) == len(set(small)) == 33 + 16

    assert all(21 <= parse_smiles(smiles).GetNumAtoms() <= 35 for smiles in large)
    assert sum("N" in smiles for smiles in large) == 15
    # The molecules of the smallest hashes of their keys, in another hash's order.
    keys = {smiles: skeleton(parse_smiles(smiles)) for smiles in [*ALCOHOLS, *AMINES, *NITRILES]}
    of_size = [smiles for smiles in ALCOHOLS if 21 <= len(smiles) <= 35]
    picked = dict(zip(of_size, ranks([keys[smiles] for smiles in of_size], "pick", 0).tolist(), strict=True))
    assert {smiles for smiles in large if "N" not in smiles} == set(sorted(of_size, key=picked.__getitem__)[:5])
    order = ranks([keys[smiles] for smiles in large], "order", 0).tolist()
    assert order == sorted(order)

    assert json.loads((corpus / "quantum.json").read_text()) == summary
    assert summary["lists"]["large"]["molecules"] == {"chembl": 15, "moses": 5}
    assert summary["lists"]["small"]["bytes"] == (corpus / "small.smi").stat().st_size
    assert summary["benchmarks"]["chembl"]["esol"] == 1


def test_seeds(corpus: Path):
    quantum_lists(corpus, [LARGE])
    first = lines(corpus / "large.smi")
    quantum_lists(corpus, [LARGE], seed=1)
    assert set(lines(corpus / "large.smi")) != set(first)
    quantum_lists(corpus, [LARGE])
    assert lines(corpus / "large.smi") == first


def test_the_published_lists():
    assert [(w.name, w.min_heavy_atoms, w.max_heavy_atoms, w.size, w.chembl) for w in LISTS] == [
        ("quantum_small", 4, 20, 100_000, 100_000),
        ("quantum_drug", 21, 35, 30_000, 22_500),
    ]


def test_what_they_need(corpus: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="holds no complete corpus"):
        quantum_lists(tmp_path)
    copy = shutil.copytree(corpus, tmp_path / "copy")
    shutil.rmtree(copy / "work")
    with pytest.raises(ValueError, match="is gone: make the corpus again"):
        quantum_lists(copy)
    manifest = json.loads((copy / "manifest.json").read_text())
    del manifest["sources"]["chembl"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match=r"has no \['chembl'\]"):
        quantum_lists(copy)
