from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from pyg_moleblend.chem import Conformers, generate_conformer, parse_smiles
from pyg_moleblend.datasets.base import store
from pyg_moleblend.datasets.benchmark import BenchmarkDataset
from pyg_moleblend.datasets.cached import Built
from pyg_moleblend.datasets.shards import resumable
from pyg_moleblend.transforms import AddRelations

SMILES = ["CCO", "C1CC", "CCN", "CC(C)O"]


class Sets(BenchmarkDataset):
    names = ("Small", "large")
    metric = "rocauc"

    @property
    def raw_file_names(self) -> Sequence[str]:
        return ["rows.smi"]

    def build(self) -> Built:
        reading = self.read_smiles(Path(self.raw_paths[0]).read_text().split())
        facts = {"target_names": ["a"], "conformer_errors": reading.conformer_errors}
        return Built(store(reading), reading.failures, facts)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "rows.smi").write_text("\n".join(SMILES))
    return tmp_path


def test_a_set_is_named_in_any_case(root: Path) -> None:
    dataset = Sets(root, "small", progress=False)
    assert (dataset.name, dataset.task_type, dataset.target_names) == ("Small", "classification", ["a"])
    assert dataset.smiles == ["CCO", "CCN", "CC(C)O"]
    assert [failure.row for failure in dataset.failures] == [1]
    assert bool(dataset[0].pos.isnan().all())
    with pytest.raises(ValueError, match=r"`name` must be one of \['Small', 'large'\], got 'other'"):
        Sets(root, "other")


def test_everything_that_the_molecules_depend_on_is_in_the_folders_name(root: Path) -> None:
    others = [{}, {"hydrogens": "add"}, {"conformers": Conformers()}, {"conformers": Conformers(seed=1)}]
    made = [Sets(root, name, progress=False, **other) for other in others for name in Sets.names]
    assert len({dataset.processed_dir for dataset in made}) == len(made)
    assert made[2][0].num_nodes == 9


def test_conformers_are_found_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = Sets(root, "small", conformers=Conformers(seed=3), progress=False)
    for data in dataset:
        expected = generate_conformer(parse_smiles(data.smiles), 3).GetConformer().GetPositions()
        assert torch.equal(data.pos, torch.tensor(expected).float())
    monkeypatch.setattr(resumable.ReadChunk, "__call__", None)
    again = Sets(root, "small", conformers=Conformers(seed=3), pre_transform=AddRelations(), progress=False)
    assert torch.equal(again[2].pos, dataset[2].pos)
    (root / "raw" / "rows.smi").write_text("CCF")  # other rows are other conformers
    with pytest.raises(TypeError):
        Sets(root, "small", conformers=Conformers(seed=3), progress=False)
