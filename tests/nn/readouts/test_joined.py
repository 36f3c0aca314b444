import pytest
import torch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.components import build, describe
from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.nn import EnvironmentReadout, GraphTokenReadout, JoinedReadout, PooledReadout


def test_vectors_stand_one_behind_the_other():
    torch.manual_seed(0)
    encoder = MoleBlend(MoleBlendConfig(channels=8, num_layers=2, heads=2, ffn_channels=8)).eval()
    parts = {"pooled": PooledReadout(8), "environments": EnvironmentReadout(8, (1,), 5), "token": GraphTokenReadout(8)}
    joined = JoinedReadout(8, parts)
    molecules = encoder.pack(from_smiles("CCO"), "2d")
    with torch.no_grad():
        expected = [part(part.encode(encoder, molecules), molecules) for part in parts.values()]
        found = joined(joined.encode(encoder, molecules), molecules)
    torch.testing.assert_close(found, torch.cat(expected, -1))
    assert joined.sizes == {"pooled": 24, "environments": 5, "token": 8}
    assert joined.out_channels == found.size(1) == 37


def test_is_described_and_built_again():
    joined = JoinedReadout(8, {"pooled": PooledReadout(8, 3.0), "environments": EnvironmentReadout(8, (1,), 5)})
    again = build(describe(joined))
    assert again.sizes == joined.sizes
    assert again.readouts["pooled"].sum_scale == 3.0


def test_fields_are_those_of_all_parts():
    class Charge(GraphTokenReadout):
        atom_fields = ("charge",)

    assert JoinedReadout(8, {"a": Charge(8), "b": GraphTokenReadout(8)}).atom_fields == ("charge",)


def test_parts_are_readouts_of_one_encoder():
    with pytest.raises(ValueError, match="at least one readout"):
        JoinedReadout(8, {})
    with pytest.raises(ValueError, match="the readout 'a' was built for channels=4"):
        JoinedReadout(8, {"a": PooledReadout(4)})

    class Deeper(GraphTokenReadout):
        def encode(self, encoder, molecules, blend=None):
            return encoder.encode(molecules)

    with pytest.raises(ValueError, match=r"different outputs cannot be joined: \['a', 'b'\]"):
        JoinedReadout(8, {"a": EnvironmentReadout(8, (1,), 5), "b": Deeper(8)})
    with pytest.raises(ValueError, match="readout 'a' must be of the class Readout"):
        JoinedReadout(8, {"a": torch.nn.Linear(8, 8)})
