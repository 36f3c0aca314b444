import pytest
import torch
from torch_geometric.data import Data

from benchmarks.geometry import CORRUPTIONS, SWAPPED, measure, swapped


def line(count: int, step: float) -> Data:
    return Data(num_nodes=count, pos=step * torch.arange(count)[:, None].expand(count, 3).float())


def test_a_geometry_goes_to_the_next_molecule_of_its_size():
    three, other, four = line(3, 1.0), line(3, 2.0), line(4, 1.0)
    found = swapped([three, four, other])
    assert [data.pos.tolist() for data in found] == [other.pos.tolist(), three.pos.tolist()]
    assert three.pos[1, 0] == 1.0


def test_corruptions_change_what_they_say():
    pos, draw = line(5, 1.5).pos, torch.Generator().manual_seed(0)
    changed = {name: corrupt(pos, draw) for name, corrupt in CORRUPTIONS.items()}
    assert (changed["two atoms exchanged"] != pos).any(1).sum() == 2
    assert sorted(changed["atoms in another order"][:, 0].tolist()) == pos[:, 0].tolist()
    assert changed["stretched by a tenth"].tolist() == (1.1 * pos).tolist()
    assert 0 < (changed["noise of 0.1 Å"] - pos).abs().mean() < (changed["noise of 0.3 Å"] - pos).abs().mean()


def test_areas_are_of_sound_molecules_against_wrong_ones():
    sound = [line(4, step) for step in (1.0, 1.01, 1.02)]

    def stretch(molecules):  # 1.06 and more for the stretched, 1.02 at most for the sound
        return torch.tensor([(data.pos.max() - data.pos.min()).item() / 3 for data in molecules]) / 1.05

    found = measure(stretch, sound)
    assert found["molecules"] == 3
    assert found["roc_auc"]["stretched by a tenth"] == 1.0
    assert found["roc_auc"][SWAPPED] == pytest.approx(0.5)
    assert found["told"]["sound"] == 0.0
    assert found["told"]["stretched by a tenth"] == 1.0
