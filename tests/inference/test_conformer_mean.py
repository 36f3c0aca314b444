import pytest
import torch
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference.conformer_mean import conformer_mean

CONFORMERS = {"CC": [1.0, 2.0, 6.0], "C": [4.0, None, None], "CCC": [None, 3.0, 5.0], "N": [None, None, None]}


def batch() -> Batch:
    r"""Molecules whose coordinates are one number throughout, conformer by conformer."""
    molecules = []
    for smiles, values in CONFORMERS.items():
        data = from_smiles(smiles)
        numbers = torch.tensor([torch.nan if value is None else value for value in values])
        data.conformers = numbers.expand(data.num_nodes, 3)[:, :, None].repeat(1, 1, 3)
        data.pos = data.conformers[:, 0].clone()
        molecules.append(data)
    return Batch.from_data_list(molecules)


def first_coordinate(batch: Batch) -> torch.Tensor:
    r"""``[B, 1]``; -1 for a molecule without coordinates."""
    return batch.pos[batch.ptr[:-1], :1].nan_to_num(-1)


def test_mean_and_deviation_are_over_the_conformers_that_are_there():
    means = conformer_mean(first_coordinate, spread=False)(batch())
    assert means.flatten().tolist() == pytest.approx([3.0, 4.0, 4.0, -1.0])
    both = conformer_mean(first_coordinate, spread=True)(batch())
    assert both[:, 0].tolist() == means.flatten().tolist()
    deviation = torch.tensor([1.0, 2.0, 6.0]).std(correction=0).item()
    assert both[:, 1].tolist() == pytest.approx([deviation, 0.0, 1.0, 0.0])


def test_a_batch_without_conformers_is_computed_as_it_is():
    given = batch()
    del given.conformers
    assert conformer_mean(first_coordinate, spread=False)(given).flatten().tolist() == [1.0, 4.0, -1.0, -1.0]
    assert conformer_mean(first_coordinate, spread=True)(given)[:, 1].tolist() == [0.0] * 4
