import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from qm9_files import QM9Molecule, qm9_molecules, write_package, write_raw
from rdkit import Chem
from torch_geometric import datasets
from torch_geometric.data import Data
from torch_geometric.datasets.qm9 import HAR2EV
from torch_geometric.loader import DataLoader

from pyg_moleblend.datasets import QM9
from pyg_moleblend.datasets.qm9 import dataset as qm9
from pyg_moleblend.datasets.qm9.sources import package_files

MOLECULES = qm9_molecules()
ENERGIES = slice(7, 11)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    r"""A package qm9pack of a few molecules is installed."""
    paths = write_package(tmp_path / "package", MOLECULES)
    monkeypatch.setattr(qm9, "package_files", lambda: paths)
    return paths


@pytest.fixture
def no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(qm9, "package_files", lambda: None)


def expected_y(molecule: QM9Molecule) -> torch.Tensor:
    in_hartree = [False, False, True, True, True, False, *[True] * 5, False]
    return torch.tensor(molecule.values * np.where(in_hartree, HAR2EV, 1.0)).view(1, 12)


def same(one: Data, other: Data, pos_tolerance: float) -> bool:
    exact = all(torch.equal(one[key], other[key]) for key in ("x", "y", "row", "atom_counts"))
    bonds = [
        {(*edge, *features) for edge, features in zip(data.edge_index.T.tolist(), data.edge_attr.tolist(), strict=True)}
        for data in (one, other)
    ]
    return exact and bonds[0] == bonds[1] and torch.allclose(one.pos, other.pos, atol=pos_tolerance)


def test_what_a_molecule_holds(tmp_path: Path, package: list[Path]) -> None:
    dataset = QM9(tmp_path, progress=False)
    assert (len(dataset), dataset.source, dataset.failures) == (len(MOLECULES), "qm9pack", [])
    assert dataset.target_names == ["mu", "alpha", "homo", "lumo", "gap", "r2", "zpve", "U0", "U", "H", "G", "cv"]
    assert len(dataset.target_units) == 12
    for row, (data, molecule) in enumerate(zip(dataset, MOLECULES, strict=True)):
        mol = Chem.MolFromSmiles(molecule.smiles)
        assert (data.x[:, 0] + 1).tolist() == [atom.GetAtomicNum() for atom in mol.GetAtoms()]
        assert data.edge_index[:, ::2].T.tolist() == [[b.GetBeginAtomIdx(), b.GetEndAtomIdx()] for b in mol.GetBonds()]
        assert (data.smiles, data.row.tolist()) == (molecule.smiles, [row])
        heavy = np.array(molecule.z) > 1
        np.testing.assert_allclose(data.pos, molecule.pos[heavy], atol=1e-6)
        assert data.atom_counts.tolist() == [[molecule.z.count(element) for element in (1, 6, 7, 8, 9)]]
        torch.testing.assert_close(data.y, expected_y(molecule), rtol=1e-6, atol=0)
        assert (data.x.dtype, data.edge_attr.dtype, data.pos.dtype) == (torch.long, torch.long, torch.float32)


def test_both_sources_give_one_dataset(tmp_path: Path, package: list[Path]) -> None:
    write_raw(tmp_path / "raw", MOLECULES)
    raw, packaged = QM9(tmp_path, progress=False), QM9(tmp_path, "qm9pack", progress=False)
    assert (raw.source, packaged.source) == ("pyg", "qm9pack")
    assert raw.processed_dir != packaged.processed_dir
    assert all(same(one, other, 1e-4) for one, other in zip(raw, packaged, strict=True))


def test_the_choice_of_source_is_said(tmp_path: Path, package: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    QM9(tmp_path / "a")
    write_raw(tmp_path / "b" / "raw", MOLECULES)
    QM9(tmp_path / "b")
    output = capsys.readouterr().err
    assert f"reading from {package[0].parent} (source 'qm9pack')" in output
    assert f"reading from {tmp_path / 'b' / 'raw'} (source 'pyg')" in output


@pytest.mark.usefixtures("no_package")
def test_without_files_or_package_it_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    urls = []

    def fetch(url: str, folder: str, names: dict[str, str], remedy: str, progress: bool) -> None:
        urls.append(url)
        written = write_raw(tmp_path / "server", MOLECULES)
        for name in names.values():
            (Path(folder) / name).write_bytes((written / name).read_bytes())

    monkeypatch.setattr(qm9, "fetch", fetch)
    assert len(QM9(tmp_path, progress=False)) == len(MOLECULES)
    assert urls == [datasets.QM9.raw_url, datasets.QM9.raw_url2]


@pytest.mark.usefixtures("no_package")
def test_the_package_is_asked_for_where_it_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"pip install 'pyg-moleblend\[qm9\]'"):
        QM9(tmp_path, source="qm9pack")


def test_energies_relative_to_free_atoms(tmp_path: Path, package: list[Path]) -> None:
    dataset = QM9(tmp_path, progress=False)
    relative = dataset.subtract_atom_reference()
    for data, shifted, molecule in zip(dataset, relative, MOLECULES, strict=True):
        atoms = sum(dataset.atom_reference[:, [1, 6, 7, 8, 9].index(z)] for z in molecule.z)
        in_hartree = torch.from_numpy(molecule.values)
        # From the file's digits, not from float32: at -10,000 eV that would cost 0.5 meV.
        expected = (in_hartree * HAR2EV)[ENERGIES] - atoms[ENERGIES]
        torch.testing.assert_close(shifted.y[0, ENERGIES], expected.double(), rtol=1e-6, atol=1e-6)
        assert torch.equal(shifted.y[0, :7], data.y[0, :7])
        assert shifted.y[0, 11] == data.y[0, 11]
    one = dataset.select_targets(["G"])
    assert (one.target_units, one.atom_reference.shape) == (["eV"], (1, 5))
    assert one.subtract_atom_reference().target_units == ["eV relative to free atoms"]
    assert relative.target_units[:7] == dataset.target_units[:7]
    assert relative.select_targets(["cv", "U0"])[:2].target_units == ["cal/(mol K)", "eV relative to free atoms"]
    torch.testing.assert_close(one.subtract_atom_reference().y, relative.y[:, 10:11], rtol=1e-12, atol=0)
    torch.testing.assert_close(relative.y, torch.cat([data.y for data in relative]))
    with pytest.raises(ValueError, match="already"):
        relative.subtract_atom_reference()


def test_a_pre_transform_sees_the_files_digits(tmp_path: Path, package: list[Path]) -> None:
    class Nothing:
        def __call__(self, data: Data) -> Data:
            return data

        def __repr__(self) -> str:
            return "Nothing()"

    plain, transformed = QM9(tmp_path, progress=False), QM9(tmp_path, pre_transform=Nothing(), progress=False)
    one, other = plain.subtract_atom_reference(), transformed.subtract_atom_reference()
    assert all(same(a, b, 0) for a, b in zip(one, other, strict=True))


def test_a_row_whose_geometry_is_another_molecule_is_reported(tmp_path: Path, package: list[Path]) -> None:
    text = package[0].read_text()
    package[0].write_text(text.replace('"C#C"', '"C#N"'))
    dataset = QM9(tmp_path, progress=False)
    assert dataset.failures == [(3, "C#N", "the elements of its graph and of its geometry differ")]
    assert dataset.row.tolist() == [row for row in range(len(MOLECULES)) if row != 3]
    torch.testing.assert_close(dataset[3].y, expected_y(MOLECULES[4]), rtol=1e-6, atol=0)


def test_a_subset_is_always_the_same(tmp_path: Path, package: list[Path]) -> None:
    five = QM9(tmp_path, max_molecules=5, progress=False)
    again = QM9(tmp_path, max_molecules=5, force_reload=True, progress=False)
    assert five.row.tolist() == again.row.tolist() == sorted(set(five.row.tolist()))
    assert len(five) == 5
    whole = QM9(tmp_path, progress=False)
    assert all(same(data, whole[int(data.row)], 0) for data in five)


def test_the_split_is_of_all_of_qm9(tmp_path: Path, package: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="130831 molecules, the raw files hold 12"):
        QM9(tmp_path, progress=False).get_split()
    monkeypatch.setattr(qm9, "NUM_MOLECULES", 12)
    monkeypatch.setattr(qm9, "SPLIT_SIZES", (6, 4))
    whole, five = QM9(tmp_path, progress=False), QM9(tmp_path, max_molecules=5, progress=False)
    rows = {part: set(positions.tolist()) for part, positions in whole.get_idx_split().items()}
    assert [len(rows[part]) for part in ("train", "valid", "test")] == [6, 4, 2]
    for part, positions in five.get_idx_split().items():
        assert set(five.row[positions].tolist()) == rows[part] & set(five.row.tolist())


@pytest.mark.parametrize("arguments", [{"source": "zip"}, {"max_molecules": 0}])
def test_refuses(tmp_path: Path, arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        QM9(tmp_path, **arguments)  # type: ignore[arg-type]


def test_batches_in_a_data_loader(tmp_path: Path, package: list[Path]) -> None:
    dataset = QM9(tmp_path, progress=False)
    (batch,) = DataLoader(dataset, batch_size=len(dataset))
    assert batch.y.shape == (len(MOLECULES), 12)
    assert all(same(batch[i], dataset[i], 0) for i in range(len(dataset)))


@pytest.mark.skipif(package_files() is None, reason="needs the package qm9pack")
def test_real_molecules_are_those_of_another_copy_of_qm9(tmp_path: Path, shared_data: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dataset = QM9(tmp_path, "qm9pack", max_molecules=400, progress=False)
    table = pd.read_csv(shared_data / "qm9" / "qm9.csv.gz")
    copy = np.load(shared_data / "qm9" / "qm9_geometry.npz")
    ends = np.concatenate([[0], np.cumsum(copy["n_atoms"].astype(int))])
    z, pos = copy["z"], copy["pos"]
    assert (len(dataset), dataset.facts["rows"]) == (400, len(table))
    for data in dataset:
        atoms = slice(*ends[int(data.row) : int(data.row) + 2])
        np.testing.assert_allclose(data.pos, pos[atoms][z[atoms] > 1], atol=1e-4)
        np.testing.assert_array_equal(data.x[:, 0] + 1, z[atoms][z[atoms] > 1])
    rows = table.iloc[dataset.row.numpy()]
    assert dataset.smiles == rows["smiles"].tolist()
    np.testing.assert_allclose(dataset.y[:, 4], rows["gap"] * HAR2EV, rtol=1e-6)
    np.testing.assert_allclose(dataset.y[:, 7], rows["u0"] * HAR2EV, rtol=1e-6)
    relative = dataset.subtract_atom_reference()
    np.testing.assert_allclose(relative.y[:, 7], rows["u0_atom"] * HAR2EV / 627.509, atol=2e-5)
    sizes = {part: len(positions) for part, positions in dataset.get_idx_split().items()}
    assert sum(sizes.values()) == 400
    assert sizes["train"] > 300
    assert min(sizes.values()) > 10
