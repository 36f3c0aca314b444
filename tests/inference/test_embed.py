import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.inference import embed
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import EnvironmentReadout, PooledReadout, SPDBias


def test_embeddings_are_the_graph_token_of_any_model(model, config, tmp_path):
    encoder = model.encoder
    with torch.no_grad():
        expected = encoder(from_smiles("CCO"), "2d").graph[0].tolist()
    pretraining = MoleBlendForPretraining(config, encoder)
    for number, kind in enumerate((encoder, pretraining, model)):
        folder = save_pretrained(kind, tmp_path / str(number))
        frame = embed(folder, ["xx", "CCO"], modality="2d", device="cpu")
        assert list(frame) == ["id", "smiles", *(f"e{i}" for i in range(16)), "status"]
        assert frame.loc[1, "e0":"e15"].tolist() == pytest.approx(expected, rel=1e-4, abs=1e-4)
        assert frame.loc[0, "e0":"e15"].isna().all()


def test_embeddings_are_what_a_readout_makes(model, tmp_path):
    folder, data = save_pretrained(model, tmp_path), from_smiles("CCO")
    with torch.no_grad():
        packed = model.encoder.pack(data, "2d")
        output = model.encoder.encode_with_hidden_states(packed)
    environment = EnvironmentReadout(16, (1,), 5)
    for given, readout in ((PooledReadout, PooledReadout(16)), (environment, environment)):
        frame = embed(folder, ["xx", "CCO"], modality="2d", device="cpu", readout=given)
        expected = readout(output, packed)[0].tolist()
        assert frame.loc[1, "e0" : f"e{readout.out_channels - 1}"].tolist() == pytest.approx(expected, abs=1e-4)
        assert list(frame)[-2:] == [f"e{readout.out_channels - 1}", "status"]
    with pytest.raises(ValueError, match="the readout was built for channels=8, but its model has channels=16"):
        embed(folder, ["CCO"], readout=PooledReadout(8))


def test_a_component_of_another_kind_is_no_readout(folder):
    with pytest.raises(ValueError, match=r"the readout must be a Readout, such as GraphTokenReadout, got a SPDBias"):
        embed(folder, ["CCO"], readout=SPDBias)
