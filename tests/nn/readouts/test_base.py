from typing import Any

import pytest
import samples
import torch
from torch import Tensor, nn

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.nn import Readout
from pyg_moleblend.utils import DenseMolecules


class Weighted(Readout):
    r"""A weighted mean of the atoms, and a number that is known of each molecule."""

    atom_fields = ("weight",)
    graph_fields = ("charge",)

    def __init__(self, channels: int, width: int = 3) -> None:
        super().__init__()
        self.out_channels = width + 1
        self.linear = nn.Linear(channels, width)

    def forward(self, output: Any, molecules: DenseMolecules) -> Tensor:
        weight = molecules.atoms["weight"] * molecules.mask
        mean = (weight[..., None] * torch.nan_to_num(output.atoms)).sum(1) / weight.sum(1, keepdim=True)
        return torch.cat([self.linear(mean), molecules.graphs["charge"][:, None]], -1)


def weighted_batch() -> Any:
    graphs = samples.molecules(4)
    for number, graph in enumerate(graphs):
        graph.weight = torch.arange(graph.num_nodes) + 1.0
        graph.charge = torch.tensor([float(number)])
    return samples.batch_of(graphs)


def test_a_readout_must_say_what_it_reads_out():
    class Incomplete(Readout):
        pass

    with pytest.raises(TypeError, match="forward"):
        Incomplete()


def test_children_are_reset_unless_a_subclass_says_otherwise():
    readout = Weighted(4)
    before = readout.linear.weight.clone()
    readout.reset_parameters()
    assert not torch.equal(readout.linear.weight, before)


def test_a_readout_of_ones_own_predicts_from_the_fields_that_it_names():
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 2, readout=Weighted(16)))
    batch = weighted_batch()
    output, states = model(batch), model.encoder(batch).atoms
    assert model.dense.in_features == 4
    for number in range(4):
        own = batch.batch == number
        mean = (batch.weight[own, None] * states[own]).sum(0) / batch.weight[own].sum()
        vector = torch.cat([model.readout.linear(mean), torch.tensor([float(number)])])
        samples.assert_same(output[number], model.out(torch.nn.functional.gelu(model.dense(vector))))
    for name, level in (("weight", "atom"), ("charge", "graph")):
        without = batch.clone()
        del without[name]
        with pytest.raises(ValueError, match=f"no {level} field '{name}'"):
            model(without)


def test_it_is_saved_and_loaded_with_its_model(tmp_path):
    model = samples.randomized(MoleBlendForPropertyPrediction(samples.tiny_config(), 2, readout=Weighted(16, width=5)))
    save_pretrained(model, tmp_path)
    with pytest.raises(ValueError, match=r"'Weighted'.*components=\[Weighted\]"):
        from_pretrained(tmp_path)
    again = from_pretrained(tmp_path, components=[Weighted])
    assert type(again.readout) is Weighted
    assert torch.equal(again(weighted_batch()), model(weighted_batch()))


def test_reset_of_the_head_reaches_the_readout():
    model = MoleBlendForPropertyPrediction(samples.tiny_config(), 2, readout=Weighted(16))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.reset_head()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"readout.linear.weight", "readout.linear.bias", "dense.weight", "out.weight"}  # biases are 0
