import samples
import torch

from pyg_moleblend.models import DenseEncoderOutput
from pyg_moleblend.nn import GraphTokenReadout
from pyg_moleblend.utils import pack


def test_the_graph_tokens_state_is_given_as_it_is():
    readout, molecules = GraphTokenReadout(5), pack(samples.batch_of(samples.molecules(3)))
    output = DenseEncoderOutput(torch.randn(3, 5), torch.randn(*molecules.mask.shape, 5), torch.zeros(()))
    assert readout.out_channels == 5
    assert torch.equal(readout(output, molecules), output.graph)
    assert not list(readout.parameters())
