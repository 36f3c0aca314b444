import pytest
import samples
import torch
from torch import Tensor

from pyg_moleblend.nn.objectives.base import Outcome, RecoveryState
from pyg_moleblend.nn.objectives.field import LIMIT, FieldObjective, Level, unpacked

NAN = float("nan")


class Reading(FieldObjective):
    def __init__(self, level: Level, size: int, standardize: bool = True) -> None:
        super().__init__(level, "it", size, standardize)

    def forward(self, state: RecoveryState) -> Tensor:
        raise NotImplementedError

    def judge(self, prediction: Tensor, state: RecoveryState) -> Outcome:
        raise NotImplementedError


def test_it_asks_for_its_field_at_its_level():
    asked = {level: (r.pair_fields, r.atom_fields, r.graph_fields) for level in ("pair", "atom", "graph")
             for r in [Reading(level, 1)]}  # fmt: skip
    assert asked == {"pair": (("it",), (), ()), "atom": ((), ("it",), ()), "graph": ((), (), ("it",))}


def test_median_and_range_of_each_column():
    normal = torch.randn(20_001, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3 + 5
    mostly = torch.zeros(20_001, dtype=torch.float64)
    mostly[:200] = 10.0
    nothing = torch.full_like(mostly, NAN)
    constant = torch.full_like(mostly, 7.0)
    objective = Reading("graph", 4)
    objective.fit(torch.stack([normal, mostly, nothing, constant], 1))
    assert objective.center.tolist() == pytest.approx([5.0, 0.0, 0.0, 7.0], abs=0.1)
    # A column that is nearly always 0 has no interquartile range: its deviation from the median counts.
    assert objective.scale.tolist() == pytest.approx([3.0, (200 * 100 / 20_001) ** 0.5, 1.0, 1.0], rel=0.02)
    assert bool(objective.fitted)


def test_unknown_numbers_and_padding_are_not_known():
    molecules = samples.packed_with({"it": torch.tensor([[1.0, NAN], [float("inf"), 4.0]])}, 2)
    values = Reading("graph", 2).values(molecules)
    assert values.known.tolist() == [[True, False], [False, True]]
    assert values.value.tolist() == [[1.0, 0.0], [0.0, 4.0]]
    atoms = molecules._replace(atoms={"it": torch.ones(*molecules.mask.shape)})
    assert torch.equal(Reading("atom", 1).values(atoms).known[..., 0], molecules.mask)


def test_standardised_numbers_are_cut():
    objective = Reading("graph", 1)
    objective.fit(torch.arange(101.0)[:, None])
    molecules = samples.packed_with({"it": torch.tensor([[1e9], [-1e9], [50.0]])}, 3)
    assert objective.standardized(objective.values(molecules)).flatten().tolist() == [LIMIT, -LIMIT, 0.0]


def test_a_row_has_as_many_numbers_as_was_said():
    molecules = samples.packed_with({"it": torch.zeros(2, 3)}, 2)
    with pytest.raises(ValueError, match=r"field 'it' must have 2 numbers a row, got \[2, 3\]"):
        Reading("graph", 2).values(molecules)
    bytes_ = samples.packed_with({"it": torch.zeros(2, 128, dtype=torch.uint8)}, 2)
    with pytest.raises(ValueError, match=r"must have 2048 bits a row, 256 bytes where packed, got \[2, 128\]"):
        Reading("graph", 2048).values(bytes_, packed=True)


@pytest.mark.parametrize("size", [0, -1, 2.0])
def test_a_size_is_a_positive_integer(size: int):
    with pytest.raises(ValueError, match="`size` must be a positive integer"):
        Reading("graph", size)


def test_bits_are_unpacked_as_numpy_packs_them():
    import numpy as np

    bits = np.random.default_rng(0).integers(0, 2, (5, 21)).astype(bool)
    packed = torch.from_numpy(np.packbits(bits, axis=1))
    assert unpacked(packed, 21).tolist() == bits.tolist()
