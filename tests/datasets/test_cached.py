import json
import pickle
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from batches import assert_same_batch, assert_same_data
from own_fields import AddOwn
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.datasets import cached
from pyg_moleblend.datasets.base import store
from pyg_moleblend.datasets.cached import Built, CachedMoleculeDataset
from pyg_moleblend.datasets.io import failures
from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.runtime.files import digest
from pyg_moleblend.transforms import AddRelations


class Listed(CachedMoleculeDataset):
    r"""A SMILES a line."""

    builds = 0

    def __init__(self, root: Path, start: int = 0, **arguments: Any) -> None:
        self.start = start
        super().__init__(root, progress=False, **arguments)

    raw_file_names = ("smiles.txt",)

    def parameters(self) -> dict[str, Any]:
        return {"start": self.start}

    def download(self) -> None:
        Path(self.raw_paths[0]).write_text("CCO\nC1CC\nN\nc1ccccc1\n")

    def build(self) -> Built:
        type(self).builds += 1
        reading = read_molecules(Path(self.raw_paths[0]).read_text().split("\n")[self.start : -1])
        return Built(store(reading), reading.failures, {"lines": 4})


class HasBonds:
    def __call__(self, data: Data) -> bool:
        return bool(data.num_edges)

    def __repr__(self) -> str:
        return "HasBonds()"


class Never:
    def __call__(self, data: Data) -> bool:
        return False

    def __repr__(self) -> str:
        return "Never()"


@pytest.fixture(autouse=True)
def _count() -> None:
    Listed.builds = 0


def test_is_built_once(tmp_path: Path) -> None:
    first, second = Listed(tmp_path), Listed(tmp_path)
    assert Listed.builds == 1
    assert first.smiles == second.smiles == ["CCO", "N", "c1ccccc1"]
    assert first.failures == second.failures
    assert [(failure.row, failure.input) for failure in second.failures] == [(1, "C1CC")]
    assert second.facts == {"lines": 4}
    assert str(second) == "Listed(3)"
    Listed(tmp_path, force_reload=True)
    assert Listed.builds == 2


def test_processed_files_can_be_read_by_people_and_hold_no_pickled_code(tmp_path: Path) -> None:
    folder = Path(Listed(tmp_path).processed_dir)
    assert sorted(path.name for path in folder.iterdir()) == ["data.pt", "failures.csv", "manifest.json"]
    assert (folder / "failures.csv").read_text().startswith("row,input,reason\n1,C1CC,")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["parameters"] == {"start": 0}
    assert {"rdkit", "pyg_moleblend", "pre_transform"} <= manifest.keys()


@pytest.mark.parametrize(
    "change",
    [
        {"start": 1},
        {"pre_transform": AddRelations()},
        {"pre_transform": AddRelations(max_path_length=2)},
        {"pre_filter": HasBonds()},
    ],
)
def test_other_arguments_are_other_files(tmp_path: Path, change: dict[str, Any]) -> None:
    others = [Listed(tmp_path), Listed(tmp_path, pre_transform=AddRelations(max_path_length=3))]
    changed = Listed(tmp_path, **change)
    assert Listed.builds == 3
    assert changed.processed_dir not in {other.processed_dir for other in others}
    Listed(tmp_path, **change)
    assert Listed.builds == 3


def test_other_versions_are_other_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Listed(tmp_path)
    monkeypatch.setattr(cached.rdkit, "__version__", "1999.09.1")
    assert Listed(tmp_path).processed_dir != before.processed_dir
    monkeypatch.undo()
    monkeypatch.setattr(cached.pyg_moleblend, "__version__", "0.0.0")
    assert Listed(tmp_path).processed_dir != before.processed_dir
    assert Listed.builds == 3


def test_pre_transform_and_pre_filter_are_applied(tmp_path: Path) -> None:
    dataset = Listed(tmp_path, pre_transform=AddRelations(), pre_filter=HasBonds())
    assert dataset.row.tolist() == [0, 3]
    assert dataset[0].spd.tolist() == [0, 1, 2, 1, 0, 1, 2, 1, 0]
    with pytest.raises(ValueError, match="leaves no molecule of 3"):
        Listed(tmp_path, pre_filter=Never())


def test_what_cannot_be_told_from_others_is_processed_each_time(tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="give it a `__repr__`"):
        one = Listed(tmp_path, pre_filter=lambda data: data.num_nodes == 1)
    with pytest.warns(UserWarning, match="give it a `__repr__`"):
        six = Listed(tmp_path, pre_filter=lambda data: data.num_nodes == 6)
    assert (one.smiles, six.smiles) == (["N"], ["c1ccccc1"])


@pytest.mark.parametrize("name", ["data.pt", "failures.csv", "manifest.json"])
def test_an_interrupted_run_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write = cached.atomic_write

    def interrupted(path: Path, mode: str = "wb") -> Any:
        if path.name == name:
            raise KeyboardInterrupt
        return write(path, mode)

    Listed(tmp_path)
    for module in (cached, failures):
        monkeypatch.setattr(module, "atomic_write", interrupted)
    for root in (tmp_path, tmp_path / "new"):
        with pytest.raises(KeyboardInterrupt):
            Listed(root, force_reload=True)
    monkeypatch.undo()
    Listed.builds = 0
    for root in (tmp_path, tmp_path / "new"):
        assert Listed(root).smiles == ["CCO", "N", "c1ccccc1"]
    assert Listed.builds == 2


def test_of_several_processes_one_builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    build = Listed.build

    def slow(self: Listed) -> Built:
        time.sleep(0.3)
        return build(self)

    monkeypatch.setattr(Listed, "build", slow)
    with ThreadPoolExecutor(3) as pool:  # each opens the lock for itself, as processes do
        datasets = list(pool.map(Listed, [tmp_path] * 3))
    assert Listed.builds == 1
    assert [dataset.smiles for dataset in datasets] == [["CCO", "N", "c1ccccc1"]] * 3


def test_raw_files_may_be_gone_but_not_be_others(tmp_path: Path) -> None:
    raw = Path(Listed(tmp_path).raw_paths[0])
    raw.write_text("CCO\nN\n")
    assert Listed(tmp_path).smiles == ["CCO", "N"]
    raw.unlink()
    assert Listed(tmp_path).smiles == ["CCO", "N"]
    assert not raw.exists()
    assert Listed.builds == 2


def test_one_changed_character_of_a_raw_file_is_another_file(tmp_path: Path) -> None:
    raw = tmp_path / "raw" / "smiles.txt"
    assert Listed(tmp_path).smiles[0] == "CCO"
    raw.write_text(raw.read_text().replace("CCO", "CCN"))
    assert Listed(tmp_path).smiles[0] == "CCN"
    raw.touch()
    Listed(tmp_path)
    assert Listed.builds == 2  # touched, but not changed


@pytest.mark.parametrize("name", ["data.pt", "failures.csv", "manifest.json"])
@pytest.mark.parametrize("cut", [True, False])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, cut: bool) -> None:
    path = Path(Listed(tmp_path).processed_dir) / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(path.read_bytes()[:-10] if cut else content)
    with pytest.raises(ValueError, match=rf"{name} is damaged; .*force_reload=True"):
        Listed(tmp_path)
    assert len(Listed(tmp_path, force_reload=True)) == 3


class Payload:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("executed"),))


def test_nothing_in_the_folder_is_executed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(Listed(tmp_path).processed_dir)
    torch.save((Payload(), {}), folder / "data.pt")
    (folder / "pre_transform.pt").write_bytes(pickle.dumps(Payload()))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["files"]["data.pt"] = digest(folder / "data.pt")._asdict()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(pickle.UnpicklingError):
        Listed(tmp_path)
    assert not Path("executed").exists()


def test_an_argument_that_the_repr_hides_makes_no_stale_molecules(tmp_path: Path) -> None:
    class Scale(BaseTransform):
        def __init__(self, by: float) -> None:
            self.by = by

        def forward(self, data: Data) -> Data:
            data.scaled = torch.tensor([self.by])
            return data

    for by in (2.0, 3.0):
        with pytest.warns(UserWarning, match=r"Scale\(\) does not tell its arguments \['by'\]"):
            dataset = Listed(tmp_path, pre_transform=Scale(by))
        assert dataset[0].scaled.tolist() == [by]


def test_own_fields_of_every_level_are_kept(tmp_path: Path) -> None:
    plain, dataset = Listed(tmp_path), Listed(tmp_path, pre_transform=AddOwn(2.0))
    assert Listed(tmp_path, pre_transform=AddOwn(2.0)).processed_dir == dataset.processed_dir
    assert Listed.builds == 2
    assert dataset._data.own_count.dtype == torch.int16  # stored in the smallest type, given as it is declared
    expected = [AddOwn(2.0)(data) for data in plain]
    for data, wanted in zip(dataset, expected, strict=True):
        assert_same_data(data, wanted)
    assert_same_batch(dataset.get_batch([2, 0, 2]), Batch.from_data_list([expected[i] for i in (2, 0, 2)]))
