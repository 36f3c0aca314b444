r"""An encoder of one's own, which has ``encode`` and nothing else, under both heads."""

from typing import NamedTuple

import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, save_pretrained
from pyg_moleblend.components import arguments_of, register
from pyg_moleblend.models import MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import (
    Blend,
    Denoising,
    DistanceRecovery,
    MoleculeBlending,
    PairBlending,
    PooledReadout,
    SPDRecovery,
)
from pyg_moleblend.nn.blending import chosen_enters
from pyg_moleblend.utils import DenseMolecules

C = 16
EVERYTHING = MoleculeBlending({"2d+3d": 1.0})


class States(NamedTuple):
    graph: Tensor
    atoms: Tensor


@register("tests-counting-encoder")
class Counting(nn.Module):
    r"""Each atom knows its element, its degree and how far the molecule's centre is."""

    def __init__(self, channels: int, scale: float = 1.0) -> None:
        super().__init__()
        self.elements = nn.Embedding(119, channels)
        self.linear = nn.Linear(2, channels)
        self.scale = scale

    def encode(self, molecules: DenseMolecules, blend: Blend | None = None) -> States:
        mask = molecules.mask[..., None]
        centre = (molecules.pos * mask).sum(1, keepdim=True) / mask.sum(1, keepdim=True)
        away = (molecules.pos - centre).square().sum(-1) * molecules.has_3d[:, None]
        if blend is not None:
            away = away * chosen_enters(blend.atom_feature, 1, "3d")
        own = self.linear(torch.stack([molecules.degree.float(), away], -1))
        atoms = self.scale * (self.elements(molecules.x[..., 0].long()) + own)
        atoms = atoms.masked_fill(~mask, float("nan"))  # whatever padding holds
        return States(atoms.nan_to_num().mul(mask).sum(1) / mask.sum(1), atoms)


def batch() -> Batch:
    return Batch.from_data_list(samples.molecules(4))


def predictor(**arguments: object) -> MoleBlendForPropertyPrediction:
    return MoleBlendForPropertyPrediction(samples.tiny_config(), 2, Counting(C), **arguments)


def pretraining(blending: object = EVERYTHING) -> MoleBlendForPretraining:
    objectives = {"spd": SPDRecovery(C), "distance": DistanceRecovery(C), "denoising": Denoising(C, 4)}
    return MoleBlendForPretraining(samples.tiny_config(), Counting(C), objectives, blending)


def trained(model: nn.Module, steps: int = 20) -> list[float]:
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-2), []
    for _ in range(steps):
        if isinstance(model, MoleBlendForPretraining):
            loss = model.step(batch(), generator=torch.Generator().manual_seed(0)).loss
        else:
            loss = (model(batch()) - torch.arange(8.0).view(4, 2)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("readout", [None, PooledReadout(C)], ids=["token", "pooled"])
def test_it_predicts_properties(readout: PooledReadout | None):
    model = predictor(readout=readout).eval()
    together = model(batch())
    assert together.shape == (4, 2)
    samples.assert_same(together, torch.cat([model(graph) for graph in samples.molecules(4)]))
    losses = trained(model.train())
    assert losses[-1] < 0.8 * losses[0]
    assert samples.finite_gradients(model)


def test_it_is_pretrained():
    model = pretraining()
    output = model(batch(), generator=torch.Generator().manual_seed(0))
    assert output.predictions["spd"].shape == (4, *model.pack(batch()).pair_mask.shape[1:], 11)
    assert output.loss.isfinite()
    assert output.qualities["denoising"].weight > 0
    losses = trained(model)
    assert losses[-1] < losses[0]
    assert samples.finite_gradients(model)


def test_padding_and_company_do_not_matter_under_its_empty_bias():
    model = pretraining(MoleculeBlending({"2d+3d": 1.0}, noise_scale=0.0)).eval()
    together = model(batch())
    for number, graph in enumerate(samples.molecules(4)):
        alone, size = model(graph), graph.num_nodes
        samples.assert_same(together.predictions["denoising"][number, :size], alone.predictions["denoising"][0])
        samples.assert_same(together.predictions["spd"][number, :size, :size], alone.predictions["spd"][0])


def test_it_sees_the_noise_and_the_blend():
    model = pretraining().eval()
    molecules = model.pack(batch())
    blend = model.draw_blend(molecules, torch.Generator().manual_seed(0))
    quiet = blend._replace(pos_noise=torch.zeros_like(blend.pos_noise))
    only_2d = blend._replace(atom_feature=torch.full_like(blend.atom_feature, -3))
    states = [model._encode(molecules, each).graph for each in (blend, quiet, only_2d)]
    assert not torch.allclose(states[0], states[1])
    assert not torch.allclose(states[0], states[2])


def test_relations_that_it_does_not_blend_cannot_be_drawn():
    with pytest.raises(ValueError, match=r"`probabilities` names \['bond_path', 'distance', 'spd'\].*are \[\]"):
        pretraining(PairBlending())


def test_a_predictor_may_draw_what_it_sees():
    model = predictor(blending=MoleculeBlending({"2d": 0.5, "3d": 0.5}))
    torch.manual_seed(0)
    drawn = [model(batch())[2] for _ in range(20)]
    assert len({round(value.sum().item(), 4) for value in drawn}) == 2
    assert torch.equal(model.eval()(batch()), predictor_of(model)(batch()))


def predictor_of(model: MoleBlendForPropertyPrediction) -> MoleBlendForPropertyPrediction:
    plain = predictor()
    plain.load_state_dict(model.state_dict())
    return plain.eval()


@pytest.mark.parametrize("make", [predictor, pretraining])
def test_fresh_weights_are_drawn_for_all_of_it(make):
    model = make()
    before = {name: value.clone() for name, value in model.encoder.named_parameters()}
    model.reset_parameters()
    assert not [name for name, value in model.encoder.named_parameters() if torch.equal(value, before[name])]


@pytest.mark.parametrize("make", [predictor, pretraining])
@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_it_is_asked_in_every_modality(make, modality: str):
    output = make().eval()(batch(), modality=modality)
    assert (output if isinstance(output, Tensor) else output.loss).isfinite().all()


@pytest.mark.parametrize("make", [predictor, pretraining])
def test_it_is_saved_and_loaded(make, tmp_path):
    model = samples.randomized(make())
    save_pretrained(model, tmp_path)
    again, encoder = from_pretrained(tmp_path), encoder_from_pretrained(tmp_path)
    for loaded in (again.encoder, encoder):
        assert type(loaded) is Counting
        assert arguments_of(loaded) == {"channels": C, "scale": 1.0}
        assert torch.equal(loaded.elements.weight, model.encoder.elements.weight)
    first, second = (each(batch()) for each in (model, again))
    if isinstance(first, Tensor):
        assert torch.equal(first, second)
    else:
        assert torch.equal(again(batch(), first.blend).loss, first.loss)
