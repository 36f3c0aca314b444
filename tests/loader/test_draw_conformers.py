import pytest
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.loader.draw_conformers import draw_conformers, hashed

K = 3


def molecule(row: int, smiles: str = "CCO", there: tuple[bool, ...] = (True,) * K):
    data = from_smiles(smiles)
    data.row = torch.tensor([row])
    size = len(data.x)
    # Conformer k of row r is r + k / 10 throughout.
    data.conformers = (row + torch.arange(K) / 10).expand(size, K)[:, :, None].repeat(1, 1, 3)
    data.conformers[:, ~torch.tensor(there)] = torch.nan
    data.pos = data.conformers[:, 0].clone()
    return data


def drawn(batch: Batch) -> dict[int, float]:
    r"""The conformer that each row has, as k / 10."""
    found = {}
    for data in batch.to_data_list():
        assert (data.pos == data.pos[0, 0]).all() or data.pos.isnan().all()
        found[int(data.row)] = round(data.pos[0, 0].item() - int(data.row), 3)
    return found


MOLECULES = [molecule(row, "C" * (1 + row % 5)) for row in range(300)]


def test_the_draw_is_the_molecules_whatever_its_batch() -> None:
    whole = drawn(draw_conformers(Batch.from_data_list(MOLECULES), 7, 3))
    parts = {}
    for start in range(0, 300, 100):
        batch = Batch.from_data_list(MOLECULES[start : start + 100][::-1])
        parts.update(drawn(draw_conformers(batch, 7, 3)))
        assert batch.conformers.shape[1] == K  # the input is as it was
    assert parts == whole
    counts = torch.tensor([list(whole.values()).count(k / 10) for k in range(K)])
    assert counts.min() > 70  # of 300, expected 100 of each


def test_every_epoch_and_every_seed_draws_again() -> None:
    batch = Batch.from_data_list(MOLECULES)
    first, *others = [drawn(draw_conformers(batch, *place)) for place in ((7, 0), (7, 1), (8, 0))]
    for other in others:
        same = sum(first[row] == other[row] for row in first)
        assert 60 < same < 140  # a third
    assert drawn(draw_conformers(batch, 7, 0)) == first


def test_only_what_is_there_is_drawn() -> None:
    there = [(True, False, True), (True, False, False), (False, True, True), (False,) * 3]
    batch = Batch.from_data_list([molecule(row, there=there[row % 4]) for row in range(200)])
    seen = [set(), set(), set(), set()]
    result = draw_conformers(batch, 0, 0)
    for data in result.to_data_list():
        row = int(data.row)
        seen[row % 4].add(round(data.pos[0, 0].item() - row, 3) if data.pos.isfinite().all() else None)
    assert seen == [{0.0, 0.2}, {0.0}, {0.1, 0.2}, {None}]
    assert "conformers" not in result


def test_without_conformers_nothing_is_drawn() -> None:
    batch = Batch.from_data_list([from_smiles("CCO")])
    assert draw_conformers(batch, 0, 0) is batch
    data = molecule(0)
    del data.row
    with pytest.raises(ValueError, match="drawn by `row`"):
        draw_conformers(Batch.from_data_list([data]), 0, 0)


def test_hash_is_splitmix64() -> None:
    def plain(seed: int, number: int) -> int:
        wrap = (1 << 64) - 1
        x = ((number + 1) * 0x9E3779B97F4A7C15 + seed) & wrap
        x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & wrap
        x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & wrap
        return (x ^ (x >> 31)) >> 1

    numbers = [0, 1, 2, 10**9, 2**62]
    for seed in (0, 12345, 2**63 - 1):
        assert hashed(seed, torch.tensor(numbers)).tolist() == [plain(seed, number) for number in numbers]
