import pytest
import torch

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference import embed
from pyg_moleblend.models import MoleBlend, MoleBlendConfig, MoleBlendForEmbedding
from pyg_moleblend.nn import PooledReadout


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return MoleBlend(MoleBlendConfig(channels=8, num_layers=1, heads=2, ffn_channels=8)).eval()


def test_vectors_are_what_the_readout_makes(encoder):
    data = from_smiles("CCO")
    with torch.no_grad():
        torch.testing.assert_close(MoleBlendForEmbedding(encoder)(data, "2d"), encoder(data, "2d").graph)
        assert MoleBlendForEmbedding(encoder, PooledReadout(8))(data, "2d").shape == (1, 24)


def test_is_saved_with_its_readout(encoder, tmp_path):
    model = MoleBlendForEmbedding(encoder, PooledReadout(8)).eval()
    again = from_pretrained(save_pretrained(model, tmp_path))
    data = from_smiles("CCO")
    with torch.no_grad():
        assert torch.equal(again(data), model(data))
    frame = embed(tmp_path, ["CCO"], modality="2d", device="cpu")
    assert list(frame)[-2] == "e23"  # the readout that was saved, where none is given
    assert list(embed(tmp_path, ["CCO"], modality="2d", device="cpu", readout=PooledReadout(8, 2.0)))[-2] == "e23"


def test_a_readout_of_another_encoder_is_refused(encoder):
    with pytest.raises(ValueError, match="the readout was built for channels=4, but its model has channels=8"):
        MoleBlendForEmbedding(encoder, PooledReadout(4))
